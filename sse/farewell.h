/* SPDX-License-Identifier: Apache-2.0 */

/* The end of listeners, with a word about the reason. */
#ifndef SSE_FAREWELL_H
#define SSE_FAREWELL_H

#include "sse/subscriber.h"

/* Ends everybody on sse->ending. Not from within a pump. */
void farewell_run(struct sse *sse);

/* How a stream ends: says the last words and closes. With a full socket it leaves its topic, and has
 * some seconds to take the words after what is half written. */
void farewell_end_stream(struct subscriber *sub);

/* The socket of a parting stream takes more. */
void farewell_continue(struct subscriber *sub);

/* For sse->partings. */
void on_parting_due(struct deadline *deadline, void *owner);

#endif
