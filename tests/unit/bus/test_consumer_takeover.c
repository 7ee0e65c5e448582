/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a process that is gone had pending: it comes first and in the order of the stream, without
 * waiting to be idle, but only when the process was one of this place.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus/counters.h"
#include "core/worker_name.h"
#include "tests/support/liar.h"
#include "tests/unit/bus/ledger.h"

#define HOUR_MS 3600000

/* The name of a worker of this place that is gone by now. */
static void name_the_gone(char out[WORKER_NAME_SIZE])
{
	int ends[2];
	pid_t pid;

	cr_assert_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		worker_name_make(out);
		_exit(write(ends[1], out, WORKER_NAME_SIZE) != WORKER_NAME_SIZE);
	}
	cr_assert_eq(read(ends[0], out, WORKER_NAME_SIZE), WORKER_NAME_SIZE);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	close(ends[0]);
	close(ends[1]);
}

/* The same with another place, which is the third piece from the end. */
static void name_one_elsewhere(char out[WORKER_NAME_SIZE])
{
	char *at;

	name_the_gone(out);
	at = out + strlen(out);
	for (int hyphens = 0; hyphens < 3; hyphens += *at == '-')
		at--;
	at[1] = at[1] == '0' ? '1' : '0';
}

struct scene {
	struct world world;
	struct ledger *ledger;
	char ours[WORKER_NAME_SIZE];
};

static void open_scene(struct scene *scene, struct ledger *ledger)
{
	world_open(&scene->world);
	redis_server_do(&scene->world.server, "XGROUP CREATE " BUS_STREAM " " GROUP " 0 MKSTREAM");
	worker_name_make(scene->ours);
	ledger_init(ledger, &scene->world);
	ledger->name = scene->ours;
	scene->ledger = ledger;
}

/* The next `count` entries are this consumer's, read and not acknowledged. */
static void leave_with(struct scene *scene, const char *name, int count)
{
	redis_server_do(&scene->world.server,
			"XREADGROUP GROUP " GROUP " %s COUNT %d STREAMS " BUS_STREAM " >", name,
			count);
}

static void expect_order(const struct ledger *ledger, int count)
{
	for (int i = 0; i < count; i++)
		cr_assert_eq(ledger->order[i], i, "%d is number %d", ledger->order[i], i);
	cr_expect_eq(ledger_repeats(ledger), 0);
}

Test(consumer_takeover, begins_with_what_the_gone_left_behind)
{
	static struct ledger l;
	struct scene scene;
	char gone[WORKER_NAME_SIZE];

	open_scene(&scene, &l);
	name_the_gone(gone);
	world_add(&scene.world, 0, 350); /* more than two pages */
	leave_with(&scene, gone, 250);
	ledger_open_consumer(&l, HOUR_MS);
	ledger_expect_all(&l, 350);
	expect_order(&l, 350);
	ledger_stop(&l);
}

Test(consumer_takeover, merges_several_of_the_gone_in_the_order_of_the_stream)
{
	static struct ledger l;
	struct scene scene;
	char gone[3][WORKER_NAME_SIZE];

	open_scene(&scene, &l);
	world_add(&scene.world, 0, 100);
	for (int i = 0; i < 3; i++)
		name_the_gone(gone[i]);
	for (int i = 0; i < 9; i++)
		leave_with(&scene, gone[i % 3], 10);
	ledger_open_consumer(&l, HOUR_MS);
	ledger_expect_all(&l, 100);
	expect_order(&l, 100);
	ledger_stop(&l);
}

Test(consumer_takeover, takes_over_again_after_every_connect)
{
	static struct ledger l;
	struct scene scene;
	char gone[WORKER_NAME_SIZE];

	open_scene(&scene, &l);
	ledger_open_consumer(&l, HOUR_MS);
	ledger_wait(&l, ledger_is_ready, 0, "the group");
	/* In one step, so that nothing is read by ours in between. */
	name_the_gone(gone);
	world_cut_connections(&scene.world);
	world_add(&scene.world, 0, 20);
	leave_with(&scene, gone, 15);
	ledger_expect_all(&l, 20);
	expect_order(&l, 20);
	ledger_stop(&l);
}

static void expect_left_alone(struct scene *scene, const char *name)
{
	struct ledger *l = scene->ledger;

	world_add(&scene->world, 0, 20);
	leave_with(scene, name, 10);
	ledger_open_consumer(l, HOUR_MS);
	ledger_wait(l, ledger_has_committed, 10, "the new ones");
	run_turns(&scene->world.loop, 50);
	cr_expect_eq(l->distinct, 10);
	cr_expect_eq(l->order[0], 10);
	cr_expect_eq(ledger_pending(l), 10);
	ledger_stop(l);
}

Test(consumer_takeover, leaves_consumers_of_other_places_alone)
{
	static struct ledger l;
	struct scene scene;
	char elsewhere[WORKER_NAME_SIZE];

	open_scene(&scene, &l);
	name_one_elsewhere(elsewhere);
	expect_left_alone(&scene, elsewhere);
}

Test(consumer_takeover, leaves_consumers_that_live_alone)
{
	static struct ledger l;
	struct scene scene;
	char alive[WORKER_NAME_SIZE];

	open_scene(&scene, &l);
	worker_name_make(alive); /* ours, but for the random end */
	expect_left_alone(&scene, alive);
}

Test(consumer_takeover, acknowledges_and_counts_what_was_trimmed)
{
	static struct ledger l;
	struct scene scene;
	char gone[WORKER_NAME_SIZE];

	open_scene(&scene, &l);
	name_the_gone(gone);
	world_add(&scene.world, 100, 107);
	world_add(&scene.world, 0, 13);
	leave_with(&scene, gone, 15);
	redis_server_do(&scene.world.server, "XTRIM " BUS_STREAM " MAXLEN 13");
	ledger_open_consumer(&l, HOUR_MS);
	ledger_expect_all(&l, 13);
	expect_order(&l, 13);
	cr_expect_eq(metric_value(bus_counters.trimmed), 7);
	ledger_stop(&l);
}

Test(consumer_takeover, goes_on_when_everything_was_trimmed)
{
	static struct ledger l;
	struct scene scene;
	char gone[WORKER_NAME_SIZE];

	open_scene(&scene, &l);
	name_the_gone(gone);
	world_add(&scene.world, 100, 110);
	leave_with(&scene, gone, 10);
	redis_server_do(&scene.world.server, "XTRIM " BUS_STREAM " MAXLEN 0");
	ledger_open_consumer(&l, HOUR_MS);
	ledger_wait(&l, ledger_is_ready, 0, "the group");
	world_add(&scene.world, 0, 5);
	ledger_expect_all(&l, 5);
	expect_order(&l, 5);
	cr_expect_eq(metric_value(bus_counters.trimmed), 10);
	ledger_stop(&l);
}

static bool was_asked_twice(void *owner)
{
	/* Four questions lead to the pending entries, where the lie is seen. */
	return ((struct liar *)owner)->answers >= 8;
}

Test(consumer_takeover, begins_anew_when_the_pending_entries_make_no_sense)
{
	static struct ledger l;
	struct world w;
	struct liar liar;
	char ours[WORKER_NAME_SIZE];
	char gone[WORKER_NAME_SIZE];
	char answer[512];

	/* Good as edges, as groups and as consumers. */
	worker_name_make(ours);
	name_the_gone(gone);
	snprintf(answer, sizeof(answer),
		 "*8\r\n$6\r\nlength\r\n:0\r\n$17\r\nlast-generated-id\r\n$3\r\n0-0\r\n"
		 "$1\r\nx\r\n*2\r\n$4\r\nname\r\n$1\r\n" GROUP "\r\n"
		 "$1\r\ny\r\n*4\r\n$4\r\nname\r\n$%zu\r\n%s\r\n$7\r\npending\r\n:1\r\n",
		 strlen(gone), gone);
	world_open_at(&w, "/nonexistent");
	liar_start(&liar, &w.loop, LIAR_GOOD_GREETING, answer);
	snprintf(w.address.path, sizeof(w.address.path), "%s", liar.path);
	ledger_init(&l, &w);
	l.name = ours;
	ledger_open_consumer(&l, HOUR_MS);
	run_until(&w.loop, was_asked_twice, &liar, "a second round of questions");
	cr_expect_eq(l.batches, 0);
	liar_stop(&liar);
	ledger_stop(&l);
}
