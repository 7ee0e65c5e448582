/* SPDX-License-Identifier: Apache-2.0 */

/* GET /v1/admin/dead-letters and POST /v1/admin/dead-letters/{id}/offer. */
#ifndef APP_ADMIN_LETTERS_H
#define APP_ADMIN_LETTERS_H

#include "http/http.h"

void admin_list_letters(struct http_request *request, void *owner);
void admin_offer_letter(struct http_request *request, void *owner);

#endif
