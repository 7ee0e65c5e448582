/* SPDX-License-Identifier: Apache-2.0 */

/* POST /v1/channels; `owner` is the api of struct channels. */
#ifndef CHANNELS_CREATE_H
#define CHANNELS_CREATE_H

#include "http/http.h"

void create_channel(struct http_request *request, void *owner);

#endif
