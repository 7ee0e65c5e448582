/* SPDX-License-Identifier: Apache-2.0 */

/* Paces of several workers that tell each other what they do. Words take a millisecond. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/attributes.h"
#include "targets/pace_news.h"
#include "targets/vendors.h"

#define MS          INT64_C(1000)
#define S           (1000 * MS)
#define MAX_WORKERS 3
#define MAX_LINES   4096

struct line {
	int64_t at_us;
	size_t from;
	char *text;
	size_t size;
};

struct worker {
	struct world *world;
	struct paces *paces;
	int64_t next_us;
	unsigned sent;
};

struct world {
	size_t count;
	struct worker workers[MAX_WORKERS];
	int64_t now_us;
	size_t first, end;
	struct line lines[MAX_LINES];
	int64_t last_us;
	int64_t shortest_us; /* between two messages, except the first ones */
	unsigned sent;
};

static void on_tell(struct str text, void *owner)
{
	struct worker *worker = owner;
	struct world *world = worker->world;
	struct line *line = &world->lines[world->end++ % MAX_LINES];

	cr_assert_lt(world->end - world->first, MAX_LINES);
	*line = (struct line){ .at_us = world->now_us + MS,
			       .from = (size_t)(worker - world->workers),
			       .text = strndup(text.at, text.len),
			       .size = text.len };
}

static struct world *open_world(size_t count)
{
	struct world *world = calloc(1, sizeof(*world));

	world->count = count;
	world->now_us = 1000 * S;
	for (size_t i = 0; i < count; i++) {
		world->workers[i].world = world;
		cr_assert_eq(paces_open(&world->workers[i].paces), 0);
		paces_share(world->workers[i].paces, on_tell, &world->workers[i]);
	}
	return world;
}

/* Every worker receives it, including the sender. */
static void hear(struct world *world)
{
	for (; world->first != world->end; world->first++) {
		struct line *line = &world->lines[world->first % MAX_LINES];

		if (line->at_us > world->now_us)
			return;
		for (size_t i = 0; i < world->count; i++)
			paces_hear(world->workers[i].paces,
				   (struct str){ .at = line->text, .len = line->size },
				   world->now_us);
		free(line->text);
	}
}

static void pass(struct world *world, int64_t us)
{
	world->now_us += us;
	hear(world);
}

static void close_world(struct world *world)
{
	pass(world, S);
	for (size_t i = 0; i < world->count; i++)
		paces_close(world->workers[i].paces);
	free(world);
}

static struct paced paced_of(const char *provider, unsigned burst, int64_t interval_us)
{
	struct paced paced = { .provider = provider_find(str_of(provider)), .count = 1 };

	paced.user.team.bytes[0] = 1;
	paced.user.channel.bytes[0] = 2;
	memset(paced.list[0].key, 'a', sizeof(paced.list[0].key) - 1);
	paced.list[0].burst = burst;
	paced.list[0].interval_us = interval_us;
	return paced;
}

static int64_t take(struct world *world, size_t worker, const struct paced *paced)
{
	return paces_take(world->workers[worker].paces, paced, world->now_us);
}

static void learn(struct world *world, size_t worker, const struct paced *paced,
		  struct verdict verdict, int status)
{
	paces_learn(world->workers[worker].paces, paced, &verdict, status, world->now_us);
}

/* ---- one destination ----------------------------------------------------------------------- */

static void note_sent(struct world *world, struct worker *worker)
{
	int64_t apart_us = world->now_us - world->last_us;

	if (world->sent > world->count && apart_us < world->shortest_us)
		world->shortest_us = apart_us;
	world->last_us = world->now_us;
	world->sent++;
	worker->sent++;
}

/* Every worker has always something to send, and looks again exactly when it was allowed to. */
static void send_for(struct world *world, const struct paced *paced, int64_t span_us)
{
	int64_t end_us = world->now_us + span_us;

	world->shortest_us = INT64_MAX;
	while (world->now_us < end_us) {
		for (size_t i = 0; i < world->count; i++) {
			struct worker *worker = &world->workers[i];

			if (worker->next_us > world->now_us)
				continue;
			worker->next_us = take(world, i, paced);
			if (worker->next_us == 0)
				note_sent(world, worker);
		}
		pass(world, MS);
	}
}

Test(pace_shared, two_workers_send_as_much_together_as_one_alone_and_by_turns)
{
	struct world *world = open_world(2);
	const struct paced paced = paced_of("slack", 1, S);

	send_for(world, &paced, 100 * S);
	cr_expect_leq(world->sent, 101);
	cr_expect_geq(world->sent, 97);
	cr_expect_geq(world->shortest_us, S);
	cr_expect_geq(world->workers[0].sent, 45);
	cr_expect_geq(world->workers[1].sent, 45);
	close_world(world);
}

Test(pace_shared, three_workers_send_as_much_together_as_one_alone)
{
	struct world *world = open_world(3);
	const struct paced paced = paced_of("slack", 1, S);

	send_for(world, &paced, 100 * S);
	cr_expect_leq(world->sent, 103);
	cr_expect_geq(world->sent, 97);
	for (size_t i = 0; i < 3; i++)
		cr_expect_geq(world->workers[i].sent, 10);
	close_world(world);
}

Test(pace_shared, a_burst_is_one_for_all_and_a_worker_alone_loses_nothing)
{
	struct world *world = open_world(2);
	const struct paced paced = paced_of("discord", 5, S);
	unsigned sent = 0;

	while (take(world, 0, &paced) == 0)
		sent++;
	cr_expect_eq(sent, 5);
	pass(world, MS);
	cr_expect_gt(take(world, 1, &paced), world->now_us + 990 * MS);
	for (int second = 0; second < 100; second++) {
		pass(world, S);
		sent += take(world, 0, &paced) == 0;
	}
	cr_expect_geq(sent, 104);
	close_world(world);
}

/* ---- what an answer says ----------------------------------------------------------------- */

static struct verdict throttled(int64_t retry_after_ms)
{
	struct verdict verdict = verdict_of(VERDICT_RETRY);

	verdict.is_throttled = true;
	verdict.retry_after_ms = retry_after_ms;
	return verdict;
}

static struct verdict pausing(int64_t pause_ms, bool concerns_everybody)
{
	struct verdict verdict = verdict_of(VERDICT_RETRY);

	verdict.pause_ms = pause_ms;
	verdict.pause = PAUSE_PROVIDER;
	if (concerns_everybody)
		verdict.pause = PAUSE_EVERYBODY;
	return verdict;
}

Test(pace_shared, a_wish_for_a_pause_binds_workers_that_never_sent_there)
{
	static const char *const providers[] = { "slack", "webhook" };

	for (size_t i = 0; i < ARRAY_LEN(providers); i++) {
		struct world *world = open_world(2);
		struct paced paced = paced_of(providers[i], 1, i == 0 ? S : 0);
		int64_t end_us = world->now_us + 60 * S;

		learn(world, 0, &paced, throttled(60000), 429);
		pass(world, MS);
		cr_expect_geq(take(world, 1, &paced), end_us);
		paced.list[0].key[0] = 'b';
		cr_expect_eq(take(world, 1, &paced), 0, "another destination");
		close_world(world);
	}
}

Test(pace_shared, workers_slow_down_and_recover_together)
{
	struct world *world = open_world(2);
	const struct paced paced = paced_of("slack", 1, S);
	struct pace_view view;

	learn(world, 0, &paced, throttled(-1), 429);
	pass(world, MS);
	view = paces_view(world->workers[1].paces, &paced, world->now_us);
	cr_expect_eq(view.interval_us, 2 * S);
	for (size_t i = 0; i < 10; i++)
		learn(world, i % 2, &paced, verdict_of(VERDICT_DELIVERED), 200);
	pass(world, MS);
	for (size_t i = 0; i < 2; i++) {
		view = paces_view(world->workers[i].paces, &paced, world->now_us);
		cr_expect_eq(view.interval_us, S, "worker %zu", i);
	}
	close_world(world);
}

Test(pace_shared, a_success_is_told_only_when_it_teaches_something)
{
	struct world *world = open_world(2);
	const struct paced paced = paced_of("slack", 1, S);
	const struct paced webhook = paced_of("webhook", 1, 0);

	learn(world, 0, &paced, verdict_of(VERDICT_DELIVERED), 200);
	learn(world, 0, &webhook, verdict_of(VERDICT_RETRY), 500);
	learn(world, 0, &webhook, verdict_of(VERDICT_REJECT), 404);
	cr_expect_eq(take(world, 0, &webhook), 0);
	cr_expect_eq(world->end, 0);
	close_world(world);
}

Test(pace_shared, new_settings_of_a_channel_end_its_pause_everywhere)
{
	struct world *world = open_world(2);
	const struct paced paced = paced_of("slack", 1, S);

	learn(world, 0, &paced, throttled(60000), 429);
	pass(world, MS);
	paces_forget(world->workers[1].paces, &paced.user.team, &paced.user.channel);
	pass(world, MS);
	cr_expect_eq(take(world, 0, &paced), 0);
	close_world(world);
}

/* ---- what a vendor allows an address ------------------------------------------------------- */

static struct paced channel_of(unsigned team, unsigned channel)
{
	struct paced paced = paced_of("discord", 5, S);
	char number[9];

	snprintf(number, sizeof(number), "%04x%04x", team, channel);
	memcpy(paced.list[0].key, number, 8);
	paced.user.team.bytes[1] = (uint8_t)team;
	paced.user.channel.bytes[1] = (uint8_t)channel;
	return paced;
}

/* How many requests a worker would send now, to many channels of many teams. */
static unsigned send_all(struct world *world, size_t worker)
{
	unsigned sent = 0;

	for (unsigned i = 0; i < 100; i++) {
		const struct paced paced = channel_of(i, (unsigned)worker);

		sent += take(world, worker, &paced) == 0;
	}
	return sent;
}

Test(pace_shared, workers_share_what_a_vendor_takes_from_an_address)
{
	struct world *world = open_world(2);
	unsigned alone, together;

	alone = send_all(world, 0);
	pass(world, S);
	send_all(world, 1);
	pass(world, S);
	together = send_all(world, 0) + send_all(world, 1);
	cr_expect_gt(alone, 0);
	cr_expect_leq(together, alone);
	pass(world, MS);
	pass(world, 60 * S);
	cr_expect_eq(send_all(world, 0), alone, "the other one is silent");
	close_world(world);
}

Test(pace_shared, many_workers_still_send)
{
	struct world *world = open_world(1);
	struct pace_news news = { .kind = PACE_TOOK, .paced = channel_of(1, 1) };
	struct buf line;

	for (unsigned i = 0; i < 100; i++) {
		uuid_v4(&news.worker);
		buf_init(&line, 1024);
		pace_news_write(&line, &news);
		paces_hear(world->workers[0].paces, buf_str(&line), world->now_us);
		buf_done(&line);
	}
	pass(world, S);
	cr_expect_eq(send_all(world, 0), 1);
	close_world(world);
}

Test(pace_shared, a_pause_that_the_vendor_asks_for_holds_in_every_worker)
{
	struct world *world = open_world(2);
	const struct paced one = channel_of(1, 1), same_team = channel_of(1, 2);
	const struct paced other = channel_of(2, 1);

	learn(world, 0, &one, pausing(5000, false), 429);
	pass(world, MS);
	cr_expect_gt(take(world, 1, &same_team), world->now_us + 4 * S);
	cr_expect_eq(take(world, 1, &other), 0);
	learn(world, 0, &one, pausing(60000, true), 403);
	pass(world, MS);
	cr_expect_gt(take(world, 1, &other), world->now_us + 50 * S);
	close_world(world);
}

Test(pace_shared, refusals_count_in_every_worker)
{
	struct world *world = open_world(2);
	const struct paced paced = channel_of(1, 1), other = channel_of(1, 2);

	for (int i = 0; i < VENDOR_REFUSALS + 1; i++)
		learn(world, 0, &paced, verdict_of(VERDICT_DISABLE), 404);
	pass(world, MS);
	cr_expect_gt(take(world, 1, &other), world->now_us);
	close_world(world);
}

/* ---- the line ------------------------------------------------------------------------------ */

#define WORKER "11111111-2222-4333-8444-555555555555"
#define USER   "0000ffff-2222-4333-8444-555555555555 1111ffff-2222-4333-8444-555555555555"
#define KEY    "aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaa"

Test(pace_shared, reads_what_it_writes)
{
	static const char *const lines[] = {
		WORKER " took slack " USER " " KEY " 1 1000000",
		WORKER " took telegram " USER " " KEY " 1 3000000 " KEY " 1 40000",
		WORKER " learned webhook " USER " 429 throttled 60000 channel - " KEY " 0 0",
		WORKER " learned discord " USER " 403 other - everybody 600000",
		WORKER " learned slack " USER " 200 delivered - channel -",
		WORKER " forgot - " USER,
	};
	struct pace_news news;
	struct buf line;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		cr_assert_eq(pace_news_read(str_of(lines[i]), &news), 0, "%s", lines[i]);
		buf_init(&line, 1024);
		pace_news_write(&line, &news);
		cr_expect_str_eq(buf_text(&line), lines[i]);
		buf_done(&line);
	}
}

Test(pace_shared, ignores_what_no_worker_tells)
{
	static const char *const lines[] = {
		"",
		"nonsense",
		WORKER,
		WORKER " sang slack " USER,
		WORKER " took pigeon " USER,
		WORKER " took slack nobody",
		WORKER " took slack " USER " abc 1 1000000",
		WORKER " took slack " USER " " KEY " 1",
		WORKER " took slack " USER " " KEY " 1001 1000000",
		WORKER " took slack " USER " " KEY " 1 86400000001",
		WORKER " took slack " USER " " KEY " 1 1 " KEY " 1 1 " KEY " 1 1",
		WORKER " learned slack " USER,
		WORKER " learned slack " USER " 429 shouted - channel -",
		WORKER " learned slack " USER " 429 other 86400001 channel -",
		WORKER " learned slack " USER " 429 other - street -",
		WORKER " learned slack " USER " 99999999999 other - channel -",
		WORKER " learned slack " USER " 429 other - channel",
	};
	struct pace_news news;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		cr_expect_eq(pace_news_read(str_of(lines[i]), &news), -EINVAL, "%s", lines[i]);
}
