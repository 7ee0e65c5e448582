/* SPDX-License-Identifier: Apache-2.0 */

/* PATCH /v1/channels/{id} and POST /v1/channels/{id}/enable; `owner` is the api of channels. */
#ifndef CHANNELS_CHANGE_H
#define CHANNELS_CHANGE_H

#include "http/http.h"

void update_channel(struct http_request *request, void *owner);
void enable_channel(struct http_request *request, void *owner);

#endif
