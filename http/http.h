/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Front door of http/: the HTTP/1.1 server, llhttp on the loop.
 *
 *   listen.h    a listening socket, which several workers may share
 *   server.h    open a server, add routes, close it again
 *   request.h   what a handler reads of a request: path, query, fields, body, identity
 *   query.h     the pairs of a query string
 *   response.h  the answer: a body, JSON, or an error of contract c.5
 *   stream.h    or an open stream instead of an answer
 *   types.h     methods, access, routes, errors and limits
 *
 * The folder promises:
 *
 * - A handler gets a complete, valid and authenticated request, and answers it once: now or later.
 *   It runs on the loop's thread, and so does every callback. Nothing here blocks.
 * - Requests of one connection are answered one after another. Pipelined bytes wait meanwhile.
 * - A stream gives back the parser and every buffer. It keeps only the connection, and the handler
 *   keeps the bytes: http_stream_write() copies nothing.
 * - A request that is malformed, too large or too slow never reaches a handler. It gets an error of
 *   contract c.5, and its connection is closed.
 * - A client that leaves is reported once: to a handler by on_abort, to a stream by on_closed.
 * - Everything a client can make grow has a limit: bytes, fields, time, connections.
 * - A stream never calls back from within a call on it. So it cannot change its owner's state
 *   there.
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
