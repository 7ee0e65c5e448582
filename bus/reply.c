/* SPDX-License-Identifier: Apache-2.0 */

/* Accessors that return nothing when a reply does not have the expected shape. */
#include "bus/reply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus/stream.h"
#include "net/net.h"

#define NO_STREAM "the key " BUS_STREAM " is not a stream"

struct str reply_text(const redisReply *reply)
{
	if (!reply || (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_STATUS))
		return (struct str){ NULL, 0 };
	return (struct str){ reply->str, (size_t)reply->len };
}

const redisReply *reply_element(const redisReply *reply, size_t i)
{
	if (!reply || reply->type != REDIS_REPLY_ARRAY || i >= reply->elements)
		return NULL;
	return reply->element[i];
}

const redisReply *reply_find(const redisReply *reply, const char *name)
{
	for (size_t i = 0; reply_element(reply, i + 1); i += 2) {
		struct str text = reply_text(reply_element(reply, i));

		if (text.at && str_is(text, name))
			return reply_element(reply, i + 1);
	}
	return NULL;
}

bool reply_is_error(const redisReply *reply, const char *code)
{
	size_t len = strlen(code);

	return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, code, len) == 0 &&
	       (reply->str[len] == ' ' || reply->str[len] == '\0');
}

uint64_t reply_number(const redisReply *reply, uint64_t otherwise)
{
	if (!reply || reply->type != REDIS_REPLY_INTEGER || reply->integer < 0)
		return otherwise;
	return (uint64_t)reply->integer;
}

void reply_reject(struct redis *redis, int rc, const char *command)
{
	char why[80];

	if (rc == -ENOMEM)
		snprintf(why, sizeof(why), "out of memory");
	else if (rc == -EPROTOTYPE)
		snprintf(why, sizeof(why), NO_STREAM);
	else
		snprintf(why, sizeof(why), "malformed answer to %s", command);
	redis_fail(redis, why);
}

void reply_check_sent(struct redis *redis, int rc)
{
	if (rc && rc != -ENOTCONN)
		redis_fail(redis, "out of memory");
}

void reply_reject_error(struct redis *redis, const redisReply *error)
{
	if (reply_is_error(error, "WRONGTYPE"))
		redis_fail(redis, NO_STREAM);
	else
		redis_fail(redis,
			   error->type == REDIS_REPLY_ERROR ? error->str : "unexpected reply type");
}
