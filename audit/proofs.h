/* SPDX-License-Identifier: Apache-2.0 */

/* GET /v1/audit-logs/checkpoint and GET /v1/audit-logs/key: an auditor fetches these. The owner of
 * both is the folder's struct api. */
#ifndef AUDIT_PROOFS_H
#define AUDIT_PROOFS_H

#include "http/http.h"

/* The team's newest checkpoint; 404 when it has none. */
void show_checkpoint(struct http_request *request, void *owner);

/* The keys that have signed checkpoints, at most 1000, the newest first. */
void show_keys(struct http_request *request, void *owner);

#endif
