/* SPDX-License-Identifier: Apache-2.0 */

/* The endpoints that are not in endpoints.c itself; `owner` is the api of the struct channels. */
#ifndef CHANNELS_ENDPOINTS_H
#define CHANNELS_ENDPOINTS_H

#include "http/http.h"

/* list.c: GET /v1/channels */
void list_channels(struct http_request *request, void *owner);
/* create.c: POST /v1/channels */
void create_channel(struct http_request *request, void *owner);
/* change.c: PATCH /v1/channels/{id}, POST /v1/channels/{id}/enable */
void update_channel(struct http_request *request, void *owner);
void enable_channel(struct http_request *request, void *owner);
/* rotate.c: PUT /v1/channels/{id}/config */
void replace_config(struct http_request *request, void *owner);
/* test.c: POST /v1/channels/test */
void send_test(struct http_request *request, void *owner);
/* preview.c: POST /v1/channels/preview */
void preview_message(struct http_request *request, void *owner);

#endif
