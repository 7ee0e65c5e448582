/* SPDX-License-Identifier: Apache-2.0 */

#include "net/redis_reply.h"

#include <string.h>

bool redis_reply_is_error(const redisReply *reply, const char *code)
{
	size_t len = strlen(code);

	return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, code, len) == 0 &&
	       (reply->str[len] == ' ' || reply->str[len] == '\0');
}

struct str redis_reply_text(const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_STRING)
		return STR("");
	return (struct str){ reply->str, (size_t)reply->len };
}
