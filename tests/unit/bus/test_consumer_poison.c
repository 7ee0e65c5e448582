/* SPDX-License-Identifier: Apache-2.0 */

/* Entries that can never be committed: each becomes a dead letter, and delays no other entry. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bus/counters.h"
#include "bus/reader.h"
#include "core/log_limit.h"
#include "tests/support/call_fault.h"
#include "tests/support/clock_by_hand.h"
#include "tests/support/heap.h"
#include "tests/support/recorded_log.h"
#include "tests/unit/bus/ledger.h"

/* ---- poison ------------------------------------------------------------------------------ */

#define GOOD_TAIL                                                                 \
	"\"timestamp\":\"2026-05-24T05:02:08Z\",\"team_id\":\"" TEST_TEAM         \
	"\",\"actor\":{\"type\":\"system\"},\"resource\":{\"id\":\"" TEST_CAPSULE \
	"\",\"type\":\"sandbox\"}}"

static const char *const poison[] = {
	"",
	"no JSON",
	"[]",
	"{\"event\":5," GOOD_TAIL,
	"{\"event\":\"capsule.pause\",\"outcome\":\"maybe\"," GOOD_TAIL,
	"{\"event\":\"capsule.pause\",\"metadata\":{\"a\":1}," GOOD_TAIL,
	"{\"event\":\"capsule.pause\",\"event\":\"capsule.pause\"," GOOD_TAIL,
	("{\"event\":\"capsule.pause\",\"timestamp\":\"2026-05-24T05:02:08Z\",\"team_id\":"
	 "\"team-zzzzzzzzzzzzzzzzzzzzzzzzz\",\"actor\":{\"type\":\"system\"},\"resource\":{\"id\":"
	 "\"x\",\"type\":\"sandbox\"}}"),
	"{\"event\":\"capsule.pause\",\"error\":\"\\ud8\"," GOOD_TAIL,
	"{\"event\":\"capsule.pause\",\"metadata\":{\"a\":\"\xff\"}," GOOD_TAIL,
	"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
};

static const char *field_of(const redisReply *entry, const char *name)
{
	const redisReply *fields = entry->element[1];

	for (size_t i = 0; i + 1 < fields->elements; i += 2) {
		if (strcmp(fields->element[i]->str, name) == 0)
			return fields->element[i + 1]->str;
	}
	cr_assert_fail("a dead letter without %s", name);
	return "";
}

Test(consumer, puts_poison_aside_and_goes_on)
{
	static struct ledger l;
	struct world w;
	char ids[ARRAY_LEN(poison)][STREAM_ID_TEXT_SIZE];
	redisReply *reply;

	ledger_start(&l, &w);
	for (size_t i = 0; i < ARRAY_LEN(poison); i++) {
		reply = redis_server_ask(&w.server, "XADD " BUS_STREAM " * payload %s", poison[i]);
		snprintf(ids[i], sizeof(ids[i]), "%s", reply->str);
		freeReplyObject(reply);
		world_add(&w, (int)i, (int)i + 1);
	}
	ledger_expect_all(&l, ARRAY_LEN(poison));
	reply = redis_server_ask(&w.server, "XRANGE " BUS_DEAD_STREAM " - +");
	cr_assert_eq(reply->elements, ARRAY_LEN(poison));
	for (size_t i = 0; i < reply->elements; i++) {
		cr_expect_str_eq(field_of(reply->element[i], "id"), ids[i]);
		cr_expect_str_eq(field_of(reply->element[i], "payload"), poison[i]);
		cr_expect_neq(field_of(reply->element[i], "reason")[0], '\0', "%s", poison[i]);
		cr_expect_eq(reply->element[i]->element[1]->elements, 6);
	}
	freeReplyObject(reply);
	ledger_stop(&l);
}

Test(consumer, keeps_the_fields_of_an_entry_without_a_payload)
{
	static struct ledger l;
	struct world w;
	redisReply *reply;

	ledger_start(&l, &w);
	redis_server_do(&w.server, "XADD " BUS_STREAM " * body x colour blue");
	ledger_wait(&l, ledger_has_dead_letters, 1, "the dead letter");
	ledger_wait(&l, ledger_has_nothing_pending, 0, "the acknowledgement");
	reply = redis_server_ask(&w.server, "XRANGE " BUS_DEAD_STREAM " - +");
	cr_expect_str_eq(field_of(reply->element[0], "payload"), "body=x\ncolour=blue\n");
	freeReplyObject(reply);
	ledger_stop(&l);
}

Test(consumer, bounds_the_payload_of_a_dead_letter)
{
	static struct ledger l;
	struct world w;
	size_t kept = 16 * (size_t)EVENT_MAX_BYTES;
	size_t size = kept + 1;
	char *huge = malloc(size + 1);
	redisReply *reply;

	memset(huge, 'x', size);
	huge[size] = '\0';
	ledger_start(&l, &w);
	world_add_payload(&w, huge);
	redis_server_do(&w.server, "XADD " BUS_STREAM " * name %s", huge);
	ledger_wait(&l, ledger_has_dead_letters, 2, "the dead letters");
	ledger_wait(&l, ledger_has_nothing_pending, 0, "the acknowledgements");
	reply = redis_server_ask(&w.server, "XRANGE " BUS_DEAD_STREAM " - +");
	cr_expect_eq(strlen(field_of(reply->element[0], "payload")), kept);
	cr_expect_leq(strlen(field_of(reply->element[1], "payload")), kept);
	freeReplyObject(reply);
	free(huge);
	ledger_stop(&l);
}

Test(consumer, puts_aside_what_the_ledger_rejects)
{
	static struct ledger l;
	struct world w;
	redisReply *reply;
	char text[512];

	ledger_start(&l, &w);
	l.reject = 3;
	l.fail_first = 1; /* every try asks for the rejections again */
	world_add(&w, 0, 6);
	ledger_expect_all(&l, 5);
	cr_expect_eq(l.seen[3], 0);
	reply = redis_server_ask(&w.server, "XRANGE " BUS_DEAD_STREAM " - +");
	cr_assert_eq(reply->elements, 1);
	event_text(text, "capsule.pause", TEST_CAPSULE, 3);
	cr_expect_str_eq(field_of(reply->element[0], "payload"), text);
	cr_expect_str_eq(field_of(reply->element[0], "reason"), "the ledger says no");
	freeReplyObject(reply);
	ledger_stop(&l);
}

Test(consumer, keeps_poison_pending_while_there_is_no_place_for_it)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	redis_server_do(&w.server, "SET " BUS_DEAD_STREAM " x");
	ledger_init(&l, &w);
	ledger_open_consumer(&l, 50);
	ledger_wait(&l, ledger_is_ready, 0, "the group");
	world_add_payload(&w, "poison");
	world_add(&w, 0, 5);
	ledger_wait(&l, ledger_has_committed, 5, "the good ones");
	ledger_wait(&l, ledger_has_pending, 1, "the acknowledgements of the good ones");
	run_turns(&w.loop, 150);
	cr_expect_eq(ledger_pending(&l), 1,
		     "the good ones are not held up, the bad one is not lost");
	redis_server_do(&w.server, "DEL " BUS_DEAD_STREAM);
	ledger_wait(&l, ledger_has_dead_letters, 1, "the dead letter");
	ledger_wait(&l, ledger_has_nothing_pending, 0, "the acknowledgement");
	cr_expect_eq(ledger_repeats(&l), 0);
	ledger_stop(&l);
}

Test(consumer, tells_a_flood_of_dead_letters_in_a_few_lines)
{
	static struct ledger l;
	struct world w;
	FILE *log = record_log();

	clock_hold(); /* all in one minute */
	ledger_start(&l, &w);
	for (int i = 0; i < 700; i++)
		world_add_payload(&w, "poison");
	ledger_wait(&l, ledger_has_dead_letters, 700, "the dead letters");
	ledger_wait(&l, ledger_has_nothing_pending, 0, "the acknowledgements");
	cr_expect_eq(count_lines(log, "put an entry aside as a dead letter"), LOG_LIMIT_LINES);
	cr_expect_eq(metric_value(bus_counters.dead[DEAD_UNREADABLE]), 700);
	ledger_stop(&l);
}

static bool were_refused(void *owner)
{
	return metric_value(bus_counters.refused_letters) >= ((struct ledger *)owner)->want;
}

Test(consumer, tells_of_refused_dead_letters_in_a_few_lines)
{
	static struct ledger l;
	struct world w;
	FILE *log = record_log();

	clock_hold(); /* all in one minute */
	ledger_start(&l, &w);
	redis_server_do(&w.server, "SET " BUS_DEAD_STREAM " x");
	for (int i = 0; i < 300; i++)
		world_add_payload(&w, "poison");
	world_add(&w, 0, 1);
	ledger_wait(&l, ledger_has_committed, 1, "the good one");
	ledger_wait(&l, were_refused, 300, "all refusals");
	cr_expect_eq(count_lines(log, "Redis refused a dead letter"), LOG_LIMIT_LINES);
	ledger_stop(&l);
}

/* Letters may be large, so most wait for the answers to the first ones. */
Test(consumer, writes_a_few_dead_letters_at_a_time)
{
	static struct ledger l;
	struct world w;

	ledger_prepare(&l, &w, 1);
	for (int i = 0; i < 100; i++)
		world_add_payload(&w, "poison");
	l.dawdles = true;
	ledger_open_consumer(&l, 60000);
	ledger_wait(&l, ledger_owes_answer, 1, "a batch");
	l.dawdles = false;
	call_fail_after(FAULT_REDIS, 20);
	ledger_answer(&l);
	cr_expect_not(call_recover(), "more than 20 commands at once");
	ledger_wait(&l, ledger_has_dead_letters, 100, "the dead letters");
	ledger_wait(&l, ledger_has_nothing_pending, 0, "the acknowledgements");
	ledger_stop(&l);
}

Test(consumer, reads_fewer_entries_after_long_ones)
{
	static const struct {
		unsigned count;
		size_t entries, bytes;
		unsigned next;
	} cases[] = {
		{ 500, 500, (size_t)500 * EVENT_MAX_BYTES, 500 },
		{ 500, 500, (size_t)5000 * EVENT_MAX_BYTES, 50 },
		{ 500, 1, (size_t)5000 * EVENT_MAX_BYTES, 1 },
		{ 50, 50, 50, 100 },
		{ 1, 1, 1, 2 },
		{ 300, 2, 2, 500 },
		{ 500, 0, 0, 500 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(reader_next_count(cases[i].count, cases[i].entries, cases[i].bytes),
			     cases[i].next, "case %zu", i);
}

/* ---- a connection that fails while a batch is put aside and acknowledged ------------------- */

/* The first of a committed batch's commands are on their way when memory is gone, which drops the
 * connection. True when there was such a moment. */
static bool fail_on_the_way(unsigned allocations, bool closes)
{
	static struct ledger l;
	struct world w;
	bool was_met;

	ledger_prepare(&l, &w, 1);
	world_add_payload(&w, "a");
	world_add_payload(&w, "b");
	l.dawdles = true;
	ledger_open_consumer(&l, 60000);
	ledger_wait(&l, ledger_owes_answer, 1, "a batch");
	l.dawdles = false;
	heap_fail_after(allocations);
	ledger_answer(&l);
	was_met = heap_recover();
	if (!closes) {
		ledger_wait(&l, ledger_has_committed, 1, "the event");
		ledger_wait(&l, ledger_has_dead_letters, 2, "the dead letters");
		ledger_wait(&l, ledger_has_nothing_pending, 0, "the acknowledgement");
	}
	ledger_stop(&l);
	return was_met;
}

Test(consumer, outlives_a_connection_that_fails_while_it_puts_poison_aside)
{
	unsigned n = 0;

	while (fail_on_the_way(n, false))
		n++;
	cr_expect_gt(n, 2, "no command was on its way");
	while (n-- > 0)
		fail_on_the_way(n, true);
}
