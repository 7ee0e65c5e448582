/* SPDX-License-Identifier: Apache-2.0 */

/* POST /v1/channels/test; `owner` is the api of struct channels. */
#ifndef CHANNELS_TEST_SEND_H
#define CHANNELS_TEST_SEND_H

#include "http/http.h"

void send_test(struct http_request *request, void *owner);

#endif
