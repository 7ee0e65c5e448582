/* SPDX-License-Identifier: Apache-2.0 */

/* What the tests of bus/ share. */
#include "tests/unit/bus/bus_fixture.h"

#include <stdio.h>
#include <stdlib.h>

void world_open_at(struct world *w, const char *socket)
{
	char url[160];
	struct reason why;

	*w = (struct world){ .closed = 0 };
	cr_assert_eq(uv_loop_init(&w->loop), 0);
	snprintf(url, sizeof(url), "unix://%s", socket);
	cr_assert_eq(redis_address_parse(str_of(url), &w->address, &why), 0, "%s", why.text);
}

void world_open(struct world *w)
{
	struct redis_server server;

	redis_server_start(&server, NULL);
	world_open_at(w, server.socket);
	w->server = server;
}

static bool is_deserted(void *owner)
{
	struct world *w = owner;

	/* run_until() has one handle of its own. */
	return w->loop.active_handles <= 1;
}

void world_close(struct world *w)
{
	run_until(&w->loop, is_deserted, w, "the end of everything on the loop");
	cr_assert_eq(uv_loop_close(&w->loop), 0);
	redis_address_done(&w->address);
	if (w->server.socket[0])
		redis_server_stop(&w->server);
}

void world_on_closed(void *owner)
{
	((struct world *)owner)->closed++;
}

void event_text(char out[512], const char *kind, const char *capsule, int number)
{
	snprintf(out, 512,
		 "{\"event\":\"%s\",\"timestamp\":\"2026-05-24T05:02:08Z\",\"team_id\":\"" TEST_TEAM
		 "\",\"actor\":{\"type\":\"system\"},\"resource\":{\"id\":\"%s\",\"type\":"
		 "\"sandbox\"},\"metadata\":{\"n\":\"%d\"}}",
		 kind, capsule, number);
}

void world_add_payload(struct world *w, const char *payload)
{
	redis_server_do(&w->server, "XADD " BUS_STREAM " * payload %s", payload);
}

void world_add_event(struct world *w, const char *kind, const char *capsule, int number)
{
	char text[512];

	event_text(text, kind, capsule, number);
	world_add_payload(w, text);
}

void world_add(struct world *w, int from, int to)
{
	char text[512];
	redisReply *reply;

	for (int i = from; i < to; i++) {
		event_text(text, "capsule.pause", TEST_CAPSULE, i);
		redisAppendCommand(w->server.control, "XADD " BUS_STREAM " * payload %s", text);
	}
	for (int i = from; i < to; i++) {
		cr_assert_eq(redisGetReply(w->server.control, (void **)&reply), REDIS_OK);
		cr_assert_eq(reply->type, REDIS_REPLY_STRING);
		freeReplyObject(reply);
	}
}

int event_number(const struct event *event)
{
	struct str text = event_metadata(event, "n");
	unsigned long long number;

	return str_to_u64(text, &number) ? (int)number : -1;
}

void world_cut_connections(struct world *w)
{
	cr_assert_geq(redis_server_number(&w->server, "CLIENT KILL TYPE normal SKIPME yes"), 0);
}
