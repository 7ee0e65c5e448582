/* SPDX-License-Identifier: Apache-2.0 */

/* The front line: listeners without a filter that have received everything before topic->front. */
#ifndef SSE_FRONT_LINE_H
#define SSE_FRONT_LINE_H

#include "sse/live.h"

/* Sends the topic's new items to its front line: gathered once, one write for each listener. */
void front_line_flush(struct topic *topic);

/* Gives each listener a cursor of its own, because the item they would start at is removed. */
void front_line_scatter(struct topic *topic);

#endif
