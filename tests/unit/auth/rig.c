/* SPDX-License-Identifier: Apache-2.0 */

/* The databases and Redis of the tests are real. */
#include "tests/unit/auth/rig.h"

#include <signal.h>
#include <stdarg.h>

#include "core/clock.h"
#include "core/metrics.h"
#include "core/rfc3339.h"

static bool redis_is_there(void *owner)
{
	const struct rig *rig = owner;

	return redis_is_up(rig->redis);
}

static void ignore(void *owner)
{
	(void)owner;
}

static void open_redis(struct rig *rig)
{
	const char *path = rig->server ? rig->server->socket : getenv("TEST_REDIS_SOCKET");
	struct redis_options options = {
		.loop = &rig->loop, .name = "test", .on_up = ignore, .on_down = ignore
	};
	char url[160];
	struct reason why;

	snprintf(url, sizeof(url), "unix://%s", path);
	cr_assert_eq(redis_address_parse(str_of(url), &rig->address, &why), 0);
	options.address = &rig->address;
	cr_assert_eq(redis_open(&options, &rig->redis), 0);
	run_until(&rig->loop, redis_is_there, rig, "redis is there");
	rig->control = redisConnectUnix(path);
	cr_assert(rig->control && !rig->control->err);
}

void rig_reopen_auth(struct rig *rig, bool api_keys_manage, enum team_role change_role)
{
	const struct auth_options options = { .store = rig->store,
					      .redis = rig->redis,
					      .api_keys_manage = api_keys_manage,
					      .change_role = change_role };

	auth_close(rig->auth);
	cr_assert_eq(auth_open(&options, &rig->auth), 0);
}

void rig_make_cookie(struct rig *rig)
{
	uint8_t bytes[32];

	random_bytes(bytes, sizeof(bytes));
	hex_encode(bytes, sizeof(bytes), rig->sid);
	crypto_sha256_hex(str_of(rig->sid), rig->hash);
}

static void add_world(struct rig *rig)
{
	rig_ask(rig, "INSERT INTO teams (id, name, slug) VALUES ('%s', 'Ours', 'ours')", TEAM_UUID);
	rig_ask(rig,
		"INSERT INTO teams (id, name, slug, deleted_at) VALUES ('%s', 'Gone', 'gone', %s)",
		GONE_UUID, sql_time(-10));
	rig_ask(rig, "INSERT INTO users (id, email, name) VALUES ('%s', 'ada@example.com', 'Ada')",
		USER_UUID);
}

void rig_open(struct rig *rig, enum database_engine engine, struct redis_server *server)
{
	const struct sigaction ignored = { .sa_handler = SIG_IGN };
	struct store_options options = { .readers = 2 };

	*rig = (struct rig){ .server = server };
	/* The program does the same: Redis may close the connection while we write. */
	cr_assert_eq(sigaction(SIGPIPE, &ignored, NULL), 0);
	metrics_setup(1);
	cr_assert_eq(uv_loop_init(&rig->loop), 0);
	rig->database = database_make(engine);
	options.loop = &rig->loop;
	options.url = rig->database.url;
	cr_assert_eq(store_open(&options, &rig->store), 0);
	open_redis(rig);
	rig_make_cookie(rig);
	add_world(rig);
	rig_reopen_auth(rig, true, ROLE_MEMBER);
}

static void count_closed(void *owner)
{
	struct rig *rig = owner;

	rig->closed++;
}

static bool all_closed(void *owner)
{
	const struct rig *rig = owner;

	return rig->closed == 2;
}

void rig_close(struct rig *rig)
{
	auth_close(rig->auth);
	redis_close(rig->redis, count_closed, rig);
	store_close(rig->store, count_closed, rig);
	run_until(&rig->loop, all_closed, rig, "everything closed");
	uv_run(&rig->loop, UV_RUN_DEFAULT);
	cr_assert_eq(uv_loop_close(&rig->loop), 0);
	redisFree(rig->control);
	redis_address_done(&rig->address);
}

int64_t rig_ask(struct rig *rig, const char *format, ...)
{
	char sql[2048];
	va_list args;

	va_start(args, format);
	int len = vsnprintf(sql, sizeof(sql), format, args);
	va_end(args);
	cr_assert_lt((size_t)len, sizeof(sql));
	return database_ask(&rig->database, sql);
}

const char *sql_time(int64_t offset_s)
{
	static char texts[4][RFC3339_TEXT_SIZE + 2];
	static unsigned next;
	char time[RFC3339_TEXT_SIZE];
	char *text = texts[next++ % 4];

	rfc3339_format(clock_wall_us() + offset_s * 1000000, 6, time);
	snprintf(text, sizeof(texts[0]), "'%s'", time);
	return text;
}

void rig_add_session(struct rig *rig, const char *role, int64_t expires_in_s, int64_t seen_ago_s)
{
	if (role)
		rig_ask(rig,
			"INSERT INTO users_teams (user_id, team_id, role) VALUES ('%s', '%s', "
			"'%s')",
			USER_UUID, TEAM_UUID, role);
	rig_ask(rig,
		"INSERT INTO sessions (id, user_id, team_id, csrf_token, last_seen_at, expires_at) "
		"VALUES ('%s', '%s', '%s', '%s', %s, %s)",
		rig->hash, USER_UUID, TEAM_UUID, CSRF, sql_time(-seen_ago_s),
		sql_time(expires_in_s));
}

void rig_add_key(struct rig *rig, const char *team, const char *created_by)
{
	rig_ask(rig,
		"INSERT INTO team_api_keys (id, team_id, name, key_hash, key_prefix, created_by) "
		"VALUES ('00000000-0000-4000-8000-000000000001', '%s', 'ci', '%s', 'wrn_001122', "
		"%s)",
		team, KEY_HASH, created_by);
}

void rig_cache(struct rig *rig, const char *json)
{
	redisReply *reply =
		redisCommand(rig->control, "SET wrenn:session:%s %s PX 60000", rig->hash, json);

	cr_assert(reply && reply->type == REDIS_REPLY_STATUS);
	freeReplyObject(reply);
}

void rig_cache_session(struct rig *rig, const char *team, const char *role, int64_t expires_in_s)
{
	char json[1024];
	char quoted[64];
	char expires[RFC3339_TEXT_SIZE];

	snprintf(quoted, sizeof(quoted), "\"%s\"", team ? team : "");
	rfc3339_format(clock_wall_us() + expires_in_s * 1000000, 6, expires);
	snprintf(json, sizeof(json),
		 "{\"id\":\"%s\",\"user_id\":\"" USER_UUID "\",\"team_id\":%s,\"csrf\":\"" CSRF
		 "\",\"email\":\"ada@example.com\",\"name\":\"Ada\",\"role\":\"%s\","
		 "\"is_admin\":true,\"created_at\":\"2026-05-24T05:02:08.123456789+02:00\","
		 "\"expires_at\":\"%s\",\"last_seen_at\":\"2026-05-24T05:02:08Z\","
		 "\"user_agent\":\"x\",\"ip\":\"::1\"}",
		 rig->hash, team ? quoted : "null", role, expires);
	rig_cache(rig, json);
}

long long rig_ttl_ms(struct rig *rig)
{
	redisReply *reply = redisCommand(rig->control, "PTTL wrenn:session:%s", rig->hash);
	long long ttl;

	cr_assert(reply && reply->type == REDIS_REPLY_INTEGER);
	ttl = reply->integer;
	freeReplyObject(reply);
	return ttl;
}

static bool is_answered(void *owner)
{
	const struct http_request *request = owner;

	return request->answers > 0;
}

int rig_visit(struct rig *rig, struct http_request *request, enum http_access access)
{
	auth_authenticate(request, access, rig->auth);
	run_until(&rig->loop, is_answered, request, "the request is answered");
	cr_assert_eq(request->answers, 1);
	return request->status;
}

int rig_visit_session(struct rig *rig, enum http_access access)
{
	struct http_request request = { .sid = rig->sid };

	return rig_visit(rig, &request, access);
}

int rig_visit_key(struct rig *rig, enum http_access access)
{
	struct http_request request = { .key = API_KEY };

	return rig_visit(rig, &request, access);
}

struct recheck_answer {
	unsigned calls;
	int rc;
};

static void take_answer(int rc, void *owner)
{
	struct recheck_answer *answer = owner;

	answer->calls++;
	answer->rc = rc;
}

static bool has_answer(void *owner)
{
	return ((const struct recheck_answer *)owner)->calls > 0;
}

int rig_recheck(struct rig *rig, const struct identity *identity, enum http_access access)
{
	struct recheck_answer answer = { 0, 0 };

	cr_assert_eq(auth_recheck(rig->auth, identity, access, take_answer, &answer), 0);
	cr_assert_eq(answer.calls, 0, "never called from within");
	run_until(&rig->loop, has_answer, &answer, "the recheck is answered");
	cr_assert_eq(answer.calls, 1);
	return answer.rc;
}
