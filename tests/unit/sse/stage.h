/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A stage for live streams: a real server, SQLite store and Redis around sse/, and raw clients. The
 * test plays the tail. A failure in here fails the test.
 */
#ifndef TESTS_SSE_STAGE_H
#define TESTS_SSE_STAGE_H

#include "core/buf.h"
#include "core/clock.h"
#include "sse/subscriber.h"
#include "tests/support/databases.h"
#include "tests/support/patience.h"
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
	char api_key_hash[SHA256_HEX_SIZE]; /* the key of every request; empty: an unknown one */
	unsigned closed;
};

/* One raw connection. */
struct client {
	struct list link;
	struct stage *stage;
	int fd;
	bool paused;    /* does not read */
	bool ended;     /* it has received the last chunk */
	bool broken;    /* the connection has closed */
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

/* Checks the credentials of one round of listeners, or of all of them. */
void stage_recheck_round(struct stage *stage);
void stage_recheck(struct stage *stage);

/* Opens everything, but does not start the tail. Options that are zero get their defaults. */
void stage_open(struct stage *stage, const struct sse_options *options);
/* Starts the tail after entry `from` (0: at the beginning) and waits for the end of the preload. */
void stage_start(struct stage *stage, unsigned from);
void stage_close(struct stage *stage);
/* Closes the live path and waits for its end, in one step or in two. */
void stage_close_sse(struct stage *stage);
void stage_begin_close_sse(struct stage *stage);
void stage_end_close_sse(struct stage *stage);

/* One turn of the loop and of every client. */
void stage_turn(struct stage *stage);
/* A few turns in which nothing should happen. */
void stage_rest(struct stage *stage);

#define UNTIL(stage, condition)                                                             \
	do {                                                                                \
		int64_t until_ms = clock_mono_ms() + PATIENCE_MS;                           \
		while (!(condition)) {                                                      \
			stage_turn(stage);                                                  \
			cr_assert_lt(clock_mono_ms(), until_ms, "timed out waiting for %s", \
				     #condition);                                           \
		}                                                                           \
	} while (0)

/* The id of entry n is FIRST_MS + n. */
struct stream_id entry_id(uint64_t n);
/* The JSON of an event. `more` adds members, each after its comma. */
const char *event_json(const char *kind, const char *team, const char *resource, const char *more);
/* Adds the entry to the stream in Redis. */
void entry_add(struct stage *stage, uint64_t n, const char *json);
/* Calls sse/ as the tail does. */
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
/* The same, and its first frame has arrived. */
struct client *client_listen(struct stage *stage, const char *team, const char *path);
/* The same over HTTP/1.0, which proxies speak. */
struct client *client_open_plain(struct stage *stage, const char *team, const char *path);
/* Expects no stream, but an answer after which a browser reconnects. */
void client_expect_turned_away(struct client *client, const char *reason);
void client_close(struct client *client);
/* Shrinks the server's send buffer, so that the socket takes only a part of each write. */
void client_squeeze(struct client *client);

size_t client_frames(const struct client *client);
struct heard client_frame(const struct client *client, size_t index);
/* The entry numbers of all frames with data except the greeting; "-" for a frame without an id. */
const char *client_entries(const struct client *client);
bool client_has(const struct client *client, const char *text);
/* numbers(1, 3) is "1 2 3 ". */
const char *numbers(unsigned from, unsigned to);

/* Adds a row to the store's capsules. */
void capsule_add(struct stage *stage, const char *capsule, const char *team, const char *status);
/* The only listener of the team. */
struct subscriber *only_listener(struct stage *stage, const char *team);

#endif
