/* SPDX-License-Identifier: Apache-2.0 */

/* Turns one request into libcurl's options. Part of net/outbound.c. */
#ifndef NET_OUTBOUND_REQUEST_H
#define NET_OUTBOUND_REQUEST_H

#include <curl/curl.h>

#include "core/attributes.h"
#include "core/exchange.h"

/* The options of every request. `ca_file` may be NULL: the system's certificates. */
void outbound_request_set_policy(CURL *easy, const char *user_agent, const char *ca_file);
/* How old the certificates may be that libcurl has read, an hour at most. */
void outbound_request_set_trust(CURL *easy, int64_t trusted_ms);

/* URL, method, headers and body. *request must outlive the transfer, and so must *headers, which
 * the caller frees, also after a failure. 0, -ENOMEM, or -EINVAL for a malformed request. */
int outbound_request_set(CURL *easy, struct outgoing *request,
			 struct curl_slist **headers) must_check;
/* Forgets what was set for one request, so that the handle can serve another. */
void outbound_request_unset(CURL *easy);

#endif
