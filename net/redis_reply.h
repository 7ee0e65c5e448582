/* SPDX-License-Identifier: Apache-2.0 */

/* One reply of Redis, as hiredis parses it, and the callback types that get it. */
#ifndef NET_REDIS_REPLY_H
#define NET_REDIS_REPLY_H

#include <hiredis/hiredis.h>
#include <stdbool.h>

#include "core/str.h"

/* `reply` is NULL when the connection broke first; it is freed after the callback. Redis errors
 * arrive as replies of type REDIS_REPLY_ERROR. */
typedef void (*redis_reply_fn)(const redisReply *reply, void *owner);

/* One message of a subscription. */
typedef void (*redis_message_fn)(struct str message, void *owner);

/* An error reply whose first word is `code`. */
bool redis_reply_is_error(const redisReply *reply, const char *code);

/* The text of a string; the empty text for every other type. */
struct str redis_reply_text(const redisReply *reply);

#endif
