/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The blocking connection of the command line: connect, authenticate, select the database, or say
 * in one sentence what went wrong. The service itself never comes here.
 */
#include <errno.h>
#include <stdarg.h>

#include "net/redis.h"

static const struct timeval patience = { .tv_sec = 5 };

/* False with the sentence set when Redis refused; replies of these commands are short. */
static bool command_succeeds(redisContext *redis, int argc, const char **argv, const size_t *lens,
			     struct reason *why)
{
	redisReply *reply = redisCommandArgv(redis, argc, argv, lens);
	bool good = reply && reply->type != REDIS_REPLY_ERROR;

	if (!good)
		reason_set(why, -EIO, "", "Redis refused the connection: %s",
			   reply ? reply->str : redis->errstr);
	if (reply)
		freeReplyObject(reply);
	return good;
}

static bool log_in(redisContext *redis, const struct redis_address *address, struct reason *why)
{
	struct str user = str_of(address->user);
	struct str password = secret_reveal(&address->password);
	const char *argv[] = { "AUTH", user.at, password.at };
	size_t lens[] = { 4, user.len, password.len };

	if (password.len == 0)
		return true;
	if (user.len > 0)
		return command_succeeds(redis, 3, argv, lens, why);
	argv[1] = password.at;
	lens[1] = password.len;
	return command_succeeds(redis, 2, argv, lens, why);
}

static bool select_db(redisContext *redis, const struct redis_address *address, struct reason *why)
{
	char db[12];
	int len = snprintf(db, sizeof(db), "%d", address->db);

	return address->db == 0 || command_succeeds(redis, 2, (const char *[]){ "SELECT", db },
						    (const size_t[]){ 6, (size_t)len }, why);
}

redisContext *redis_connect_blocking(const struct redis_address *address, struct reason *why)
{
	redisContext *redis =
		address->host[0] ? redisConnectWithTimeout(address->host, address->port, patience)
				 : redisConnectUnixWithTimeout(address->path, patience);

	if (!redis || redis->err) {
		reason_set(why, -EIO, "", "Redis cannot be reached: %s",
			   redis ? redis->errstr : "out of memory");
		goto fail;
	}
	if (redisSetTimeout(redis, patience) != REDIS_OK) {
		reason_set(why, -EIO, "", "Redis cannot be reached: %s", redis->errstr);
		goto fail;
	}
	if (!log_in(redis, address, why) || !select_db(redis, address, why))
		goto fail;
	return redis;

fail:
	redisFree(redis); /* accepts NULL */
	return NULL;
}
