/* SPDX-License-Identifier: Apache-2.0 */

/* Writes runs to a stream's socket, and moves the listener past what the socket took. */
#ifndef SSE_WRITE_H
#define SSE_WRITE_H

#include "sse/run.h"
#include "sse/subscriber.h"

/* True when all of the run is out. If not, the listener has left the front line and is blocked, or
 * it is ending. */
bool write_run(struct subscriber *sub, const struct run *run);

/* Writes one of our own items. False when the socket is full or inside an item. */
bool write_apart(struct subscriber *sub, struct item *item);

/* Moves the listener past the first `taken` bytes of the run. One that fell off the chain starts a
 * replay, and is ended when there is no memory for it. */
void write_settle(struct subscriber *sub, const struct run *run, size_t taken);

#endif
