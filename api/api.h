/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What every endpoint of ours needs, for the folders that have endpoints (audit/, channels/,
 * views/). It promises that a request is answered exactly once, that the store's codes become the
 * right status, and that a fault of ours is logged once. It knows nothing of what an endpoint does.
 *
 * Where it is decided:
 *
 *   call.c    what a failed job is for the client and for the log; the life of a call
 *   body.c    who may send a body of which type
 *   paging.c  `limit`, `before` and `before_id`; which times are valid; no parameter twice
 *   fields.c  how times and texts look in JSON
 */
#ifndef API_API_H
#define API_API_H

#include "api/body.h"
#include "api/call.h"
#include "api/fields.h"
#include "api/paging.h"

#endif
