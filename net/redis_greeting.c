/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The first words on a new connection to Redis: AUTH, SELECT, CLIENT SETNAME, INFO, ROLE and PING,
 * sent at once, and CLUSTER INFO to a node of one. Who answers must be a master: a replica serves
 * old data and refuses writes. The answer to PING comes last and decides, because a server that is
 * loading its data refuses it. A sentinel is greeted alike, with its own password.
 *
 * INFO and ROLE may be forbidden to our user. Then nobody can tell who the server is, and the
 * connection is used all the same.
 */
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "net/redis_parts.h"

#define GREETING_TIMEOUT_MS 5000
#define WHY_SIZE            160

static int say(struct redis *redis, redis_reply_fn on_reply, int argc, const struct str *argv)
{
	return redis_enqueue(redis, GREETING_TIMEOUT_MS, on_reply, redis, argc, argv);
}

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
	redis->is_cluster_node = memmem(info.at, info.len, "cluster_enabled:1", 17) != NULL;
}

/* What the answer to ROLE has against the server, or an empty text. "master", or "slave" with host
 * and port of its master, or "sentinel". Whoever may not ask knows nothing against it. */
static void judge_role(const struct redis *redis, const redisReply *reply, char why[WHY_SIZE])
{
	const char *wanted = redis->master ? "master" : "sentinel";
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
		snprintf(why, WHY_SIZE, "the server is no %s, its role is %.40s", wanted,
			 role->str);
}

static void on_role_reply(const redisReply *reply, void *owner)
{
	struct redis *redis = owner;
	char why[WHY_SIZE];

	redis->role_is_asked = false;
	if (!reply)
		return;
	judge_role(redis, reply, why);
	if (why[0] && redis->master)
		redis_master_depose(redis->master, redis, why);
	else if (why[0])
		redis_lose(redis, why);
}

/* Commands that wait for something new come first, and may take their time. */
static unsigned role_timeout_ms(const struct redis *redis)
{
	uint64_t now_ms = uv_now(redis->options.loop);
	uint64_t last_ms = redis_last_due_ms(redis);
	uint64_t before_ms = last_ms > now_ms ? last_ms - now_ms : 0;

	return before_ms < UINT32_MAX / 2 ? GREETING_TIMEOUT_MS + (unsigned)before_ms : UINT32_MAX;
}

void redis_ask_role(struct redis *redis)
{
	if (redis->phase != PHASE_UP || redis->on_message || redis->role_is_asked)
		return;
	redis->role_is_asked = redis_enqueue(redis, role_timeout_ms(redis), on_role_reply, redis, 1,
					     (struct str[]){ STR("ROLE") }) == 0;
}

static void warn_of_a_stranger(struct redis *redis)
{
	if (!redis->identity.run_id[0] && redis->master &&
	    redis_master_notes_stranger(redis->master))
		log_warn("redis does not say who it is, so a failover may be noticed late",
			 log_str("allow", "INFO and ROLE"));
}

const struct redis_identity *redis_identity(const struct redis *redis)
{
	return &redis->identity;
}

/* ---- the other words ------------------------------------------------------------------- */

static struct str password_of(const struct redis *redis)
{
	const struct redis_address *address = redis->options.address;

	return secret_reveal(redis->master ? &address->password : &address->sentinel_password);
}

/* A server that does not know AUTH repeats what it was sent. */
static void on_auth_reply(const redisReply *reply, void *owner)
{
	static const char unknown[] = "ERR unknown command";
	struct redis *redis = owner;
	struct str password = password_of(redis);

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

static void arrive(struct redis *redis)
{
	warn_of_a_stranger(redis);
	if (!redis->master || redis_master_admit(redis->master, redis))
		redis_arrive(redis);
}

/* A cluster of one shard is a server like any other. */
static void on_cluster_reply(const redisReply *reply, void *owner)
{
	struct redis *redis = owner;
	struct str lines = STR("");

	if (!reply || redis->phase != PHASE_GREETING)
		return;
	if (reply->type == REDIS_REPLY_STRING)
		lines = (struct str){ reply->str, (size_t)reply->len };
	while (lines.at) {
		struct str value = str_trim(str_cut(&lines, '\n'));
		unsigned long long shards;

		if (str_is(str_cut(&value, ':'), "cluster_size") && str_to_u64(value, &shards) &&
		    shards > 1) {
			redis_lose(redis, "the server is one of several shards of a cluster, which "
					  "cannot be used; a cluster of one shard can");
			return;
		}
	}
	arrive(redis);
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
	if (!redis->is_cluster_node)
		arrive(redis);
	else if (say(redis, on_cluster_reply, 2, (struct str[]){ STR("CLUSTER"), STR("INFO") }) !=
		 0)
		redis_lose(redis, "out of memory");
}

static int log_in(struct redis *redis)
{
	struct str password = password_of(redis);
	struct str user = redis->master ? str_of(redis->options.address->user) : STR("");
	struct str argv[] = { STR("AUTH"), user, password };

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

	if (redis->options.address->db == 0 || !redis->master)
		return 0;
	snprintf(db, sizeof(db), "%d", redis->options.address->db);
	return say(redis, on_select_reply, 2, (struct str[]){ STR("SELECT"), str_of(db) });
}

int redis_send_greeting(struct redis *redis)
{
	const struct str name[] = { STR("CLIENT"), STR("SETNAME"), str_of(redis->name) };
	int rc = log_in(redis);

	redis_identity_parse(STR(""), &redis->identity);
	redis->is_cluster_node = false;
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
