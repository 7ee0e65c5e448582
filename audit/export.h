/* SPDX-License-Identifier: Apache-2.0 */

/* GET /v1/audit-logs/export: the whole trail, as far as the filters go, as one stream. */
#ifndef AUDIT_EXPORT_H
#define AUDIT_EXPORT_H

#include <stdbool.h>

#include "api/api.h"

/* Answers the request. `with_stored_words` as in struct page. */
void export_start(const struct api *api, struct http_request *request, bool with_admin_rows,
		  bool with_stored_words);

#endif
