/* SPDX-License-Identifier: Apache-2.0 */

/* Front door of net/: what the other folders use to wait, to talk to Redis and to send HTTP. */
#ifndef NET_NET_H
#define NET_NET_H

#include "net/deadlines.h"
#include "net/outbound.h"
#include "net/redis.h"
#include "net/redis_blocking.h"
#include "net/redis_sentinel.h"

#endif
