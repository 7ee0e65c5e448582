/* SPDX-License-Identifier: Apache-2.0 */

/* Every line of contract e.6, point 7 of (o) and the actor rule of e.4, in all three modes. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "audit/audit.h"
#include "audit/row_id.h"
#include "core/json.h"

#define CAPSULE   "cl-6dfzh5ik5uxynzmlf5cshamdk"
#define HOST      "host-0x5yg3bfyrehlas5fmd3rslxq"
#define VOLUME    "vol-0x5yg3bfyrehlas5fmd3rslxq"
#define SYSTEM    "{\"type\":\"system\"}"
#define USER      "{\"type\":\"user\",\"id\":\"usr-0x5yg3bfyrehlas5fmd3rslxq\",\"name\":\"Ada\"}"
#define KEY       "{\"type\":\"api_key\",\"id\":\"key-0x5yg3bfyrehlas5fmd3rslxq\",\"name\":\"ci\"}"
#define EVENT_US  INT64_C(1779598928000000) /* 2026-05-24T05:02:08Z */
#define STREAM_MS INT64_C(1779598928123)

static struct event *read_event(const char *json)
{
	struct event *event = NULL;
	struct reason why = { .text = "" };
	const struct stream_id id = { .ms = STREAM_MS, .seq = 4 };

	cr_assert_eq(event_parse(str_of(json), id, &event, &why), 0, "%s: %s", json, why.text);
	return event;
}

/* `more` has further members with a comma before each. */
static struct event *make_event(const char *kind, const char *actor, const char *resource,
				const char *more)
{
	struct buf json;
	struct event *event;

	buf_init(&json, 65536);
	buf_addf(&json,
		 "{\"event\":\"%s\",\"timestamp\":\"2026-05-24T05:02:08Z\","
		 "\"team_id\":\"team-0x5yg3bfyrehlas5fmd3rslxq\",\"actor\":%s,"
		 "\"resource\":{\"id\":\"%s\",\"type\":\"x\"}%s}",
		 kind, actor, resource, more);
	event = read_event(buf_text(&json));
	buf_done(&json);
	return event;
}

static bool map(const struct event *event, enum audit_mode mode, bool has_accept,
		struct audit_entry *out)
{
	const struct audit_facts facts = { .has_accept = has_accept };

	return audit_entry_from_event(event, mode, &facts, out);
}

#define WELL       ",\"outcome\":\"success\""
#define WRONG      ",\"outcome\":\"error\",\"error\":\"boom\""
#define BECAUSE(r) ",\"metadata\":{\"reason\":\"" r "\"}"
#define NAMED      ",\"metadata\":{\"name\":\"data\"}"
#define FROM(t)    ",\"metadata\":{\"template\":\"" t "\"}"

static const struct {
	const char *kind;
	const char *actor;
	const char *resource;
	const char *more;
	bool has_accept;
	bool in_missing;      /* mode `missing` writes it */
	const char *expected; /* in mode `all`; NULL: no row */
} cases[] = {
	/* clang-format off */
	/* Requests of users and keys: the publisher writes these rows. */
	{ "capsule.create", USER, CAPSULE, WELL FROM("base"), false, false, "user sandbox " CAPSULE " create success {\"template\":\"base\"}" },
	{ "capsule.create", KEY, CAPSULE, WELL FROM("base"), false, false, "api_key sandbox " CAPSULE " create success {\"template\":\"base\"}" },
	{ "capsule.create", USER, CAPSULE, WELL, false, false, "user sandbox " CAPSULE " create success {}" },
	{ "capsule.create", USER, CAPSULE, WRONG FROM("base"), false, false, "user sandbox " CAPSULE " create error {\"template\":\"base\",\"error\":\"boom\"}" },
	{ "capsule.pause", USER, CAPSULE, WELL, false, false, "user sandbox " CAPSULE " pause success {}" },
	{ "capsule.pause", KEY, CAPSULE, WRONG, false, false, "api_key sandbox " CAPSULE " pause error {\"error\":\"boom\"}" },
	{ "capsule.resume", USER, CAPSULE, WELL, false, false, "user sandbox " CAPSULE " resume success {}" },
	{ "capsule.resume", USER, CAPSULE, WRONG, false, false, "user sandbox " CAPSULE " resume error {\"error\":\"boom\"}" },
	{ "capsule.destroy", USER, CAPSULE, WELL, false, false, "user sandbox " CAPSULE " destroy warning {}" },
	{ "capsule.destroy", KEY, CAPSULE, WRONG, false, false, "api_key sandbox " CAPSULE " destroy error {\"error\":\"boom\"}" },
	/* A user's event makes the user's row even after an accept event. */
	{ "capsule.pause", USER, CAPSULE, WELL, true, false, "user sandbox " CAPSULE " pause success {}" },

	/* Follow-ups of a user's action. */
	{ "capsule.create", SYSTEM, CAPSULE, WELL, true, false, NULL },
	{ "capsule.pause", SYSTEM, CAPSULE, WELL, true, false, NULL },
	{ "capsule.resume", SYSTEM, CAPSULE, WELL, true, false, NULL },
	{ "capsule.destroy", SYSTEM, CAPSULE, WELL, true, false, NULL },
	/* The same without a user's action (o.7). */
	{ "capsule.create", SYSTEM, CAPSULE, WELL, false, false, "system sandbox " CAPSULE " create success {\"reason\":\"host_reported\"}" },
	{ "capsule.pause", SYSTEM, CAPSULE, WELL, false, false, "system sandbox " CAPSULE " pause info {\"reason\":\"host_reported\"}" },
	{ "capsule.resume", SYSTEM, CAPSULE, WELL, false, false, "system sandbox " CAPSULE " resume success {\"reason\":\"host_reported\"}" },
	{ "capsule.destroy", SYSTEM, CAPSULE, WELL, false, true, "system sandbox " CAPSULE " destroy warning {\"reason\":\"host_reported\"}" },
	{ "capsule.destroy", SYSTEM, CAPSULE, WRONG, false, true, "system sandbox " CAPSULE " destroy error {\"reason\":\"host_reported\",\"error\":\"boom\"}" },
	{ "capsule.destroy", SYSTEM, CAPSULE, WRONG, true, false, "system sandbox " CAPSULE " destroy error {\"error\":\"boom\"}" },

	/* Actions of the system, with a reason. */
	{ "capsule.pause", SYSTEM, CAPSULE, WELL BECAUSE("ttl_expired"), false, false, "system sandbox " CAPSULE " pause info {\"reason\":\"ttl_expired\"}" },
	{ "capsule.pause", SYSTEM, CAPSULE, WELL BECAUSE("ttl_expired"), true, false, "system sandbox " CAPSULE " pause info {\"reason\":\"ttl_expired\"}" },
	{ "capsule.pause", SYSTEM, CAPSULE, WELL BECAUSE("host_state_sync"), false, false, "system sandbox " CAPSULE " pause info {\"reason\":\"host_state_sync\"}" },
	{ "capsule.destroy", SYSTEM, CAPSULE, WELL BECAUSE("orphaned"), false, false, "system sandbox " CAPSULE " destroy warning {\"reason\":\"orphaned\"}" },
	{ "capsule.destroy", SYSTEM, CAPSULE, WRONG BECAUSE("host_failure"), false, false, "system sandbox " CAPSULE " destroy error {\"reason\":\"host_failure\",\"error\":\"boom\"}" },

	/* Failures of capsules. */
	{ "capsule.pause", SYSTEM, CAPSULE, WRONG BECAUSE("pause_failed"), true, true, "system sandbox " CAPSULE " error error {\"reason\":\"pause_failed\",\"phase\":\"pause\",\"error\":\"boom\"}" },
	{ "capsule.pause", SYSTEM, CAPSULE, WRONG, false, true, "system sandbox " CAPSULE " error error {\"phase\":\"pause\",\"error\":\"boom\"}" },
	{ "capsule.create", SYSTEM, CAPSULE, WRONG BECAUSE("create_failed"), true, false, "system sandbox " CAPSULE " error error {\"reason\":\"create_failed\",\"phase\":\"create\",\"error\":\"boom\"}" },
	{ "capsule.create", SYSTEM, CAPSULE, WRONG BECAUSE("host_failure"), false, false, "system sandbox " CAPSULE " error error {\"reason\":\"host_failure\",\"phase\":\"create\",\"error\":\"boom\"}" },
	{ "capsule.create", SYSTEM, CAPSULE, WRONG BECAUSE("transient_timeout"), false, false, "system sandbox " CAPSULE " error error {\"reason\":\"transient_timeout\",\"phase\":\"create\",\"error\":\"boom\"}" },
	{ "capsule.resume", SYSTEM, CAPSULE, WRONG BECAUSE("resume_failed"), true, false, "system sandbox " CAPSULE " error error {\"reason\":\"resume_failed\",\"phase\":\"resume\",\"error\":\"boom\"}" },
	{ "capsule.resume", SYSTEM, CAPSULE, WRONG BECAUSE("transient_timeout"), false, false, "system sandbox " CAPSULE " error error {\"reason\":\"transient_timeout\",\"phase\":\"resume\",\"error\":\"boom\"}" },

	/* Snapshots. */
	{ "template.snapshot.create", SYSTEM, "template-0a1b2c3d", WELL, false, false, "system snapshot template-0a1b2c3d create success {}" },
	{ "template.snapshot.create", SYSTEM, "template-0a1b2c3d", WELL, true, false, NULL },
	{ "template.snapshot.create", SYSTEM, "template-0a1b2c3d", WRONG BECAUSE("snapshot_failed"), false, true, "system snapshot template-0a1b2c3d create error {\"reason\":\"snapshot_failed\",\"error\":\"boom\"}" },
	{ "template.snapshot.delete", USER, "mine", WELL, false, false, "user snapshot mine delete warning {}" },
	{ "template.snapshot.delete", KEY, "mine", WRONG, false, false, "api_key snapshot mine delete error {\"error\":\"boom\"}" },
	{ "template.snapshot.delete", SYSTEM, "mine", WELL BECAUSE("expired"), false, false, "system snapshot mine delete warning {\"reason\":\"expired\"}" },
	{ "template.snapshot.delete", SYSTEM, "mine", WRONG BECAUSE("expired"), false, false, "system snapshot mine delete error {\"reason\":\"expired\",\"error\":\"boom\"}" },

	/* Volumes: of users and keys, without an outcome, and of the system. */
	{ "volume.create", USER, VOLUME, WELL NAMED, false, false, "user volume " VOLUME " create success {\"name\":\"data\"}" },
	{ "volume.create", KEY, VOLUME, NAMED, false, false, "api_key volume " VOLUME " create success {\"name\":\"data\"}" },
	{ "volume.create", USER, VOLUME, WRONG NAMED, false, false, "user volume " VOLUME " create error {\"name\":\"data\",\"error\":\"boom\"}" },
	{ "volume.delete", USER, VOLUME, WELL, false, false, "user volume " VOLUME " delete warning {}" },
	{ "volume.delete", SYSTEM, VOLUME, WELL BECAUSE("expired"), false, false, "system volume " VOLUME " delete warning {\"reason\":\"expired\"}" },
	{ "volume.delete", SYSTEM, VOLUME, WRONG BECAUSE("expired"), false, false, "system volume " VOLUME " delete error {\"reason\":\"expired\",\"error\":\"boom\"}" },

	/* Missed expectations: no other program writes these rows. */
	{ "wrenn.expectation.missed", SYSTEM, "web-7", WRONG ",\"metadata\":{\"rule\":\"snapshot\"}", false, true, "system x web-7 overdue error {\"rule\":\"snapshot\",\"error\":\"boom\"}" },
	{ "wrenn.expectation.missed", SYSTEM, "web-7", WELL ",\"metadata\":{\"rule\":\"snapshot\",\"late_s\":\"9\"}", false, true, "system x web-7 arrived info {\"rule\":\"snapshot\"}" },

	/* Hosts. */
	{ "host.up", SYSTEM, HOST, "", false, false, "host host " HOST " marked_up success {}" },
	{ "host.down", SYSTEM, HOST, "", false, false, "host host " HOST " marked_down error {}" },

	/* Never. */
	{ "capsule.state.changed", SYSTEM, CAPSULE, ",\"metadata\":{\"from\":\"\",\"to\":\"running\"}", false, false, NULL },
	{ "channel.test", SYSTEM, "test", "", false, false, NULL },
	{ "volume.attach", USER, VOLUME, WELL, false, false, NULL },
	{ "capsule.create", USER, "cl-0000000000000000000000000", WRONG, false, false, NULL },
	{ "capsule.pause", SYSTEM, "cl-0000000000000000000000000", WRONG, false, false, NULL },
	/* clang-format on */
};

static void describe(const struct audit_entry *entry, struct buf *out)
{
	buf_addf(out, "%.*s %.*s %.*s %.*s %.*s %.*s", STR_ARGS(entry->actor_type),
		 STR_ARGS(entry->resource_type), STR_ARGS(entry->resource_id),
		 STR_ARGS(entry->action), STR_ARGS(entry->status), STR_ARGS(entry->metadata));
}

static void expect_row(size_t i, const struct event *event, enum audit_mode mode,
		       const char *expected)
{
	struct audit_entry entry;
	struct buf row;

	if (!map(event, mode, cases[i].has_accept, &entry)) {
		cr_expect_null(expected, "case %zu (%s) in mode %d has no row", i, cases[i].kind,
			       (int)mode);
		return;
	}
	buf_init(&row, 8192);
	describe(&entry, &row);
	cr_expect_str_eq(buf_text(&row), expected ? expected : "", "case %zu (%s) in mode %d: %s",
			 i, cases[i].kind, (int)mode, buf_text(&row));
	cr_expect(str_is(entry.scope, "team"));
	buf_done(&row);
	audit_entry_done(&entry);
}

Test(mapping, writes_the_rows_of_the_contract_in_every_mode)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct event *event =
			make_event(cases[i].kind, cases[i].actor, cases[i].resource, cases[i].more);

		expect_row(i, event, AUDIT_ALL, cases[i].expected);
		expect_row(i, event, AUDIT_MISSING, cases[i].in_missing ? cases[i].expected : NULL);
		expect_row(i, event, AUDIT_OFF, NULL);
		event_free(event);
	}
}

Test(mapping, has_a_row_for_every_kind_that_is_durable_well_or_wrong)
{
	static const char *const outcomes[] = { WELL, WRONG };

	for (enum event_kind kind = EVENT_UNKNOWN; kind < EVENT_KINDS; kind++) {
		const char *name = event_kind_name(kind);

		for (size_t i = 0; event_kind_is_subscribable(kind) && i < 2; i++) {
			struct event *event = make_event(name, USER, CAPSULE, outcomes[i]);
			struct audit_entry entry;
			bool has_row = map(event, AUDIT_ALL, false, &entry);

			/* A row about a checkpoint would need another checkpoint. */
			cr_expect_eq(has_row, kind != EVENT_AUDIT_CHECKPOINT, "%s%s", name,
				     outcomes[i]);
			if (has_row)
				audit_entry_done(&entry);
			event_free(event);
		}
	}
}

Test(mapping, gives_the_row_of_the_test_vector)
{
	struct event *event = read_event(
		"{\"event\":\"capsule.pause\",\"outcome\":\"success\",\"timestamp\":\"2026-05-"
		"24T05:02:08Z\","
		"\"team_id\":\"team-0x5yg3bfyrehlas5fmd3rslxq\",\"actor\":{\"type\":\"system\"},"
		"\"resource\":{\"id\":\"cl-6dfzh5ik5uxynzmlf5cshamdk\",\"type\":\"sandbox\"},"
		"\"metadata\":{\"reason\":\"ttl_expired\"}}");
	struct audit_entry entry;

	cr_assert(map(event, AUDIT_ALL, false, &entry));
	cr_expect(str_is(entry.actor_type, "system"));
	cr_expect_eq(entry.actor_id.len, 0);
	cr_expect(str_is(entry.resource_type, "sandbox"));
	cr_expect(str_is(entry.action, "pause"));
	cr_expect(str_is(entry.scope, "team"));
	cr_expect(str_is(entry.status, "info"));
	cr_expect(str_is(entry.metadata, "{\"reason\":\"ttl_expired\"}"));
	cr_expect_eq(entry.created_us, EVENT_US + 123000);
	cr_expect(uuid_eq(&entry.team, &event->team));
	audit_entry_done(&entry);
	event_free(event);
}

Test(mapping, names_the_acting_user_or_key)
{
	struct event *event = make_event("capsule.pause", USER, CAPSULE, WELL);
	struct audit_entry entry;

	cr_assert(map(event, AUDIT_ALL, false, &entry));
	cr_expect(str_is(entry.actor_id, "usr-0x5yg3bfyrehlas5fmd3rslxq"));
	cr_expect(str_is(entry.actor_name, "Ada"));
	audit_entry_done(&entry);
	event_free(event);
}

Test(mapping, takes_a_system_event_with_a_host_id_for_the_hosts_report)
{
	static const struct {
		const char *actor;
		const char *type;
		const char *id;
	} actors[] = {
		{ SYSTEM, "host", HOST },
		{ "{\"type\":\"robot\",\"id\":\"r2\"}", "host", HOST },
		{ USER, "user", "usr-0x5yg3bfyrehlas5fmd3rslxq" },
	};

	for (size_t i = 0; i < ARRAY_LEN(actors); i++) {
		struct event *event = make_event("capsule.resume", actors[i].actor, CAPSULE,
						 WELL ",\"metadata\":{\"host_id\":\"" HOST "\"}");
		struct audit_entry entry;

		cr_assert(map(event, AUDIT_ALL, false, &entry));
		cr_expect(str_is(entry.actor_type, actors[i].type), "%zu", i);
		cr_expect(str_is(entry.actor_id, actors[i].id), "%zu", i);
		audit_entry_done(&entry);
		event_free(event);
	}
}

Test(mapping, gives_an_unknown_actor_type_the_systems_rules_and_no_name)
{
	struct event *event = make_event("capsule.pause", "{\"type\":\"robot\",\"name\":\"r2\"}",
					 CAPSULE, WELL BECAUSE("ttl_expired"));
	struct audit_entry entry;

	cr_assert(map(event, AUDIT_ALL, false, &entry));
	cr_expect(str_is(entry.actor_type, "system"));
	cr_expect_eq(entry.actor_name.len, 0);
	audit_entry_done(&entry);
	event_free(event);
}

Test(mapping, names_a_host_by_its_id_and_nobody_by_blanks)
{
	static const struct {
		const char *kind;
		const char *actor;
		const char *resource;
		const char *more;
		const char *name;
	} named[] = {
		{ "host.down", SYSTEM, HOST, "", HOST },
		{ "host.up", USER, HOST, "", HOST },
		{ "host.up", SYSTEM, "", "", "" },
		{ "capsule.resume", SYSTEM, CAPSULE,
		  WELL ",\"metadata\":{\"host_id\":\"" HOST "\"}", HOST },
		{ "capsule.pause", "{\"type\":\"user\",\"name\":\"\\u2003\"}", CAPSULE, WELL, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(named); i++) {
		struct event *event =
			make_event(named[i].kind, named[i].actor, named[i].resource, named[i].more);
		struct audit_entry entry;

		cr_assert(map(event, AUDIT_ALL, false, &entry));
		cr_expect(str_is(entry.actor_name, named[i].name), "case %zu", i);
		audit_entry_done(&entry);
		event_free(event);
	}
}

Test(mapping, derives_the_id_from_the_stream_entry_alone)
{
	struct event *first = make_event("capsule.pause", USER, CAPSULE, WELL);
	struct event *again = make_event("capsule.pause", USER, CAPSULE, WRONG);
	struct audit_entry a, b, c;
	struct stream_id found;

	cr_assert(map(first, AUDIT_ALL, false, &a));
	cr_assert(map(again, AUDIT_ALL, true, &b));
	cr_expect(uuid_eq(&a.id, &b.id));
	cr_expect_eq(a.id.bytes[6] >> 4, 8, "version");
	cr_expect(uuid_is_zero(&a.old_id));

	again->id.seq++;
	cr_assert(map(again, AUDIT_ALL, false, &c));
	cr_expect_gt(uuid_compare(&c.id, &a.id), 0);
	cr_assert(row_id_event(&c.id, &found));
	cr_expect_eq(stream_id_compare(found, again->id), 0);
	c.id.bytes[15] ^= 1;
	cr_expect_not(row_id_event(&c.id, &found), "a row that no event made");
	audit_entry_done(&a);
	audit_entry_done(&b);
	audit_entry_done(&c);
	event_free(first);
	event_free(again);
}

Test(mapping, puts_rows_of_one_second_in_the_order_of_the_stream)
{
	static const struct stream_id ids[] = {
		{ STREAM_MS, 0 },     { STREAM_MS, 1 },      { STREAM_MS, 999 },
		{ STREAM_MS, 1000 },  { STREAM_MS, 200000 }, { STREAM_MS + 1, 0 },
		{ STREAM_MS + 2, 0 },
	};
	struct event *event = make_event("capsule.pause", USER, CAPSULE, WELL);
	struct audit_entry before = { .created_us = 0 };

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct audit_entry entry;

		event->id = ids[i];
		cr_assert(map(event, AUDIT_ALL, false, &entry));
		cr_expect(entry.created_us > before.created_us ||
				  (entry.created_us == before.created_us &&
				   uuid_compare(&entry.id, &before.id) > 0),
			  "case %zu", i);
		before = entry;
		audit_entry_done(&entry);
	}
	event_free(event);
}

Test(mapping, takes_the_second_of_the_event_unless_it_is_far_from_the_streams_time)
{
	static const struct {
		const char *timestamp;
		int64_t stream_ms;
		int64_t created_us;
	} times[] = {
		{ "2026-05-24T05:02:08Z", STREAM_MS, EVENT_US + 123000 },
		{ "2026-05-24T05:02:08.9Z", STREAM_MS, EVENT_US + 123000 },
		{ "2026-05-24T05:02:08", STREAM_MS, EVENT_US + 123000 },
		{ "2026-05-24T05:02:08Z", STREAM_MS + 30000, EVENT_US + 123000 },
		{ "2026-05-24T05:02:08Z", EVENT_US / 1000 + 60000, EVENT_US },
		{ "2026-05-24T05:02:08Z", EVENT_US / 1000 + 60001, EVENT_US + 60001000 },
		{ "2026-05-24T05:02:08Z", EVENT_US / 1000 - 60001, EVENT_US - 60001000 },
		{ "yesterday", STREAM_MS, STREAM_MS * 1000 },
		{ "2026-05-24T05:02:08Z", INT64_MAX, INT64_C(253402300799999000) },
	};

	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		struct event *event = NULL;
		struct audit_entry entry;
		struct buf json;

		buf_init(&json, 1000);
		buf_addf(&json,
			 "{\"event\":\"host.up\",\"timestamp\":\"%s\","
			 "\"team_id\":\"team-0x5yg3bfyrehlas5fmd3rslxq\",\"actor\":" SYSTEM ","
			 "\"resource\":{\"id\":\"\",\"type\":\"host\"}}",
			 times[i].timestamp);
		event = read_event(buf_text(&json));
		event->id.ms = (uint64_t)times[i].stream_ms;
		cr_assert(map(event, AUDIT_ALL, false, &entry));
		cr_expect_eq(entry.created_us, times[i].created_us, "case %zu: %lld", i,
			     (long long)entry.created_us);
		cr_expect_eq(entry.resource_id.len, 0);
		cr_expect(str_is(entry.actor_type, "host"));
		cr_expect_eq(entry.actor_id.len, 0);
		audit_entry_done(&entry);
		event_free(event);
		buf_done(&json);
	}
}

static const char *metadata_text(const struct audit_entry *entry, const char *name, cJSON **tree)
{
	cr_assert_eq(json_parse(entry->metadata, 65536, tree, NULL), 0, "%.*s",
		     STR_ARGS(entry->metadata));
	return json_get_string(*tree, name);
}

Test(mapping, writes_no_blank_member_and_shows_a_control_character)
{
	struct event *event = make_event("template.snapshot.create", SYSTEM, "s",
					 ",\"outcome\":\"error\",\"error\":\"\\u00a0\\u2003\","
					 "\"metadata\":{\"reason\":\"a\\u0000b\"}");
	struct audit_entry entry;

	cr_assert(map(event, AUDIT_ALL, false, &entry));
	cr_expect(str_is(entry.metadata, "{\"reason\":\"a\xef\xbf\xbd"
					 "b\"}"),
		  "%.*s", STR_ARGS(entry.metadata));
	audit_entry_done(&entry);
	event_free(event);
}

Test(mapping, cleans_the_error_and_cuts_it_at_a_kibibyte)
{
	struct buf more;
	struct event *event;
	struct audit_entry entry;
	cJSON *tree;

	buf_init(&more, 65536);
	buf_add_text(&more, ",\"outcome\":\"error\",\"error\":\"\\u001b[31m\\\"quoted\\\" ");
	for (int i = 0; i < 5000; i++)
		buf_add_text(&more, "\\\\");
	buf_add_text(&more, "\"");
	event = make_event("capsule.pause", USER, CAPSULE, buf_text(&more));
	cr_assert(map(event, AUDIT_ALL, false, &entry));

	const char *error = metadata_text(&entry, "error", &tree);

	cr_expect_leq(strlen(error), 1024);
	cr_expect_gt(strlen(error), 1000);
	cr_expect_eq(strncmp(error, "\xef\xbf\xbd[31m\"quoted\" \\\\", 18), 0, "%.20s", error);
	cJSON_Delete(tree);
	audit_entry_done(&entry);
	event_free(event);
	buf_done(&more);
}

Test(mapping, keeps_every_text_of_a_row_short)
{
	struct buf actor, resource, more;
	struct event *event;
	struct audit_entry entry;
	char *big = malloc(8001);

	memset(big, 'x', 8000);
	big[8000] = '\0';
	buf_init(&actor, 65536);
	buf_init(&resource, 65536);
	buf_init(&more, 65536);
	buf_addf(&actor, "{\"type\":\"user\",\"id\":\"%s\",\"name\":\"%s\"}", big, big);
	buf_addf(&resource, "%s", big);
	buf_addf(&more, WELL ",\"metadata\":{\"template\":\"%s\"}", big);
	event = make_event("capsule.create", buf_text(&actor), buf_text(&resource),
			   buf_text(&more));
	cr_assert(map(event, AUDIT_ALL, false, &entry));
	cr_expect_eq(entry.actor_id.len, 1024);
	cr_expect_eq(entry.actor_name.len, 1024);
	cr_expect_eq(entry.resource_id.len, 1024);
	cr_expect_lt(entry.metadata.len, 1100);
	cr_expect_eq(entry.metadata_buf.err, 0);
	audit_entry_done(&entry);
	event_free(event);
	buf_done(&actor);
	buf_done(&resource);
	buf_done(&more);
	free(big);
}
