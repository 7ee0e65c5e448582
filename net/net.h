/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Front door of net/: what the other folders use to wait, to talk to Redis and to send HTTP.
 *
 *   deadlines.h        many waits of the same length on one timer
 *   redis.h            one connection to Redis that reconnects by itself, and its commands
 *   redis_sentinel.h   asks the sentinels where the master is
 *   redis_blocking.h   one connection that blocks, for the command line
 *   outbound.h         HTTP requests to destinations. On the way of each: outbound_request sets it
 *                      up, outbound_guard asks the caller about every address, outbound_answer
 *                      collects the answer, outbound_shortage decides whether a failure is our own
 *                      lack of descriptors or memory, and outbound_fault names any other failure
 *
 * It promises one callback for each request and each command that it accepted. The callback never
 * comes from within the call that sent it, except in redis_blocking.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include "net/deadlines.h"
#include "net/outbound.h"
#include "net/redis.h"
#include "net/redis_blocking.h"
#include "net/redis_sentinel.h"

#endif
