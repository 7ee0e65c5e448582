/* SPDX-License-Identifier: Apache-2.0 */

/* GET /v1/audit-logs/export: all rows of the trail that pass the filters, as one stream. */
#ifndef AUDIT_EXPORT_H
#define AUDIT_EXPORT_H

#include <stdbool.h>

#include "api/api.h"
#include "audit/outlet.h"
#include "audit/signer.h"

struct export_options {
	bool with_admin_rows;
	bool with_stored_words;            /* as in struct page */
	const struct audit_signer *signer; /* NULL: no export can be proven */
	struct outlet *outlet;             /* for the checkpoint that an export makes */
};

/* Answers the request. */
void export_start(const struct api *api, struct http_request *request,
		  const struct export_options *options);

/* Call this before the outlet is closed. Running exports then publish no more checkpoints. */
void export_forget_outlet(void);

#endif
