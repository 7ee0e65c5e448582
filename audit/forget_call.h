/* SPDX-License-Identifier: Apache-2.0 */

/* POST /v1/admin/audit-logs/forget; the owner is the folder's struct api. */
#ifndef AUDIT_FORGET_CALL_H
#define AUDIT_FORGET_CALL_H

#include "http/http.h"

void forget_person(struct http_request *request, void *owner);

#endif
