/* SPDX-License-Identifier: Apache-2.0 */

/* Why a request failed. Part of net/outbound.c. */
#ifndef NET_OUTBOUND_FAULT_H
#define NET_OUTBOUND_FAULT_H

#include <curl/curl.h>

#include "core/exchange.h"

/* The name of a result other than CURLE_OK; `trouble` is its CURLOPT_ERRORBUFFER. */
enum answer_fault outbound_fault(CURLcode result, const char *trouble);

/* The TLS fault as a constant sentence, or NULL when neither library says. */
const char *outbound_explain_tls(CURL *easy, const char *trouble);

#endif
