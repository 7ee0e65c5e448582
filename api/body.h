/* SPDX-License-Identifier: Apache-2.0 */

/* The JSON body of a request. */
#ifndef API_BODY_H
#define API_BODY_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "core/attributes.h"
#include "core/reason.h"
#include "core/str.h"
#include "http/http.h"

/* False when a session cookie came with a body of another type: then the request has been answered
 * with 415. */
bool body_is_json(struct http_request *request) must_check;

/* The body as a tree, which the caller deletes. -EINVAL with *why, which names the member at
 * fault if there is one; or -ENOMEM. */
int body_parse(struct str body, cJSON **out, struct reason *why) must_check;

#endif
