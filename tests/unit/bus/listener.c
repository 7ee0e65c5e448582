/* SPDX-License-Identifier: Apache-2.0 */

/* Checks every callback of the tail as it comes. */
#include "tests/unit/bus/listener.h"

static void on_start(struct stream_id from, void *owner)
{
	struct listener *l = owner;

	cr_expect_eq(l->count, 0);
	l->starts++;
	l->start = from;
}

static void on_event(struct event *event, void *owner)
{
	struct listener *l = owner;

	cr_expect_eq(l->starts, 1);
	if (event_number(event) != l->last + 1)
		l->repeats_or_jumps++;
	l->last = event_number(event);
	l->count++;
}

static void on_batch_end(struct stream_id head, void *owner)
{
	struct listener *l = owner;

	l->head = head;
	if (l->trim_after > 0 && l->count >= l->trim_after) {
		l->trim_after = 0;
		redis_server_do(&l->world->server, "XTRIM " BUS_STREAM " MAXLEN 10");
	}
}

static void on_gap(struct stream_id from, void *owner)
{
	struct listener *l = owner;

	l->gaps++;
	l->count_at_gap = l->count;
	l->from = from;
}

static void on_server(const struct redis_identity *identity, bool continues, void *owner)
{
	struct listener *l = owner;

	cr_expect(identity->run_id[0]);
	l->servers++;
	l->other_histories += !continues;
}

static void on_source(bool up, void *owner)
{
	struct listener *l = owner;

	if (up)
		l->ups++;
	else
		l->downs++;
	if (up && l->at_up)
		l->at_up(l->world);
	cr_expect_leq(l->ups - l->downs, 1, "on_source() is called for changes only");
	cr_expect_geq(l->ups - l->downs, -1, "on_source() is called for changes only");
}

bool is_started(void *owner)
{
	struct listener *l = owner;

	return l->starts > 0 && l->ups >= l->want;
}

bool is_down(void *owner)
{
	struct listener *l = owner;

	return l->downs >= l->want;
}

bool has_events(void *owner)
{
	struct listener *l = owner;

	return l->count >= l->want;
}

bool has_gap(void *owner)
{
	return ((struct listener *)owner)->gaps > 0;
}

bool has_head(void *owner)
{
	struct listener *l = owner;

	return stream_id_compare(l->head, l->until) == 0;
}

void listener_await(struct listener *l, bool (*condition)(void *), int want, const char *what)
{
	l->want = want;
	run_until(&l->world->loop, condition, l, what);
}

void listen_in(struct listener *l, struct world *w)
{
	listen_lingering(l, w, 0);
}

void listen_lingering(struct listener *l, struct world *w, unsigned linger_ms)
{
	const struct bus_tail_options options = { .loop = &w->loop,
						  .address = &w->address,
						  .linger_ms = linger_ms,
						  .on_start = on_start,
						  .on_event = on_event,
						  .on_batch_end = on_batch_end,
						  .on_gap = on_gap,
						  .on_server = on_server,
						  .on_source = on_source,
						  .owner = l };

	*l = (struct listener){ .world = w, .last = -1 };
	cr_assert_eq(bus_tail_open(&options, &l->tail), 0);
}

void start_listening(struct listener *l, struct world *w)
{
	listen_in(l, w);
	listener_await(l, is_started, 1, "the start");
	cr_expect(bus_tail_is_up(l->tail));
}

void listen_after(struct listener *l, struct world *w, int count)
{
	world_open(w);
	start_listening(l, w);
	world_add(w, 0, count);
	listener_await(l, has_events, count, "the first events");
}

void stop_listening(struct listener *l)
{
	struct world *w = l->world;

	bus_tail_close(l->tail, world_on_closed, w);
	world_close(w);
	cr_expect_eq(w->closed, 1);
}
