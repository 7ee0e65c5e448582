/* SPDX-License-Identifier: Apache-2.0 */

/* PUT /v1/channels/{id}/config; `owner` is the api of struct channels. */
#ifndef CHANNELS_ROTATE_H
#define CHANNELS_ROTATE_H

#include "http/http.h"

void replace_config(struct http_request *request, void *owner);

#endif
