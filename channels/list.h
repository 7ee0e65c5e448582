/* SPDX-License-Identifier: Apache-2.0 */

/* GET /v1/channels and GET /v1/channels/{id}; `owner` is the api of struct channels. */
#ifndef CHANNELS_LIST_H
#define CHANNELS_LIST_H

#include "http/http.h"

void list_channels(struct http_request *request, void *owner);
void get_channel(struct http_request *request, void *owner);

#endif
