/* SPDX-License-Identifier: Apache-2.0 */

/* POST /v1/channels/preview; `owner` is the api of struct channels. */
#ifndef CHANNELS_PREVIEW_H
#define CHANNELS_PREVIEW_H

#include "http/http.h"

void preview_message(struct http_request *request, void *owner);

#endif
