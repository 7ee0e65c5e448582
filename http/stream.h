/* SPDX-License-Identifier: Apache-2.0 */

/* Open streams: answers without an end. The caller keeps the bytes and frames them as chunks. */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include <stdbool.h>
#include <sys/uio.h>

#include "core/attributes.h"
#include "http/types.h"

struct http_stream_events {
	void (*on_writable)(void *owner); /* after a short write, once there is room again */
	void (*on_closed)(void *owner); /* the last call: the client left, or http_stream_close() */
};

/* Answers 200 with the fields of contract b.2 and `first`, which is whole chunks or nothing, in one
 * write. The connection then is a stream. The events must outlive it; none is called from within.
 *
 * A Content-Type of http_respond_header() takes the place of text/event-stream.
 *
 * The request is dead afterwards, whatever this returns. 0, or -EPIPE without a stream: the client
 * has left, or it asked with HEAD and got the fields. A client that does not take chunks must get
 * plain bytes until the connection closes. Bytes a client sends on a stream are thrown away; a
 * client that sends more than 64 KiB, or finishes sending, is closed. */
int http_stream_open(struct http_request *request, const struct http_stream_events *events,
		     void *owner, struct str first, struct http_stream **out) must_check;

/* One system call, no copy. Returns the bytes taken (0 when the socket is full), or a negative
 * errno; then close. After a short write on_writable follows, or on_closed when the client takes
 * nothing for the write time-out. */
ssize_t http_stream_write(struct http_stream *stream, const struct iovec *pieces, int count);

/* Closes; on_closed is called later, never from within. `ended_well` tries to send the last chunk,
 * so set it only at a chunk boundary. Safe to call twice. */
void http_stream_close(struct http_stream *stream, bool ended_well);

#endif
