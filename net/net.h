/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Front door of net/: what the other folders use to wait, to talk to Redis and to send HTTP.
 *
 * It promises one callback for each request and each command that it accepted. The callback never
 * comes from within the call that sent it, except in redis_blocking.
 *
 * Where it is decided:
 *
 * HTTP requests to destinations
 *   outbound.c           how long a request may connect and last; which handles are kept
 *   outbound_request.c   which libcurl options: no redirects, no proxy, trusted certificates
 *   outbound_guard.c     when the caller judges an address: at the socket, before sending
 *   outbound_answer.c    how much of an answer is kept, and which of several counts
 *   outbound_shortage.c  did it fail for our own lack of descriptors or memory?
 *   outbound_fault.c     what any other failure is called, and how the owner reads it
 *
 * One connection to Redis that reconnects by itself
 *   redis.c              when it tries again (100 ms to 5 s), and when it counts as up
 *   redis_address.c      which REDIS_URL is valid
 *   redis_dial.c         which address is tried next, and for how long (5 s each)
 *   redis_greeting.c     may this server be used? (login, role, loading, shards of a cluster)
 *   redis_tls.c          is its certificate trusted?
 *   redis_commands.c     is a reply overdue? Which errors drop the connection?
 *   redis_master.c       which server all connections use after a failover
 *   redis_sentinel.c     which sentinel is asked and believed, and when another one is
 *   redis_outage.c       which losses the log shows
 *   redis_blocking.c     how long the command line waits (5 s); it never retries
 *   redis_link.c         why a socket broke, in words
 *
 * Helpers: deadlines.c (many waits of one length on one timer), curl_loop.c (libcurl on the loop),
 * redis_resolver.c, redis_identity.c, redis_reply.c.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include "net/deadlines.h"
#include "net/outbound.h"
#include "net/redis.h"
#include "net/redis_blocking.h"
#include "net/redis_sentinel.h"

#endif
