/* SPDX-License-Identifier: Apache-2.0 */

/* Events: what a payload becomes, what is refused, and what leaves us. */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/clock.h"
#include "core/event.h"
#include "core/json.h"
#include "core/rfc3339.h"

#define TEAM    "team-0x5yg3bfyrehlas5fmd3rslxq"
#define CAPSULE "cl-6dfzh5ik5uxynzmlf5cshamdk"

/* The event of the contract's test vectors, byte for byte. */
#define VECTOR                                                                  \
	"{\"event\":\"capsule.pause\",\"outcome\":\"success\","                 \
	"\"timestamp\":\"2026-05-24T05:02:08Z\",\"team_id\":\"" TEAM "\","      \
	"\"actor\":{\"type\":\"system\"},\"resource\":{\"id\":\"" CAPSULE "\"," \
	"\"type\":\"sandbox\"},\"metadata\":{\"reason\":\"ttl_expired\"}}"

/* A payload of the given kind with more members after the required ones. */
#define WITH(kind, more)                                                                     \
	"{\"event\":\"" kind "\",\"timestamp\":\"2026-05-24T05:02:08Z\",\"team_id\":\"" TEAM \
	"\",\"actor\":{\"type\":\"system\"},\"resource\":{\"id\":\"" CAPSULE                 \
	"\",\"type\":\"sandbox\"}" more "}"

static struct event *parsed_str(struct str payload)
{
	struct event *event = NULL;
	struct reason why = { .text = "" };
	int rc = event_parse(payload, (struct stream_id){ 7, 8 }, &event, &why);

	cr_assert_eq(rc, 0, "%.200s: %s", payload.at, why.text);
	return event;
}

static struct event *parsed(const char *payload)
{
	return parsed_str(str_of(payload));
}

Test(event_parse, reads_the_vector_of_the_contract)
{
	struct event *event = parsed(VECTOR);
	char text[UUID_TEXT_SIZE];

	cr_expect_eq(sizeof(VECTOR) - 1, 251);
	cr_expect_eq(event->id.ms, 7);
	cr_expect_eq(event->id.seq, 8);
	cr_expect_eq(event->kind, EVENT_CAPSULE_PAUSE);
	cr_expect_eq(event->outcome, OUTCOME_SUCCESS);
	cr_expect_eq(event->actor, ACTOR_SYSTEM);
	cr_expect_eq(event->time_us, INT64_C(1779598928000000));
	cr_expect(event->has_capsule);
	uuid_format(&event->team, text);
	cr_expect_str_eq(text, "0f8fad5b-d9cb-469f-a165-70867728950e");
	uuid_format(&event->capsule, text);
	cr_expect_str_eq(text, "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
	cr_expect_str_eq(event->kind_text.at, "capsule.pause");
	cr_expect_str_eq(event->team_text.at, TEAM);
	cr_expect_str_eq(event->timestamp.at, "2026-05-24T05:02:08Z");
	cr_expect_str_eq(event->actor_type.at, "system");
	cr_expect_str_eq(event->actor_id.at, "");
	cr_expect_str_eq(event->actor_name.at, "");
	cr_expect_str_eq(event->resource_id.at, CAPSULE);
	cr_expect_str_eq(event->resource_type.at, "sandbox");
	cr_expect_str_eq(event->reason.at, "ttl_expired");
	cr_expect_str_eq(event->error.at, "");
	cr_expect_str_eq(event->sandbox.at, "");
	cr_expect_str_eq(event->payload.at, VECTOR);
	cr_expect_eq(event->metadata_count, 1);
	cr_expect_not(event_is_about_nothing(event));
	event_free(event);
}

Test(event_parse, keeps_nothing_of_the_payload_it_was_given)
{
	char payload[] = VECTOR;
	struct event *event = parsed(payload);

	memset(payload, 'x', sizeof(payload) - 1);
	cr_expect_str_eq(event->payload.at, VECTOR);
	cr_expect_str_eq(event->metadata[0].name.at, "reason");
	cr_expect_str_eq(event->metadata[0].value.at, "ttl_expired");
	event_free(event);
}

Test(event_parse, reads_every_member)
{
	struct event *event = parsed(
		" {\"metadata\":{\"template\":\"\",\"b\":\"2\",\"a\":\"\\u003c1\\u003e\"},"
		"\"future\":[1,{\"x\":null}],\"error\":\"no \\u0026 host\",\"outcome\":\"error\","
		"\"resource\":{\"type\":\"sandbox\",\"id\":\"\"},\"actor\":{\"type\":\"user\","
		"\"id\":\"usr-1\",\"name\":\"Z\xc3\xb6\"},\"team_id\":\"" TEAM "\","
		"\"timestamp\":\"soon\",\"event\":\"capsule.create\","
		"\"sandbox\":{\"id\":\"" CAPSULE
		"\",\"vcpus\" : 2,\"disk_used_mb\":9007199254740991}}\n");

	cr_expect_eq(event->kind, EVENT_CAPSULE_CREATE);
	cr_expect_eq(event->outcome, OUTCOME_ERROR);
	cr_expect_eq(event->actor, ACTOR_USER);
	cr_expect_str_eq(event->actor_id.at, "usr-1");
	cr_expect_str_eq(event->actor_name.at, "Z\xc3\xb6");
	cr_expect_not(event->has_capsule);
	cr_expect(uuid_is_zero(&event->capsule));
	cr_expect_not(event_is_about_nothing(event));
	cr_expect_eq(event->time_us, 0);
	cr_expect_str_eq(event->timestamp.at, "soon");
	cr_expect_str_eq(event->error.at, "no & host");
	cr_expect_str_eq(event->public_error.at, "no & host");
	cr_expect_str_eq(event->sandbox.at,
			 "{\"id\":\"" CAPSULE "\",\"vcpus\":2,\"disk_used_mb\":9007199254740991}");
	cr_assert_eq(event->metadata_count, 3);
	cr_expect_str_eq(event->metadata[0].name.at, "template");
	cr_expect_str_eq(event_metadata(event, "a").at, "<1>");
	cr_expect_eq(event_metadata(event, "template").len, 0);
	cr_expect_eq(event_metadata(event, "c").len, 0);
	cr_expect_eq(event->reason.len, 0);
	event_free(event);
}

Test(event_parse, takes_null_and_empty_for_absent)
{
	struct event *event = parsed(WITH("host.up", ",\"outcome\":null,\"metadata\":null,"
						     "\"error\":null,\"sandbox\":null"));

	cr_expect_eq(event->outcome, OUTCOME_NONE);
	cr_expect_eq(event->metadata_count, 0);
	cr_expect_eq(event->sandbox.len, 0);
	cr_expect_not(event->has_capsule); /* no capsule kind, though the id looks like one */
	event_free(event);

	event = parsed(WITH("host.up", ",\"outcome\":\"\",\"metadata\":{},\"error\":\"\""));
	cr_expect_eq(event->outcome, OUTCOME_NONE);
	cr_expect(event->payload_is_public);
	event_free(event);
}

Test(event_parse, takes_an_unknown_kind_without_looking_further)
{
	static const char *const cases[] = {
		"{\"event\":\"volume.attach\"}",
		"{\"event\":\"volume.attach\",\"team_id\":5,\"actor\":[],\"outcome\":\"odd\"}",
		"{\"event\":\"capsule.created\"}",
		"{\"event\":\"connected\"}",
		"{\"event\":\"capsule.create \"}",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct event *event = parsed(cases[i]);

		cr_expect_eq(event->kind, EVENT_UNKNOWN, "%s", cases[i]);
		cr_expect_gt(event->kind_text.len, 0, "%s", cases[i]);
		cr_expect_str_eq(event->payload.at, cases[i]);
		cr_expect_str_eq(event->team_text.at, "");
		event_free(event);
	}
}

/* `body` replaces everything from the timestamp on. */
#define PAUSE(body) "{\"event\":\"capsule.pause\"," body "}"
#define T           "\"timestamp\":\"2026-05-24T05:02:08Z\","
#define ID          "\"team_id\":\"" TEAM "\","
#define A           "\"actor\":{\"type\":\"system\"},"
#define R           "\"resource\":{\"id\":\"x\",\"type\":\"sandbox\"}"

Test(event_parse, refuses_a_malformed_event_and_names_the_member)
{
	static const struct {
		const char *payload;
		const char *field;
	} cases[] = {
		{ "", "" },
		{ "[]", "event" },
		{ "\"x\"", "event" },
		{ "{}", "event" },
		{ "{\"event\":null}", "event" },
		{ "{\"event\":\"\"}", "event" },
		{ "{\"event\":5}", "event" },
		{ "{\"event\":\"a\",\"event\":\"b\"}", "event" },
		{ PAUSE(ID A R), "timestamp" },
		{ PAUSE("\"timestamp\":5," ID A R), "timestamp" },
		{ PAUSE("\"timestamp\":\"\"," ID A R), "timestamp" },
		{ PAUSE(T A R), "team_id" },
		{ PAUSE(T "\"team_id\":\"0x5yg3bfyrehlas5fmd3rslxq\"," A R), "team_id" },
		{ PAUSE(T "\"team_id\":\"team-f5lxx1zz5pnorynqglhzmsp34\"," A R), "team_id" },
		{ PAUSE(T "\"team_id\":{}," A R), "team_id" },
		{ PAUSE(T ID R), "actor" },
		{ PAUSE(T ID "\"actor\":\"system\"," R), "actor" },
		{ PAUSE(T ID "\"actor\":{}," R), "actor.type" },
		{ PAUSE(T ID "\"actor\":{\"type\":1}," R), "actor.type" },
		{ PAUSE(T ID "\"actor\":{\"type\":\"user\",\"id\":1}," R), "actor.id" },
		{ PAUSE(T ID "\"actor\":{\"type\":\"user\",\"name\":[]}," R), "actor.name" },
		{ PAUSE(T ID "\"actor\":{\"type\":\"system\"}"), "resource" },
		{ PAUSE(T ID A "\"resource\":[]"), "resource" },
		{ PAUSE(T ID A "\"resource\":{\"type\":\"sandbox\"}"), "resource.id" },
		{ PAUSE(T ID A "\"resource\":{\"id\":null,\"type\":\"x\"}"), "resource.id" },
		{ PAUSE(T ID A "\"resource\":{\"id\":1,\"type\":\"x\"}"), "resource.id" },
		{ PAUSE(T ID A "\"resource\":{\"id\":\"x\"}"), "resource.type" },
		{ PAUSE(T ID A R ",\"outcome\":\"maybe\""), "outcome" },
		{ PAUSE(T ID A R ",\"outcome\":\"Success\""), "outcome" },
		{ PAUSE(T ID A R ",\"outcome\":true"), "outcome" },
		{ PAUSE(T ID A R ",\"metadata\":[]"), "metadata" },
		{ PAUSE(T ID A R ",\"metadata\":\"x\""), "metadata" },
		{ PAUSE(T ID A R ",\"metadata\":{\"a\":1}"), "metadata" },
		{ PAUSE(T ID A R ",\"metadata\":{\"a\":null}"), "metadata" },
		{ PAUSE(T ID A R ",\"metadata\":{\"a\":{}}"), "metadata" },
		{ PAUSE(T ID A R ",\"metadata\":{\"a\":\"1\",\"a\":\"2\"}"), "a" },
		{ PAUSE(T ID A R ",\"error\":{}"), "error" },
		{ PAUSE(T ID A R ",\"sandbox\":[]"), "sandbox" },
		{ PAUSE(T ID A R ",\"sandbox\":\"x\""), "sandbox" },
		{ PAUSE(T ID A R) "x", "" },
		{ PAUSE(T ID A R ",\"error\":\"\\ud8\""), "error" },
		{ PAUSE(T ID A R ",\"error\":\"\\u0000"), "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct event *event = NULL;
		struct reason why = { .field = "none", .text = "" };
		int rc = event_parse(str_of(cases[i].payload), (struct stream_id){ 0, 0 }, &event,
				     &why);

		cr_expect_eq(rc, -EINVAL, "%s", cases[i].payload);
		cr_expect_null(event, "%s", cases[i].payload);
		cr_expect_str_eq(why.field, cases[i].field, "%s", cases[i].payload);
		cr_expect_neq(why.text[0], '\0', "%s", cases[i].payload);
	}
}

/* A payload of exactly `size` bytes, its error filled up with letters. */
static void write_sized(struct buf *out, size_t size)
{
	static const char head[] = PAUSE(T ID A R ",\"error\":\"");
	size_t head_len = sizeof(head) - 1 - 1; /* without the closing brace of PAUSE */

	buf_init(out, size);
	buf_add(out, head, head_len);
	while (out->len < size - 2)
		buf_add_char(out, 'e');
	buf_add_text(out, "\"}");
}

Test(event_parse, refuses_a_payload_past_64_kib)
{
	struct buf out;
	struct event *event = NULL;
	struct reason why;

	write_sized(&out, EVENT_MAX_BYTES);
	event = parsed_str(buf_str(&out));
	cr_expect_gt(event->error.len, 65000);
	cr_expect_eq(event->public_error.len, EVENT_MAX_ERROR);
	event_free(event);
	buf_done(&out);

	write_sized(&out, EVENT_MAX_BYTES + 1);
	cr_expect_eq(event_parse(buf_str(&out), (struct stream_id){ 0, 0 }, &event, &why), -EINVAL);
	buf_done(&out);
}

Test(event_parse, takes_64_members_of_metadata_and_no_more)
{
	for (int count = EVENT_MAX_METADATA; count <= EVENT_MAX_METADATA + 1; count++) {
		struct buf out;
		struct event *event = NULL;

		buf_init(&out, EVENT_MAX_BYTES);
		buf_add_text(&out, "{\"event\":\"capsule.pause\"," T ID A R ",\"metadata\":{");
		for (int i = 0; i < count; i++)
			buf_addf(&out, "%s\"k%d\":\"%d\"", i ? "," : "", i, i);
		buf_add_text(&out, "}}");
		int rc = event_parse(buf_str(&out), (struct stream_id){ 0, 0 }, &event, NULL);

		if (count == EVENT_MAX_METADATA) {
			cr_assert_eq(rc, 0);
			cr_expect_str_eq(event_metadata(event, "k63").at, "63");
		} else {
			cr_expect_eq(rc, -EINVAL);
		}
		event_free(event);
		buf_done(&out);
	}
}

static void expect_open(const char *payload, const char *expected)
{
	struct event *event = parsed(payload);
	struct buf out;

	buf_init(&out, 2 * EVENT_MAX_BYTES);
	event_write_frame(&out, event);
	cr_expect_str_eq(buf_text(&out), expected);
	buf_done(&out);
	event_free(event);
}

Test(event_write_frame, writes_the_members_in_order_and_leaves_out_empty_ones)
{
	char vector[sizeof(VECTOR)] = VECTOR;

	vector[sizeof(VECTOR) - 2] = '\0'; /* all but the closing brace */
	expect_open(VECTOR, vector);
	expect_open("{\"error\":\"e\",\"metadata\":{\"b\":\"2\",\"\":\"\",\"B\":\"3\",\"a\":"
		    "\"\\u2028\"},"
		    "\"sandbox\":{\"id\":\"x\"},\"new\":1,"
		    "\"resource\":{\"type\":\"host\",\"id\":\"\"},\"actor\":{\"name\":\"N\","
		    "\"id\":\"I\",\"type\":\"user\"},\"team_id\":\"" TEAM "\","
		    "\"timestamp\":\"2026-05-24T05:02:08.5+02:00\",\"outcome\":\"error\","
		    "\"event\":\"host.down\"}",
		    "{\"event\":\"host.down\",\"outcome\":\"error\","
		    "\"timestamp\":\"2026-05-24T05:02:08.5+02:00\","
		    "\"team_id\":\"" TEAM "\",\"actor\":{\"type\":\"user\",\"id\":\"I\","
		    "\"name\":\"N\"},\"resource\":{\"id\":\"\",\"type\":\"host\"},"
		    "\"metadata\":{\"\":\"\",\"B\":\"3\",\"a\":\"\\u2028\",\"b\":\"2\"},"
		    "\"error\":\"e\"");
	expect_open(WITH("host.up", ",\"metadata\":{},\"outcome\":\"\",\"error\":\"\""),
		    "{\"event\":\"host.up\",\"timestamp\":\"2026-05-24T05:02:08Z\","
		    "\"team_id\":\"" TEAM "\",\"actor\":{\"type\":\"system\"},"
		    "\"resource\":{\"id\":\"" CAPSULE "\",\"type\":\"sandbox\"}");
}

/* A frame's members from the timestamp on. */
#define FRAME(time, actor, metadata)                                                          \
	"{\"event\":\"host.up\",\"timestamp\":\"" time "\",\"team_id\":\"" TEAM               \
	"\",\"actor\":{\"type\":\"" actor "\"},\"resource\":{\"id\":\"x\",\"type\":\"host\"}" \
	",\"metadata\":{" metadata "}"

Test(event_write_frame, says_only_what_a_strict_client_can_read_and_keeps_the_original)
{
	static const struct {
		const char *time;
		const char *actor;
		const char *metadata;
		const char *expected;
	} cases[] = {
		{ "2026-05-24T05:02:08", "robot", "\"z\":\"1\",\"a\":\"2\"",
		  FRAME("2026-05-24T05:02:08Z", "system",
			"\"a\":\"2\",\"original_actor_type\":\"robot\","
			"\"original_timestamp\":\"2026-05-24T05:02:08\",\"z\":\"1\"") },
		{ "2026-05-24 05:02:08.25", "system", "",
		  FRAME("2026-05-24T05:02:08.250000Z", "system",
			"\"original_timestamp\":\"2026-05-24 05:02:08.25\"") },
		{ "2026-05-24t05:02:08z", "user", "",
		  FRAME("2026-05-24T05:02:08Z", "user",
			"\"original_timestamp\":\"2026-05-24t05:02:08z\"") },
		{ "2026-05-24T05:02:60Z", "user", "",
		  FRAME("2026-05-24T05:02:59Z", "user",
			"\"original_timestamp\":\"2026-05-24T05:02:60Z\"") },
		/* The stream's time: 1779598928123-8. */
		{ "yesterday", "system", "",
		  FRAME("2026-05-24T05:02:08Z", "system", "\"original_timestamp\":\"yesterday\"") },
		{ "2026-13-01T00:00:00Z", "System", "\"original_timestamp\":\"mine\"",
		  FRAME("2026-05-24T05:02:08Z", "system",
			"\"original_actor_type\":\"System\",\"original_timestamp\":\"mine\"") },
		{ "2026-05-24T05:02:08.123456789-11:30", "api_key", "\"k\":\"v\"",
		  FRAME("2026-05-24T05:02:08.123456789-11:30", "api_key", "\"k\":\"v\"") },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct event *event = NULL;
		struct buf payload;
		struct buf out;

		buf_init(&payload, 1000);
		buf_addf(&payload, FRAME("%s", "%s", "%s") "}", cases[i].time, cases[i].actor,
			 cases[i].metadata);
		cr_assert_eq(event_parse(buf_str(&payload), (struct stream_id){ 1779598928123, 8 },
					 &event, NULL),
			     0);
		buf_init(&out, 1000);
		event_write_frame(&out, event);
		cr_expect_str_eq(buf_text(&out), cases[i].expected);
		buf_done(&out);
		buf_done(&payload);
		event_free(event);
	}
}

Test(event_write_frame, gives_an_event_without_a_stream_id_the_time_of_its_coming)
{
	struct event *event = NULL;
	struct buf out;
	cJSON *tree = NULL;
	int64_t before_us = clock_wall_us() / 1000000 * 1000000;
	int64_t us = 0;

	cr_assert_eq(event_parse(STR(FRAME("now", "system", "") "}"), (struct stream_id){ 0, 0 },
				 &event, NULL),
		     0);
	buf_init(&out, 1000);
	event_write_frame(&out, event);
	buf_add_char(&out, '}');
	cr_assert_eq(json_parse(buf_str(&out), 1000, &tree, NULL), 0);
	cr_assert_eq(rfc3339_parse(str_of(json_get_string(tree, "timestamp")), &us), 0);
	cr_expect_geq(us, before_us);
	cr_expect_leq(us, clock_wall_us());
	cJSON_Delete(tree);
	buf_done(&out);
	event_free(event);
}

Test(event_parse, reads_every_string_that_can_be_written_and_shows_controls)
{
	struct event *event =
		parsed("{\"event\":\"template.snapshot.create\",\"outcome\":\"error\"," T ID
		       "\"actor\":{\"type\":\"user\",\"name\":\"A\\u0000B\"},\"resource\":{\"id\":"
		       "\"s\\u0000\","
		       "\"type\":\"snapshot\"},\"metadata\":{\"k\\u0000\":\"v\\u0000\"},"
		       "\"error\":\"tar: bad\\tmagic\\n \\u0000\\u0001\\u007f\\u0085.\"}");

	cr_expect_str_eq(event->actor_name.at, "A\xef\xbf\xbd"
					       "B");
	cr_expect_str_eq(event->resource_id.at, "s\xef\xbf\xbd");
	cr_expect_str_eq(event_metadata(event, "k\xef\xbf\xbd").at, "v\xef\xbf\xbd");
	cr_expect_str_eq(event->public_error.at,
			 "tar: bad magic  \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd .");
	cr_expect(event->payload_is_public);
	event_free(event);
}

Test(event_parse, takes_blank_for_empty_where_somebody_would_be_shown_nothing)
{
	struct event *event = parsed(WITH("capsule.pause", ",\"outcome\":\"error\",\"error\":"
							   "\"\\u00a0\\u2003\",\"metadata\":"
							   "{\"reason\":\"\\u3000\"}"));

	cr_expect_eq(event->error.len, 0);
	cr_expect_eq(event->public_error.len, 0);
	cr_expect_eq(event->reason.len, 0);
	cr_expect(event->payload_is_public);
	event_free(event);
}

static void expect_body(const char *payload, const char *expected)
{
	struct event *event = parsed(payload);
	struct buf out;

	buf_init(&out, EVENT_MAX_BYTES);
	event_write_body(&out, event);
	cr_expect_str_eq(buf_text(&out), expected);
	buf_done(&out);
	event_free(event);
}

Test(event_write_body, passes_the_publishers_bytes_on)
{
	static const char *const cases[] = {
		VECTOR,
		"  " VECTOR "\n",
		WITH("capsule.create",
		     ",\"unknown\":{\"a\":[1,2]},\"error\":\"a \\u0026 \\u00e9\""),
		WITH("capsule.create", ",\"error\":\"a\\u001b[31m\\nb\\u0085\\u0000\""),
		WITH("capsule.create", ",\"error\":\"\\n\""),
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_body(cases[i], cases[i]);
}

Test(event_write_body, is_written_anew_when_something_must_not_leave)
{
	expect_body(WITH("capsule.create", ",\"sandbox\":{\"id\":\"x\"}"),
		    WITH("capsule.create", ""));
	expect_body(WITH("capsule.create", ",\"sandbox\":null"), WITH("capsule.create", ""));
}

Test(event_write_body, cuts_an_error_past_1024_bytes)
{
	for (size_t length = EVENT_MAX_ERROR; length <= EVENT_MAX_ERROR + 1; length++) {
		struct buf payload;
		struct buf body;
		struct event *event;
		struct event *again;

		write_sized(&payload, sizeof(PAUSE(T ID A R ",\"error\":\"")) - 2 + length + 2);
		event = parsed_str(buf_str(&payload));
		cr_assert_eq(event->error.len, length);
		buf_init(&body, EVENT_MAX_BYTES);
		event_write_body(&body, event);
		again = parsed_str(buf_str(&body));
		cr_expect_leq(again->error.len, EVENT_MAX_ERROR);
		cr_expect_eq(str_eq(buf_str(&body), buf_str(&payload)), length == EVENT_MAX_ERROR);
		event_free(again);
		event_free(event);
		buf_done(&body);
		buf_done(&payload);
	}
}

Test(event_is_about_nothing, knows_the_zero_capsule_of_capsule_kinds_only)
{
	static const struct {
		const char *kind;
		const char *resource;
		bool expected;
	} cases[] = {
		{ "capsule.create", "cl-0000000000000000000000000", true },
		{ "capsule.state.changed", "cl-0000000000000000000000000", true },
		{ "capsule.create", "cl-0000000000000000000000001", false },
		{ "capsule.create", "cl-000000000000000000000000", false },
		{ "capsule.create", "", false },
		{ "host.up", "cl-0000000000000000000000000", false },
		{ "template.snapshot.create", "cl-0000000000000000000000000", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf payload;
		struct event *event;

		buf_init(&payload, 1000);
		buf_addf(&payload,
			 "{\"event\":\"%s\"," T ID A "\"resource\":{\"id\":\"%s\",\"type\":\"x\"}}",
			 cases[i].kind, cases[i].resource);
		event = parsed_str(buf_str(&payload));
		cr_expect_eq(event_is_about_nothing(event), cases[i].expected, "case %zu", i);
		event_free(event);
		buf_done(&payload);
	}
}
