/* SPDX-License-Identifier: Apache-2.0 */

/* GET /v1/channels/{id}/activity and GET /v1/events/activity; `owner` is the api of the views. */
#ifndef VIEWS_ACTIVITY_H
#define VIEWS_ACTIVITY_H

#include "http/http.h"

void view_channel_activity(struct http_request *request, void *owner);
void view_event_activity(struct http_request *request, void *owner);

#endif
