/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The first words on a new connection to Redis: AUTH, SELECT, CLIENT SETNAME, INFO, ROLE and PING,
 * sent at once. Who answers must be a master: a replica serves old data and refuses writes. The
 * answer to PING comes last and decides, because a server that is loading its data refuses it.
 *
 * INFO and ROLE may be forbidden to our user. Then nobody can tell who the server is, and the
 * connection is used all the same.
 */
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "net/redis_parts.h"

#define GREETING_TIMEOUT_MS 5000

/* ---- who answers ----------------------------------------------------------------------- */

/* Replication ids of forty zeros mean that there is none. */
static bool is_id(struct str text)
{
	bool has_digit = false;

	for (size_t i = 0; i < text.len; i++)
		has_digit = has_digit || text.at[i] != '0';
	return has_digit && text.len < REDIS_ID_SIZE;
}

static void set_id(char out[REDIS_ID_SIZE], struct str text)
{
	if (is_id(text))
		snprintf(out, REDIS_ID_SIZE, "%.*s", STR_ARGS(text));
}

static void take_line(struct redis_identity *identity, struct str line)
{
	struct str value = line;
	struct str name = str_cut(&value, ':');
	unsigned long long offset;

	if (!value.at)
		return;
	if (str_is(name, "run_id"))
		set_id(identity->run_id, value);
	else if (str_is(name, "master_replid"))
		set_id(identity->replid, value);
	else if (str_is(name, "master_replid2"))
		set_id(identity->replid2, value);
	else if (str_is(name, "second_repl_offset") && str_to_u64(value, &offset) &&
		 offset <= INT64_MAX)
		identity->second_offset = (int64_t)offset;
}

void redis_identity_parse(struct str info, struct redis_identity *out)
{
	*out = (struct redis_identity){ .second_offset = -1 };
	while (info.at)
		take_line(out, str_trim(str_cut(&info, '\n')));
}

static void on_info_reply(const redisReply *reply, void *owner)
{
	struct redis *redis = owner;
	struct str info = STR("");

	if (!reply)
		return;
	if (reply->type == REDIS_REPLY_STRING)
		info = (struct str){ reply->str, (size_t)reply->len };
	redis_identity_parse(info, &redis->identity);
}

/* "master", or "slave" with the host and port of its master. */
static void on_role_reply(const redisReply *reply, void *owner)
{
	struct redis *redis = owner;
	const redisReply *role;
	char why[160];

	if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements == 0)
		return;
	role = reply->element[0];
	if (role->type != REDIS_REPLY_STRING || strcmp(role->str, "master") == 0)
		return;
	if (strcmp(role->str, "slave") == 0 && reply->elements > 2 &&
	    reply->element[1]->type == REDIS_REPLY_STRING &&
	    reply->element[2]->type == REDIS_REPLY_INTEGER)
		snprintf(why, sizeof(why), "the server is a replica of %.100s port %lld",
			 reply->element[1]->str, reply->element[2]->integer);
	else
		snprintf(why, sizeof(why), "the server is no master, its role is %.40s", role->str);
	redis_lose(redis, why);
}

static void warn_of_a_stranger(struct redis *redis)
{
	if (redis->identity.run_id[0] || redis->stranger_is_logged)
		return;
	redis->stranger_is_logged = true;
	log_warn("redis does not say who it is, so a failover may be noticed late",
		 log_str("connection", redis->name), log_str("allow", "INFO and ROLE"));
}

const struct redis_identity *redis_identity(const struct redis *redis)
{
	return &redis->identity;
}

/* ---- the other words ------------------------------------------------------------------- */

/* A server that does not know AUTH repeats what it was sent. */
static void on_auth_reply(const redisReply *reply, void *owner)
{
	static const char unknown[] = "ERR unknown command";
	struct redis *redis = owner;
	struct str password = secret_reveal(&redis->options.address->password);

	if (!reply || reply->type != REDIS_REPLY_ERROR)
		return;
	if (strncmp(reply->str, unknown, strlen(unknown)) == 0 ||
	    memmem(reply->str, (size_t)reply->len, password.at, password.len))
		redis_lose(redis, "the server refused AUTH");
	else
		redis_lose(redis, reply->str);
}

static void on_select_reply(const redisReply *reply, void *owner)
{
	if (reply && reply->type == REDIS_REPLY_ERROR)
		redis_lose(owner, reply->str);
}

/* The name is for the eyes of operators; a server that forbids it is good enough. */
static void on_name_reply(const redisReply *reply, void *owner)
{
	(void)reply;
	(void)owner;
}

static void on_ping_reply(const redisReply *reply, void *owner)
{
	struct redis *redis = owner;

	if (!reply || redis->phase != PHASE_GREETING)
		return;
	/* A user who may not PING may still do what he is here for. */
	if (reply->type == REDIS_REPLY_ERROR && !redis_is_error(reply, "NOPERM")) {
		redis_lose(redis, reply->str);
		return;
	}
	warn_of_a_stranger(redis);
	redis_arrive(redis);
}

static int say(struct redis *redis, redis_reply_fn on_reply, int argc, const struct str *argv)
{
	return redis_enqueue(redis, GREETING_TIMEOUT_MS, on_reply, redis, argc, argv);
}

static int log_in(struct redis *redis)
{
	const struct redis_address *address = redis->options.address;
	struct str password = secret_reveal(&address->password);
	struct str argv[] = { STR("AUTH"), str_of(address->user), password };

	if (password.len == 0)
		return 0;
	if (argv[1].len > 0)
		return say(redis, on_auth_reply, 3, argv);
	argv[1] = password;
	return say(redis, on_auth_reply, 2, argv);
}

static int select_db(struct redis *redis)
{
	char db[12];

	if (redis->options.address->db == 0)
		return 0;
	snprintf(db, sizeof(db), "%d", redis->options.address->db);
	return say(redis, on_select_reply, 2, (struct str[]){ STR("SELECT"), str_of(db) });
}

int redis_send_greeting(struct redis *redis)
{
	const struct str name[] = { STR("CLIENT"), STR("SETNAME"), str_of(redis->name) };
	int rc = log_in(redis);

	redis_identity_parse(STR(""), &redis->identity);
	if (rc == 0)
		rc = select_db(redis);
	if (rc == 0)
		rc = say(redis, on_name_reply, 3, name);
	if (rc == 0)
		rc = say(redis, on_info_reply, 1, (struct str[]){ STR("INFO") });
	if (rc == 0)
		rc = say(redis, on_role_reply, 1, (struct str[]){ STR("ROLE") });
	if (rc == 0)
		rc = say(redis, on_ping_reply, 1, (struct str[]){ STR("PING") });
	if (redis->scratch.bytes) /* the password went through it */
		explicit_bzero(redis->scratch.bytes, redis->scratch.cap);
	return rc;
}
