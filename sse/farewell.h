/* SPDX-License-Identifier: Apache-2.0 */

/* Ends listeners and tells streams why. */
#ifndef SSE_FAREWELL_H
#define SSE_FAREWELL_H

#include "sse/subscriber.h"

/* Ends everybody on sse->ending. Not from within a pump. */
void farewell_run(struct sse *sse);

/* Says the last words and closes. A stream whose socket is full has some seconds to take the words
 * after what is half written. */
void farewell_end_stream(struct subscriber *sub);

/* The socket of a parting stream takes more. */
void farewell_continue(struct subscriber *sub);

/* For sse->partings. */
void on_parting_due(struct deadline *deadline, void *owner);

#endif
