/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A stage for live streams: the service's real parts around the folder under test (server, SQLite store, a
 * Redis of its own), the tail's side played by the test, and raw clients. Whatever goes wrong in here
 * fails the test.
 */
#ifndef TESTS_SSE_STAGE_H
#define TESTS_SSE_STAGE_H

#include "core/buf.h"
#include "core/clock.h"
#include "sse/subscriber.h"
#include "tests/support/databases.h"
#include "tests/support/redis_server.h"

#define TEAM_A   "team-0000000000000000000000001"
#define TEAM_B   "team-0000000000000000000000002"
#define CAPSULE  "cl-0000000000000000000000005"
#define FIRST_MS UINT64_C(1000000)

struct stage {
	uv_loop_t loop;
	struct database database;
	struct redis_server redis_server;
	struct redis_address address;
	struct store *store;
	struct redis *redis;
	struct auth *auth;
	struct http_server *server;
	struct sse *sse;
	struct list clients;
	char api_key_hash
		[SHA256_HEX_SIZE]; /* what requests are taken to have shown; empty: something unknown */
	unsigned closed;
};

/* One raw connection. */
struct client {
	struct list link;
	struct stage *stage;
	int fd;
	bool paused;    /* does not read */
	bool ended;     /* the last chunk has come */
	bool broken;    /* the connection has ended */
	int status;     /* 0: no head yet */
	struct buf raw; /* not yet decoded */
	struct buf head;
	struct buf text; /* decoded body */
};

struct heard {
	struct str all; /* the frame, without its blank line */
	struct str id;  /* at NULL: no such line */
	struct str event;
	struct str data;
	struct str retry;
};

/* A second's part of the listeners has its credentials looked at again, or a minute's: all of them. */
void stage_recheck_round(struct stage *stage);
void stage_recheck(struct stage *stage);

/* The stage is up, but the tail has not started. Zero options are the defaults. */
void stage_open(struct stage *stage, const struct sse_options *options);
/* The tail starts after entry number `from` (0: at the very beginning) and the preload has ended. */
void stage_start(struct stage *stage, unsigned from);
void stage_close(struct stage *stage);
/* Closes the folder under test, and waits for it; or the two apart. */
void stage_close_sse(struct stage *stage);
void stage_begin_close_sse(struct stage *stage);
void stage_end_close_sse(struct stage *stage);

/* One turn of the loop and of every client. */
void stage_turn(struct stage *stage);
/* A few turns in which nothing should happen. */
void stage_rest(struct stage *stage);

#define UNTIL(stage, condition)                                                          \
	do {                                                                             \
		int64_t until_ms = clock_mono_ms() + 30000;                              \
		while (!(condition)) {                                                   \
			stage_turn(stage);                                               \
			cr_assert_lt(clock_mono_ms(), until_ms, "waited in vain for %s", \
				     #condition);                                        \
		}                                                                        \
	} while (0)

/* Entry n has the id n behind FIRST_MS. */
struct stream_id entry_id(uint64_t n);
/* The JSON of an event; `more` are further members with their commas. */
const char *event_json(const char *kind, const char *team, const char *resource, const char *more);
/* Into the stream in Redis. */
void entry_add(struct stage *stage, uint64_t n, const char *json);
/* To the folder under test, as the tail does it. */
void entry_show(struct stage *stage, uint64_t n, const char *json);
void entry_show_transient(struct stage *stage, const char *json);
void batch_end(struct stage *stage, uint64_t n);
/* All three. */
void entry_publish(struct stage *stage, uint64_t n, const char *json);
#define HOST_UP(team) event_json("host.up", team, "host-0000000000000000000000009", "")

/* GET path as a member of `team` (an id), or as platform administrator (NULL). `headers` are lines
 * that end with CR LF, or "". */
struct client *client_open(struct stage *stage, const char *team, const char *path,
			   const char *headers);
/* The same, and its first frame has come. */
struct client *client_listen(struct stage *stage, const char *team, const char *path);
/* The same as somebody who speaks HTTP/1.0, as proxies do. */
struct client *client_open_plain(struct stage *stage, const char *team, const char *path);
/* A stream was asked for, and the answer is no stream, but one that a browser comes back after. */
void client_expect_turned_away(struct client *client, const char *reason);
void client_close(struct client *client);
/* Leaves the server's end of the connection little room, so that every write is cut. */
void client_squeeze(struct client *client);

size_t client_frames(const struct client *client);
struct heard client_frame(const struct client *client, size_t index);
/* The ids of all frames with data but the greeting, as numbers of entries, "-" where there is none. */
const char *client_entries(const struct client *client);
bool client_has(const struct client *client, const char *text);
/* "1 2 3 " for 1 and 3. */
const char *numbers(unsigned from, unsigned to);

/* A row of the store's capsules, status and all. */
void capsule_add(struct stage *stage, const char *capsule, const char *team, const char *status);
/* The only listener of the team. */
struct subscriber *only_listener(struct stage *stage, const char *team);

#endif
