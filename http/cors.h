/* SPDX-License-Identifier: Apache-2.0 */

/*
 * CORS: pages of other origins. Pages on the operator's list may read answers, with cookies. Others
 * get no CORS fields, so the browser refuses them.
 */
#ifndef HTTP_CORS_H
#define HTTP_CORS_H

#include "http/request_state.h"

/* Origins are scheme://host or scheme://host:port, separated by commas. */
bool cors_lists(const char *origins, struct str origin);

/* Adds the CORS fields to an answer below /v1/. NULL or empty origins: adds nothing. */
void cors_add_fields(struct http_request *request, const char *origins);

/* Answers the preflight, which a browser sends before some requests. False when the request is not
 * a preflight, or its origin is not listed. */
bool cors_answer_preflight(struct http_request *request, const char *origins);

#endif
