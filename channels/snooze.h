/* SPDX-License-Identifier: Apache-2.0 */

/* POST and DELETE /v1/channels/{id}/snooze. */
#ifndef CHANNELS_SNOOZE_H
#define CHANNELS_SNOOZE_H

struct http_request;

void snooze_channel(struct http_request *request, void *owner);
void end_snooze(struct http_request *request, void *owner);

#endif
