/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The answer to PING comes last and decides, because a server that is loading its data refuses it.
 * A replica is refused: it serves old data and refuses writes. A sentinel is greeted in the same
 * way, with its own password.
 *
 * INFO and ROLE may be forbidden to our user. Then we cannot tell which server answers, but use the
 * connection anyway.
 */
#include "net/redis_greeting.h"

#include <stdio.h>
#include <string.h>

#define GREETING_TIMEOUT_MS 5000
#define WHY_SIZE            160

static int say(struct redis_greeting *greeting, redis_reply_fn on_reply, int argc,
	       const struct str *argv)
{
	return redis_commands_send(greeting->commands, GREETING_TIMEOUT_MS, on_reply, greeting,
				   argc, argv);
}

static void refuse(const struct redis_greeting *greeting, const char *why)
{
	greeting->events->on_refused(why, greeting->owner);
}

/* ---- which server answers -------------------------------------------------------------- */

static void on_info_reply(const redisReply *reply, void *owner)
{
	struct redis_greeting *greeting = owner;
	struct str info;

	if (!reply)
		return;
	info = redis_reply_text(reply);
	redis_identity_parse(info, &greeting->identity);
	greeting->is_cluster_node = memmem(info.at, info.len, "cluster_enabled:1", 17) != NULL;
}

/* Why the answer to ROLE rules out the server, or an empty text. The first element is "master",
 * "sentinel", or "slave" with host and port of its master. An error rules out nothing. */
static void judge_role(const char *wanted, const redisReply *reply, char why[WHY_SIZE])
{
	const redisReply *role = NULL;

	why[0] = '\0';
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements > 0)
		role = reply->element[0];
	if (!role || role->type != REDIS_REPLY_STRING || strcmp(role->str, wanted) == 0)
		return;
	if (strcmp(role->str, "slave") == 0 && reply->elements > 2 &&
	    reply->element[1]->type == REDIS_REPLY_STRING &&
	    reply->element[2]->type == REDIS_REPLY_INTEGER)
		snprintf(why, WHY_SIZE, "the server is a replica of %.100s port %lld",
			 reply->element[1]->str, reply->element[2]->integer);
	else
		snprintf(why, WHY_SIZE, "the server is not a %s, its role is %.40s", wanted,
			 role->str);
}

static void on_role_reply(const redisReply *reply, void *owner)
{
	struct redis_greeting *greeting = owner;
	char why[WHY_SIZE];

	greeting->role_is_asked = false;
	if (!reply)
		return;
	judge_role(greeting->hello.role, reply, why);
	if (why[0])
		greeting->events->on_wrong_role(why, greeting->owner);
}

/* If blocking commands were sent before, the server answers only after their wait. */
static unsigned role_timeout_ms(const struct redis_commands *commands)
{
	uint64_t now_ms = uv_now(commands->timer.loop);
	uint64_t last_ms = redis_commands_last_due_ms(commands);
	uint64_t before_ms = last_ms > now_ms ? last_ms - now_ms : 0;

	return before_ms < UINT32_MAX / 2 ? GREETING_TIMEOUT_MS + (unsigned)before_ms : UINT32_MAX;
}

void redis_greeting_check_role(struct redis_greeting *greeting)
{
	struct redis_commands *commands = greeting->commands;

	if (greeting->role_is_asked)
		return;
	greeting->role_is_asked =
		redis_commands_send(commands, role_timeout_ms(commands), on_role_reply, greeting, 1,
				    (struct str[]){ STR("ROLE") }) == 0;
}

/* ---- the other commands ---------------------------------------------------------------- */

/* A server that does not know AUTH repeats the password in its error. */
static void on_auth_reply(const redisReply *reply, void *owner)
{
	static const char unknown[] = "ERR unknown command";
	struct redis_greeting *greeting = owner;
	struct str password = secret_reveal(greeting->hello.password);

	if (!reply || reply->type != REDIS_REPLY_ERROR)
		return;
	if (strncmp(reply->str, unknown, strlen(unknown)) == 0 ||
	    memmem(reply->str, (size_t)reply->len, password.at, password.len))
		refuse(greeting, "the server refused AUTH");
	else
		refuse(greeting, reply->str);
}

static void on_select_reply(const redisReply *reply, void *owner)
{
	if (reply && reply->type == REDIS_REPLY_ERROR)
		refuse(owner, reply->str);
}

/* Only operators read the name, so a server that forbids it can be used. */
static void on_name_reply(const redisReply *reply, void *owner)
{
	(void)reply;
	(void)owner;
}

static void succeed(const struct redis_greeting *greeting)
{
	greeting->events->on_greeted(greeting->owner);
}

/* True when the answer to CLUSTER INFO says that there is more than one shard. */
static bool has_several_shards(struct str lines)
{
	while (lines.at) {
		struct str value = str_trim(str_cut(&lines, '\n'));
		unsigned long long shards;

		if (str_is(str_cut(&value, ':'), "cluster_size") && str_to_u64(value, &shards) &&
		    shards > 1)
			return true;
	}
	return false;
}

static void on_cluster_reply(const redisReply *reply, void *owner)
{
	struct redis_greeting *greeting = owner;

	if (!reply)
		return;
	if (has_several_shards(redis_reply_text(reply)))
		refuse(greeting, "the server is one of several shards of a cluster, which cannot "
				 "be used; a cluster of one shard can");
	else
		succeed(greeting);
}

static void on_ping_reply(const redisReply *reply, void *owner)
{
	struct redis_greeting *greeting = owner;

	if (!reply)
		return;
	/* A user who may not PING may still be allowed the commands that we need. */
	if (reply->type == REDIS_REPLY_ERROR && !redis_reply_is_error(reply, "NOPERM"))
		refuse(greeting, reply->str);
	else if (!greeting->is_cluster_node)
		succeed(greeting);
	else if (say(greeting, on_cluster_reply, 2, (struct str[]){ STR("CLUSTER"), STR("INFO") }))
		refuse(greeting, "out of memory");
}

static int log_in(struct redis_greeting *greeting)
{
	struct str password = secret_reveal(greeting->hello.password);
	struct str argv[] = { STR("AUTH"), str_of(greeting->hello.user), password };

	if (password.len == 0)
		return 0;
	if (argv[1].len > 0)
		return say(greeting, on_auth_reply, 3, argv);
	argv[1] = password;
	return say(greeting, on_auth_reply, 2, argv);
}

static int select_db(struct redis_greeting *greeting)
{
	char db[12];

	if (greeting->hello.db == 0)
		return 0;
	snprintf(db, sizeof(db), "%d", greeting->hello.db);
	return say(greeting, on_select_reply, 2, (struct str[]){ STR("SELECT"), str_of(db) });
}

void redis_greeting_init(struct redis_greeting *greeting, struct redis_commands *commands,
			 const struct redis_hello *hello,
			 const struct redis_greeting_events *events, void *owner)
{
	*greeting = (struct redis_greeting){
		.commands = commands, .hello = *hello, .events = events, .owner = owner
	};
}

int redis_greeting_start(struct redis_greeting *greeting)
{
	const struct str name[] = { STR("CLIENT"), STR("SETNAME"), str_of(greeting->hello.name) };
	int rc = log_in(greeting);

	redis_identity_parse(STR(""), &greeting->identity);
	greeting->is_cluster_node = false;
	greeting->role_is_asked = false;
	if (rc == 0)
		rc = select_db(greeting);
	if (rc == 0)
		rc = say(greeting, on_name_reply, 3, name);
	if (rc == 0)
		rc = say(greeting, on_info_reply, 1, (struct str[]){ STR("INFO") });
	if (rc == 0)
		rc = say(greeting, on_role_reply, 1, (struct str[]){ STR("ROLE") });
	if (rc == 0)
		rc = say(greeting, on_ping_reply, 1, (struct str[]){ STR("PING") });
	redis_commands_forget(greeting->commands);
	return rc;
}
