/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What every endpoint of ours needs, for the folders that have endpoints (audit/, channels/,
 * views/):
 *
 *   call.h     one request that one or more store jobs answer: its life, its answers, its faults
 *   body.h     the JSON body: its type and its parsing
 *   paging.h   the parameters of a list: limit, before, before_id; times and "may be given once"
 *   fields.h   members of a JSON answer
 *
 * It promises that a request is answered exactly once, that the store's codes become the right
 * status, and that a fault of ours is logged once. It knows nothing of what an endpoint does.
 */
#ifndef API_API_H
#define API_API_H

#include "api/body.h"
#include "api/call.h"
#include "api/fields.h"
#include "api/paging.h"

#endif
