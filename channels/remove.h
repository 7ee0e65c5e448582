/* SPDX-License-Identifier: Apache-2.0 */

/* DELETE /v1/channels/{id}; `owner` is the api of struct channels. */
#ifndef CHANNELS_REMOVE_H
#define CHANNELS_REMOVE_H

#include "http/http.h"

void delete_channel(struct http_request *request, void *owner);

#endif
