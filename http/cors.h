/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Pages of other origins. Only those on the operator's list may read answers, with the browser's
 * cookies; for all others nothing changes, which is a browser's reason to refuse them.
 */
#ifndef HTTP_CORS_H
#define HTTP_CORS_H

#include "http/request_state.h"

/* Origins are scheme://host or scheme://host:port, separated by commas. */
bool cors_lists(const char *origins, struct str origin);

/* Adds the fields an answer below /v1/ needs. With `origins` NULL or empty nothing. */
void cors_add_fields(struct http_request *request, const char *origins);

/* Answers the question a browser asks before the request proper. False: it is no such question, or
 * not to be answered. */
bool cors_answer_preflight(struct http_request *request, const char *origins);

#endif
