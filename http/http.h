/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Front door of http/: the HTTP/1.1 server, llhttp on the loop. types.h has methods, access, errors
 * and the limits of a request.
 *
 * The folder promises:
 *
 * - A handler gets a complete, valid and authenticated request, and answers it once: now or later.
 *   It runs on the loop's thread, and so does every callback. Nothing here blocks.
 * - Requests of one connection are answered one after another. Pipelined bytes wait meanwhile.
 * - A stream frees the parser and every buffer. It keeps only the connection, and the handler
 *   keeps the bytes: http_stream_write() copies nothing.
 * - A request that is malformed, too large or too slow never reaches a handler. It gets an error of
 *   contract c.5, and its connection is closed.
 * - A client that leaves is reported once: to a handler by on_abort, to a stream by on_closed.
 * - Everything a client can make grow has a limit: bytes, fields, time, connections.
 * - A stream never calls back from within a call on it, so the call cannot change its owner's
 *   state.
 *
 * Where it is decided:
 *
 * Connections
 *   server.c         who is accepted or gets a 503; how long a client may be slow, idle or silent
 *   listen.c         may a socket share its port?
 *   connection.c     which events of a socket count, and when its memory goes
 *   poller.c         how many events one turn takes
 *
 * A request
 *   exchange.c       what a connection does next: read, answer, stay open, linger
 *   parser.c         which bytes are HTTP; what could smuggle a second request is not
 *   message.c        is the head valid? What do its length and its coding mean?
 *   target.c         which paths are valid
 *   query.c          which query strings are valid
 *   router.c         which route fits
 *   dispatch.c       what comes first: route, CORS, authentication or handler
 *   cors.c           which pages of other origins may read answers
 *   request.c        what a client accepts: a type, a coding, chunks
 *
 * An answer
 *   response.c       what becomes of an answer that cannot be built
 *   response_head.c  which fields an answer has (Cache-Control, Connection)
 *   errors.c         status, code and "try again" of each error; what an EventSource gets instead
 *   stream.c         how much an open stream may send us, and how it ends
 *
 * Helpers: pool.c (what connections share), date.c.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "http/listen.h"
#include "http/query.h"
#include "http/request.h"
#include "http/response.h"
#include "http/server.h"
#include "http/stream.h"
#include "http/types.h"

#endif
