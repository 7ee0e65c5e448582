/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads replies of Redis defensively, and drops a connection whose answer cannot be used. Private
 * to bus/. Nothing is copied: texts point into the reply.
 */
#ifndef BUS_REPLY_H
#define BUS_REPLY_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/str.h"

#define REPLY_TIMEOUT_MS 10000 /* for every command, including the time a read blocks */

struct redis;

/* A string or a status; `at` is NULL for anything else. Accepts NULL. */
struct str reply_text(const redisReply *reply);

/* Element i, or NULL when there is none. Accepts NULL and replies that are not arrays. */
const redisReply *reply_element(const redisReply *reply, size_t i);

/* The value after `name` in a flat list of names and values, or NULL. */
const redisReply *reply_find(const redisReply *reply, const char *name);

/* The number, or `otherwise` when it is negative or not a number. */
uint64_t reply_number(const redisReply *reply, uint64_t otherwise);

/* An error whose first word is `code`. */
bool reply_is_error(const redisReply *reply, const char *code);

/* Drops the connection because its answer to `command` cannot be used: -ENOMEM, -EPROTOTYPE (the
 * key of the stream holds another type) or -EBADMSG. */
void reply_reject(struct redis *redis, int rc, const char *command);

/* Drops the connection because of an error or an unexpected reply. */
void reply_reject_error(struct redis *redis, const redisReply *error);

/* `rc` is what redis_send() returned. When out of memory, drops the connection. Without a
 * connection there is nothing to do: on_up starts again. */
void reply_check_sent(struct redis *redis, int rc);

#endif
