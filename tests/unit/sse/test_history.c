/* SPDX-License-Identifier: Apache-2.0 */

/* Items and the chains that keep them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/id.h"
#include "sse/history.h"
#include "tests/support/heap.h"

static struct history history;
static struct buf scratch;

static void set_up(void)
{
	cr_assert_eq(history_init(&history, NULL, 1024 * 1024), 0);
	buf_init(&scratch, 1024 * 1024);
}

static void tear_down(void)
{
	history_done(&history);
	buf_done(&scratch);
}

TestSuite(history, .init = set_up, .fini = tear_down);
TestSuite(item, .init = set_up, .fini = tear_down);

static struct uuid uuid_of(unsigned number)
{
	struct uuid id = { .bytes = { [15] = (uint8_t)number } };

	return id;
}

static struct item *make(const char *kind, unsigned team, unsigned capsule, uint64_t ms,
			 const char *more)
{
	struct uuid team_id = uuid_of(team);
	struct uuid capsule_id = uuid_of(capsule);
	char team_text[ID_TEXT_SIZE];
	char capsule_text[ID_TEXT_SIZE];
	char json[1024];
	struct event *event;
	struct item *item;

	id_format(ID_TEAM, &team_id, team_text);
	id_format(ID_CAPSULE, &capsule_id, capsule_text);
	snprintf(json, sizeof(json),
		 "{\"event\":\"%s\",\"timestamp\":\"2026-05-24T05:02:08Z\",\"team_id\":\"%s\","
		 "\"actor\":{\"type\":\"system\"},\"resource\":{\"id\":\"%s\",\"type\":\"sandbox\"}"
		 "%s}",
		 kind, team_text, capsule_text, more);
	cr_assert_eq(event_parse(str_of(json), (struct stream_id){ ms, 0 }, &event, NULL), 0, "%s",
		     json);
	cr_assert_eq(item_from_event(event, &scratch, &item), 0);
	event_free(event);
	return item;
}

static struct item *append(const char *kind, unsigned team, unsigned capsule, uint64_t ms)
{
	struct item *item = make(kind, team, capsule, ms, "");

	cr_assert_eq(history_append(&history, item), 0);
	return item;
}

static struct topic *topic_of(unsigned team)
{
	struct uuid id = uuid_of(team);

	return history_topic(&history, &id);
}

static void expect_chain(const struct topic *topic, const char *expected)
{
	struct buf got;

	buf_init(&got, 1024);
	for (const struct item *item = topic->oldest; item; item = item->next[topic->chain]) {
		const struct item *next = item->next[topic->chain];

		buf_addf(&got, "%lu ", (unsigned long)item->id.ms);
		if (next)
			cr_expect_eq(next->prev[topic->chain], item);
		else
			cr_expect_eq(topic->newest, item);
	}
	cr_expect_str_eq(buf_text(&got), expected);
	buf_done(&got);
}

Test(history, is_freed_after_every_failure_of_its_init)
{
	struct history broken;
	unsigned failures = 0;

	for (;; failures++) {
		int rc;

		heap_fail_after(failures);
		rc = history_init(&broken, NULL, 1024);
		history_done(&broken);
		if (!heap_recover())
			break;
		cr_expect_eq(rc, -ENOMEM);
	}
	cr_expect_eq(failures, 3);
}

Test(history, keeps_two_chains_in_order)
{
	append("host.up", 1, 1, 10);
	append("host.up", 2, 1, 11);
	append("host.up", 1, 1, 12);
	expect_chain(&history.all, "10 11 12 ");
	expect_chain(topic_of(1), "10 12 ");
	expect_chain(topic_of(2), "11 ");
	expect_chain(topic_of(3), "");
}

Test(history, takes_older_items_in_front)
{
	append("host.up", 1, 1, 10);
	cr_assert_eq(history_prepend(&history, make("host.up", 2, 1, 9, "")), 0);
	cr_assert_eq(history_prepend(&history, make("host.up", 1, 1, 8, "")), 0);
	append("host.up", 2, 1, 11);
	expect_chain(&history.all, "8 9 10 11 ");
	expect_chain(topic_of(1), "8 10 ");
	expect_chain(topic_of(2), "9 11 ");
}

Test(history, finds_the_first_item_after_a_cursor)
{
	const struct topic *topic;

	append("host.up", 1, 1, 10);
	append("host.up", 2, 1, 11);
	append("host.up", 1, 1, 12);
	topic = topic_of(1);
	cr_expect_eq(history_after(topic, (struct stream_id){ 0, 0 })->id.ms, 10);
	cr_expect_eq(history_after(topic, (struct stream_id){ 9, UINT64_MAX })->id.ms, 10);
	cr_expect_eq(history_after(topic, (struct stream_id){ 10, 0 })->id.ms, 12);
	cr_expect_eq(history_after(topic, (struct stream_id){ 11, 0 })->id.ms, 12);
	cr_expect_null(history_after(topic, (struct stream_id){ 12, 0 }));
	cr_expect_null(history_after(topic_of(7), (struct stream_id){ 0, 0 }));
}

Test(history, moves_its_floor_to_what_it_has_let_go)
{
	append("host.up", 1, 1, 10);
	append("host.up", 2, 1, 11);
	append("host.up", 1, 1, 12);
	history_evict(&history);
	cr_expect_eq(history.floor.ms, 10);
	expect_chain(&history.all, "11 12 ");
	expect_chain(topic_of(1), "12 ");
	history_evict(&history);
	history_evict(&history);
	cr_expect_eq(history.floor.ms, 12);
	cr_expect_eq(history.bytes, 0);
	expect_chain(&history.all, "");
	cr_expect(topic_is_unused(topic_of(1)));
}

Test(history, leaves_what_somebody_holds_alive_but_cut_off)
{
	struct item *held = item_ref(append("host.up", 1, 1, 10));

	append("host.up", 1, 1, 11);
	history_evict(&history);
	cr_expect_eq(held->place, ITEM_EVICTED);
	cr_expect_null(held->next[CHAIN_TEAM]);
	cr_expect(held->bytes_len > 0);
	item_unref(held);
}

Test(history, counts_bytes_and_frames_of_each_chain)
{
	struct item *a = append("host.up", 1, 1, 10);
	struct item *b = append("host.up", 2, 1, 11);
	struct item *c = append("host.up", 1, 1, 12);
	struct item *older = make("host.up", 1, 1, 9, "");

	cr_expect_eq(history.bytes, item_cost(a) + item_cost(b) + item_cost(c));
	cr_expect_eq(c->frames[CHAIN_ALL] - a->frames[CHAIN_ALL], 2);
	cr_expect_eq(c->frames[CHAIN_TEAM] - a->frames[CHAIN_TEAM], 1);
	cr_expect_eq(c->sizes[CHAIN_ALL] - a->sizes[CHAIN_ALL], item_cost(b) + item_cost(c));
	cr_assert_eq(history_prepend(&history, older), 0);
	cr_expect_eq(a->frames[CHAIN_TEAM] - older->frames[CHAIN_TEAM], 1);
	cr_expect_eq(a->sizes[CHAIN_TEAM] - older->sizes[CHAIN_TEAM], item_cost(a));
}

Test(history, knows_the_newest_event_of_each_capsule)
{
	struct item *first = append("capsule.create", 1, 5, 10);
	struct item *other = append("capsule.create", 1, 6, 11);
	struct item *foreign = append("capsule.create", 2, 5, 12);
	struct item *second = append("capsule.pause", 1, 5, 13);

	append("capsule.state.changed", 1, 6, 0); /* transient: proves no status */
	cr_expect(first->superseded);
	cr_expect_not(other->superseded);
	cr_expect_not(foreign->superseded);
	cr_expect_not(second->superseded);

	struct item *older = make("capsule.create", 1, 6, 9, "");
	struct item *alone = make("capsule.create", 1, 8, 8, "");

	cr_assert_eq(history_prepend(&history, older), 0);
	cr_assert_eq(history_prepend(&history, alone), 0);
	cr_expect(older->superseded);
	cr_expect_not(alone->superseded);
	while (history.all.oldest)
		history_evict(&history); /* must not touch the newer ones */
}

Test(history, gives_transient_items_the_position_they_came_at)
{
	struct item *transient;

	append("host.up", 2, 1, 10);
	transient = append("capsule.state.changed", 1, 5, 0);
	append("host.up", 1, 1, 11);
	cr_expect_eq(transient->id.ms, 10);
	cr_expect_eq(history_after(topic_of(1), (struct stream_id){ 10, 0 }), transient);
	cr_expect_eq(history_after(topic_of(1), (struct stream_id){ 11, 0 }), NULL);
}

Test(item, without_a_capsule_is_ready_from_birth)
{
	struct item *item = make("host.up", 1, 1, 1779598928123, "");
	static const char expected[] =
		"e8\r\nevent: host.up\ndata: {\"event\":\"host.up\","
		"\"timestamp\":\"2026-05-24T05:02:08Z\",\"team_id\":\"team-"
		"0000000000000000000000001\","
		"\"actor\":{\"type\":\"system\"},"
		"\"resource\":{\"id\":\"cl-0000000000000000000000001\",\"type\":\"sandbox\"}}"
		"\nid: 1779598928123-0\n\n\r\n";

	cr_expect_eq(item->state, ITEM_READY);
	cr_expect(str_is((struct str){ item->bytes, item->bytes_len }, expected), "got %.*s",
		  (int)item->bytes_len, item->bytes);
	cr_expect(str_starts(item_json(item), STR("{\"event\":\"host.up\",")));
	cr_expect_eq(item_json(item).at[item_json(item).len - 1], '}');
	item_unref(item);
}

static bool ends_with(const struct item *item, const char *end)
{
	size_t len = strlen(end);

	return item->bytes_len > len && memcmp(item->bytes + item->bytes_len - len, end, len) == 0;
}

Test(item, of_a_capsule_waits_for_it_and_then_has_it_last)
{
	struct item *item = make("capsule.pause", 1, 5, 7, ",\"outcome\":\"success\"");
	struct str json;

	cr_expect_eq(item->state, ITEM_BARE);
	cr_expect_str_eq(item->implied_status, "paused");
	cr_assert_eq(item_finish(item, STR("{\"id\":1}"), &scratch), 0);
	cr_expect_eq(item->state, ITEM_READY);
	json = item_json(item);
	cr_expect(ends_with(item, "\"type\":\"sandbox\"},\"sandbox\":{\"id\":1}}\nid: 7-0\n\n\r\n"),
		  "%.*s", STR_ARGS(json));
	item_unref(item);
}

static const struct {
	const char *more;
	const char *sandbox;
} own[] = {
	{ ",\"sandbox\":{\"id\":\"x\",\"status\":\"starting\"}",
	  "{\"id\":\"x\",\"status\":\"starting\"}" },
	{ ",\"sandbox\":{\"guest_ip\":\"1\",\"id\":\"x\",\"host_ip\":\"2\",\"disk_used_mb\":3}",
	  "{\"id\":\"x\"}" },
	{ ",\"sandbox\":{\"status\":\"starting\"},\"outcome\":\"success\"",
	  "{\"status\":\"paused\"}" },
	{ ",\"sandbox\":{\"status\":\"starting\"},\"outcome\":\"error\"",
	  "{\"status\":\"starting\"}" },
	{ ",\"sandbox\":{\"a\":\"\\n\\r\\ndata: x\"}", "{\"a\":\"\\n\\r\\ndata: x\"}" },
};

Test(item, with_a_sandbox_of_its_own_needs_no_row)
{
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		struct item *item = make("capsule.pause", 1, 5, 7, own[i].more);
		struct str json = item_json(item);
		struct str at;

		cr_assert_eq(item->state, ITEM_READY);
		at = (struct str){ .at = memmem(json.at, json.len, "\"sandbox\":{", 11) };
		cr_assert(at.at, "%.*s", STR_ARGS(json));
		at.len = (size_t)(json.at + json.len - at.at);
		at = str_from(at, 10);
		at.len--;
		cr_expect(str_is(at, own[i].sandbox), "%.*s", STR_ARGS(at));
		item_unref(item);
	}
}

static const struct {
	const char *kind;
	const char *actor;
	const char *outcome;
	const char *status;
} implied[] = {
	{ "capsule.pause", "system", "success", "paused" },
	{ "capsule.create", "system", "success", "running" },
	{ "capsule.resume", "system", "success", "running" },
	{ "capsule.destroy", "system", "success", NULL },
	{ "capsule.pause", "system", "error", NULL },
	{ "capsule.pause", "user", "success", NULL },
	{ "capsule.create", "api_key", "success", NULL },
	{ "capsule.state.changed", "system", "success", NULL },
};

Test(item, implies_a_status_only_when_the_system_reports_success)
{
	for (size_t i = 0; i < ARRAY_LEN(implied); i++) {
		struct event *event;
		struct item *item;
		char json[512];

		snprintf(json, sizeof(json),
			 "{\"event\":\"%s\",\"outcome\":\"%s\",\"timestamp\":\"2026-05-24T05:02:"
			 "08Z\","
			 "\"team_id\":\"team-0000000000000000000000001\",\"actor\":{\"type\":\"%"
			 "s\"},"
			 "\"resource\":{\"id\":\"cl-0000000000000000000000005\",\"type\":"
			 "\"sandbox\"}}",
			 implied[i].kind, implied[i].outcome, implied[i].actor);
		cr_assert_eq(event_parse(str_of(json), (struct stream_id){ 1, 1 }, &event, NULL),
			     0);
		cr_assert_eq(item_from_event(event, &scratch, &item), 0);
		if (implied[i].status)
			cr_expect_str_eq(item->implied_status, implied[i].status);
		else
			cr_expect_null(item->implied_status);
		event_free(event);
		item_unref(item);
	}
}

Test(item, of_text_is_one_chunk)
{
	struct item *item;

	cr_assert_eq(item_from_text(STR(": keepalive\n\n"), &item), 0);
	cr_expect(str_is((struct str){ item->bytes, item->bytes_len }, "d\r\n: keepalive\n\n\r\n"));
	item_unref(item);
}

Test(item, that_cannot_be_finished_holds_nothing_to_send)
{
	size_t limit = 0;
	int rc;

	do {
		struct item *item = make("capsule.destroy", 1, 5, 7, "");
		struct buf small;

		cr_assert_eq(item->state, ITEM_BARE);
		buf_init(&small, limit++);
		rc = item_finish(item, STR("null"), &small);
		cr_expect_eq(item->state, ITEM_READY);
		if (rc < 0) {
			cr_expect_null(item->bytes, "limit %zu", small.limit);
			cr_expect_eq(item->bytes_len, 0);
			cr_expect_eq(item->json_len, 0);
			cr_expect_eq(item->json_at, 0);
		}
		buf_done(&small);
		item_unref(item);
	} while (rc < 0 && limit < 4096);
	cr_assert_eq(rc, 0);
	cr_expect_gt(limit, 100);
}
