/* SPDX-License-Identifier: Apache-2.0 */

/* One connection to Redis on a loop of its own, and counts of all it called back with. */
#ifndef TESTS_UNIT_NET_REDIS_FIXTURE_H
#define TESTS_UNIT_NET_REDIS_FIXTURE_H

#include <uv.h>

#include "net/net.h"

struct fixture {
	uv_loop_t loop;
	struct redis_address address;
	struct redis_master *master;
	struct redis_sentinel *sentinel; /* NULL: the address names none */
	struct redis *redis;
	unsigned max_pause_ms; /* between its tries; 0: as the service */
	int ups;
	int downs;
	int replies; /* with content */
	int losses;  /* NULL replies */
	int closed;
	int messages;
	int want; /* what the condition of the moment compares with */
	char last[64];
	void (*react)(struct fixture *f); /* to a reply */
};

void on_up(void *owner);
void on_down(void *owner);
void on_closed(void *owner);
void on_reply(const redisReply *reply, void *owner);
void on_message(struct str message, void *owner);
bool is_up(void *owner);
bool is_down(void *owner);
bool all_answered(void *owner);
bool has_messages(void *owner);
bool is_closed(void *owner);
void wait_for(struct fixture *f, bool (*condition)(void *owner), int want, const char *what);

/* The loop and the address are there already. */
void open_connection(struct fixture *f);
/* The loop is there already. */
void connect_to(struct fixture *f, const char *url);
void connect_to_socket(struct fixture *f, const char *socket);

/* Zeroes the fixture. */
void open_at(struct fixture *f, const char *url);
void open_on_socket(struct fixture *f, const char *socket);
void close_fixture(struct fixture *f);
/* The same after redis_close(). */
void end_fixture(struct fixture *f);

/* Two words, answered by on_reply. */
void send_ok(struct fixture *f, const char *first, const char *second);

#endif
