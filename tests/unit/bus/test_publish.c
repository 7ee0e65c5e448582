/* SPDX-License-Identifier: Apache-2.0 */

/* The publisher: the exact JSON, the values it refuses, and the two writes. */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/bus/bus_fixture.h"

#define USER   "usr-0x5yg3bfyrehlas5fmd3rslxq"
#define KEY    "key-0x5yg3bfyrehlas5fmd3rslxq"
#define HOST   "host-0x5yg3bfyrehlas5fmd3rslxq"
#define NOW_US 1779598928123456 /* 2026-05-24T05:02:08Z */
#define HEAD   "\"timestamp\":\"2026-05-24T05:02:08Z\",\"team_id\":\"" TEST_TEAM "\",\"actor\":"

struct row {
	const char *kind;
	const char *team;
	const char *resource;
	const char *outcome;
	const char *error;
	const char *actor[3]; /* type, id, name */
	const char *metadata[6];
	const char *expected; /* the JSON, or the field at fault */
};

static int write_row(const struct row *row, struct buf *out, struct reason *why)
{
	struct event_member metadata[3];
	struct bus_publication p = {
		.kind = str_of(row->kind),
		.team = str_of(row->team),
		.resource_id = str_of(row->resource),
		.outcome = str_of(row->outcome),
		.error = str_of(row->error),
		.actor_type = str_of(row->actor[0]),
		.actor_id = str_of(row->actor[1]),
		.actor_name = str_of(row->actor[2]),
		.metadata = metadata,
	};

	for (size_t i = 0; i < 6 && row->metadata[i]; i += 2)
		metadata[p.metadata_count++] =
			(struct event_member){ .name = str_of(row->metadata[i]),
					       .value = str_of(row->metadata[i + 1]) };
	buf_init(out, EVENT_MAX_BYTES);
	return bus_publication_write(&p, NOW_US, out, why);
}

static const struct row good_rows[] = {
	{ .kind = "capsule.pause",
	  .team = TEST_TEAM,
	  .resource = TEST_CAPSULE,
	  .outcome = "success",
	  .metadata = { "reason", "ttl_expired" },
	  .expected = "{\"event\":\"capsule.pause\",\"outcome\":\"success\"," HEAD
		      "{\"type\":\"system\"},\"resource\":{\"id\":\"" TEST_CAPSULE
		      "\",\"type\":\"sandbox\"},\"metadata\":{\"reason\":\"ttl_expired\"}}" },
	{ .kind = "capsule.create",
	  .team = TEST_TEAM,
	  .resource = TEST_CAPSULE,
	  .outcome = "error",
	  .error = "no \"room\"",
	  .actor = { "user", USER, "Ada" },
	  .metadata = { "b", "2", "a", "1", "aa", "" },
	  .expected = "{\"event\":\"capsule.create\",\"outcome\":\"error\"," HEAD
		      "{\"type\":\"user\",\"id\":\"" USER "\",\"name\":\"Ada\"},\"resource\":{"
		      "\"id\":\"" TEST_CAPSULE "\",\"type\":\"sandbox\"},\"metadata\":{\"a\":\"1\","
		      "\"aa\":\"\",\"b\":\"2\"},\"error\":\"no \\\"room\\\"\"}" },
	{ .kind = "template.snapshot.delete",
	  .team = TEST_TEAM,
	  .resource = "my snapshot",
	  .actor = { "api_key", KEY },
	  .expected = "{\"event\":\"template.snapshot.delete\"," HEAD
		      "{\"type\":\"api_key\",\"id\":\"" KEY "\"},\"resource\":{\"id\":\"my snapshot"
		      "\",\"type\":\"snapshot\"}}" },
	{ .kind = "host.down",
	  .team = TEST_TEAM,
	  .resource = HOST,
	  .actor = { "system" },
	  .expected =
		  "{\"event\":\"host.down\"," HEAD
		  "{\"type\":\"system\"},\"resource\":{\"id\":\"" HOST "\",\"type\":\"host\"}}" },
	{ .kind = "capsule.state.changed",
	  .team = TEST_TEAM,
	  .resource = TEST_CAPSULE,
	  .metadata = { "to", "running", "from", "" },
	  .expected = "{\"event\":\"capsule.state.changed\"," HEAD
		      "{\"type\":\"system\"},\"resource\":{\"id\":\"" TEST_CAPSULE
		      "\",\"type\":\"sandbox\"},\"metadata\":{\"from\":\"\",\"to\":\"running\"}}" },
};

Test(publication, writes_the_compact_json_of_the_contract)
{
	for (size_t i = 0; i < ARRAY_LEN(good_rows); i++) {
		struct reason why = { .text = "" };
		struct event *event;
		struct buf out;

		cr_assert_eq(write_row(&good_rows[i], &out, &why), 0, "%s: %s", good_rows[i].kind,
			     why.text);
		cr_expect_str_eq(buf_text(&out), good_rows[i].expected);
		cr_expect_eq(event_parse(buf_str(&out), (struct stream_id){ 0 }, &event, &why), 0,
			     "%s", why.text);
		event_free(event);
		buf_done(&out);
	}
}

#define PAUSE .kind = "capsule.pause", .team = TEST_TEAM, .resource = TEST_CAPSULE

static const struct row bad_rows[] = {
	{ .kind = "", .team = TEST_TEAM, .resource = TEST_CAPSULE, .expected = "event" },
	{ .kind = "capsule.paused",
	  .team = TEST_TEAM,
	  .resource = TEST_CAPSULE,
	  .expected = "event" },
	{ .kind = "channel.test", .team = TEST_TEAM, .resource = "x", .expected = "event" },
	{ .kind = "capsule.pause", .team = "", .resource = TEST_CAPSULE, .expected = "team" },
	{ .kind = "capsule.pause",
	  .team = "team-zzzzzzzzzzzzzzzzzzzzzzzzz",
	  .resource = TEST_CAPSULE,
	  .expected = "team" },
	{ .kind = "capsule.pause", .team = TEST_TEAM, .resource = "", .expected = "resource" },
	{ .kind = "capsule.pause", .team = TEST_TEAM, .resource = HOST, .expected = "resource" },
	{ .kind = "host.up", .team = TEST_TEAM, .resource = TEST_CAPSULE, .expected = "resource" },
	{ .kind = "template.snapshot.create",
	  .team = TEST_TEAM,
	  .resource = "\xff",
	  .expected = "resource" },
	{ .kind = "host.up",
	  .team = TEST_TEAM,
	  .resource = HOST,
	  .outcome = "success",
	  .expected = "outcome" },
	{ PAUSE, .outcome = "maybe", .expected = "outcome" },
	{ PAUSE, .outcome = "success", .error = "x", .expected = "error" },
	{ PAUSE, .error = "x", .expected = "error" },
	{ PAUSE, .outcome = "error", .error = "\xc0\x80", .expected = "error" },
	{ PAUSE, .actor = { "host" }, .expected = "actor" },
	{ PAUSE, .actor = { "system", USER }, .expected = "actor" },
	{ PAUSE, .actor = { NULL, NULL, "Ada" }, .expected = "actor" },
	{ PAUSE, .actor = { "user", KEY }, .expected = "actor_id" },
	{ PAUSE, .actor = { "api_key", USER }, .expected = "actor_id" },
	{ PAUSE, .actor = { "user", USER, "\xff" }, .expected = "actor_name" },
	{ PAUSE, .metadata = { "", "x" }, .expected = "metadata" },
	{ PAUSE, .metadata = { "a", "\xff" }, .expected = "metadata" },
	{ PAUSE, .metadata = { "a", "1", "b", "2", "a", "3" }, .expected = "metadata" },
};

Test(publication, refuses_what_breaks_the_contract_and_names_the_field)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++) {
		struct reason why = { .field = "none" };
		struct buf out;

		cr_expect_eq(write_row(&bad_rows[i], &out, &why), -EINVAL, "row %zu", i);
		cr_expect_str_eq(why.field, bad_rows[i].expected, "row %zu: %s", i, why.text);
		buf_done(&out);
	}
}

Test(publication, refuses_more_metadata_than_a_reader_takes)
{
	static struct event_member metadata[EVENT_MAX_METADATA + 1];
	struct bus_publication p = { .kind = STR("capsule.pause"),
				     .team = STR(TEST_TEAM),
				     .resource_id = STR(TEST_CAPSULE),
				     .metadata = metadata,
				     .metadata_count = EVENT_MAX_METADATA + 1 };
	struct reason why = { .field = "" };
	struct buf out;

	buf_init(&out, EVENT_MAX_BYTES);
	cr_expect_eq(bus_publication_write(&p, NOW_US, &out, &why), -EINVAL);
	cr_expect_str_eq(why.field, "metadata");
	buf_done(&out);
}

/* ---- the two writes ---------------------------------------------------------------------- */

static redisContext *subscribe(struct world *w)
{
	const struct timeval patience = { .tv_sec = 10 };
	redisContext *listener = redisConnectUnixWithTimeout(w->server.socket, patience);

	cr_assert_eq(redisSetTimeout(listener, patience), REDIS_OK);

	redisReply *reply = redisCommand(listener, "SUBSCRIBE " BUS_CHANNEL);

	cr_assert(reply);
	freeReplyObject(reply);
	return listener;
}

static void expect_copy(redisContext *listener, const char *text)
{
	redisReply *reply = NULL;

	cr_assert_eq(redisGetReply(listener, (void **)&reply), REDIS_OK);
	cr_assert_eq(reply->elements, 3);
	cr_expect_str_eq(reply->element[2]->str, text);
	freeReplyObject(reply);
}

static struct redis_blocking *connect_to(const struct world *w)
{
	struct redis_blocking *redis;
	struct reason why = { .text = "" };

	cr_assert_eq(redis_blocking_open(&w->address, &redis, &why), 0, "%s", why.text);
	return redis;
}

Test(publish, writes_the_stream_and_the_very_same_bytes_to_the_channel)
{
	struct world w;
	struct redis_blocking *redis;
	char text[512];
	char id[STREAM_ID_TEXT_SIZE];
	struct reason why;
	redisContext *listener;
	redisReply *reply;

	world_open(&w);
	redis = connect_to(&w);
	listener = subscribe(&w);
	event_text(text, "capsule.pause", TEST_CAPSULE, 1);
	cr_assert_eq(bus_publish(redis, str_of(text), id, &why), 0);
	expect_copy(listener, text);
	reply = redis_server_ask(&w.server, "XRANGE " BUS_STREAM " - +");
	cr_assert_eq(reply->elements, 1);
	cr_expect_str_eq(reply->element[0]->element[0]->str, id);
	cr_expect_eq(reply->element[0]->element[1]->elements, 2);
	cr_expect_str_eq(reply->element[0]->element[1]->element[0]->str, "payload");
	cr_expect_str_eq(reply->element[0]->element[1]->element[1]->str, text);
	freeReplyObject(reply);
	redisFree(listener);
	cr_expect(redis_blocking_close(redis));
	world_close(&w);
}

Test(publish, keeps_what_is_ephemeral_out_of_the_stream)
{
	struct world w;
	struct redis_blocking *redis;
	char text[512];
	char id[STREAM_ID_TEXT_SIZE] = "x";
	struct reason why;
	redisContext *listener;

	world_open(&w);
	redis = connect_to(&w);
	listener = subscribe(&w);
	event_text(text, "capsule.state.changed", TEST_CAPSULE, 1);
	cr_assert_eq(bus_publish(redis, str_of(text), id, &why), 0);
	cr_expect_str_eq(id, "");
	expect_copy(listener, text);
	cr_expect_eq(redis_server_number(&w.server, "EXISTS " BUS_STREAM), 0);
	redisFree(listener);
	cr_expect(redis_blocking_close(redis));
	world_close(&w);
}

Test(publish, sends_the_copy_even_when_the_stream_refuses)
{
	struct world w;
	struct redis_blocking *redis;
	char text[512];
	char id[STREAM_ID_TEXT_SIZE];
	struct reason why = { .text = "" };
	redisContext *listener;

	world_open(&w);
	redis = connect_to(&w);
	listener = subscribe(&w);
	redis_server_do(&w.server, "SET " BUS_STREAM " x");
	event_text(text, "capsule.pause", TEST_CAPSULE, 1);
	cr_expect_eq(bus_publish(redis, str_of(text), id, &why), -EIO);
	cr_expect_neq(strstr(why.text, "WRONGTYPE"), NULL, "%s", why.text);
	cr_expect_str_eq(id, "");
	expect_copy(listener, text);
	redisFree(listener);
	cr_expect(redis_blocking_close(redis));
	world_close(&w);
}

Test(publish, sends_nothing_that_nobody_could_read)
{
	struct world w;
	struct redis_blocking *redis;
	char text[512];
	char id[STREAM_ID_TEXT_SIZE];
	struct reason why = { .text = "" };

	world_open(&w);
	redis = connect_to(&w);
	cr_expect_eq(bus_publish(redis, STR("no JSON"), id, &why), -EINVAL);
	cr_expect_neq(why.text[0], '\0');
	event_text(text, "channel.test", TEST_CAPSULE, 1);
	cr_expect_eq(bus_publish(redis, str_of(text), id, &why), -EINVAL);
	cr_expect_eq(redis_server_number(&w.server, "EXISTS " BUS_STREAM), 0);
	cr_expect(redis_blocking_close(redis));
	world_close(&w);
}

Test(publish, says_when_redis_has_gone)
{
	struct world w;
	char text[512];
	char id[STREAM_ID_TEXT_SIZE];
	struct reason why = { .text = "" };
	struct redis_blocking *redis;

	world_open(&w);
	redis = connect_to(&w);
	redis_server_kill(&w.server);
	event_text(text, "capsule.pause", TEST_CAPSULE, 1);
	cr_expect_eq(bus_publish(redis, str_of(text), id, &why), -ENOTCONN);
	cr_expect_eq(strncmp(why.text, "Redis is unavailable", 20), 0, "%s", why.text);
	cr_expect(redis_blocking_close(redis));
	redis_server_restart(&w.server);
	world_close(&w);
}
