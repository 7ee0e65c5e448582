/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The whole service without its readers of Redis, for tests: ledger, scheduler and endpoints on a
 * fresh database, with a destination on loopback and a hand-set clock. Failures of the set-up fail
 * the test.
 */
#ifndef TESTS_SUPPORT_RIG_H
#define TESTS_SUPPORT_RIG_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <uv.h>

#include "channels/call.h"
#include "channels/channels.h"
#include "ledger/ledger.h"
#include "tests/support/databases.h"
#include "tests/support/receiver.h"
#include "views/views.h"

#define TEAM_A     "0f8fad5b-d9cb-469f-a165-70867728950e"
#define TEAM_B     "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define TEAM_A_ID  "team-0x5yg3bfyrehlas5fmd3rslxq"
#define TEAM_B_ID  "team-6dfzh5ik5uxynzmlf5cshamdk"
#define CAPSULE_ID "cl-6dfzh5ik5uxynzmlf5cshamdk"
#define USER       "{\"type\":\"user\",\"id\":\"usr-0x5yg3bfyrehlas5fmd3rslxq\",\"name\":\"Ada\"}"
#define SYSTEM     "{\"type\":\"system\"}"
#define SECOND_US  INT64_C(1000000)
#define MINUTE_US  (60 * SECOND_US)
#define HOUR_US    (60 * MINUTE_US)
#define START_US   (INT64_C(1800000000) * SECOND_US)
#define START_MS   (START_US / 1000)

struct rig_options {
	bool strict; /* the guard rejects loopback */
	bool no_delivery;
	bool no_sending; /* deliveries are stored, and that is all */
	bool chat;       /* requests to Slack, Telegram and Matrix go to the receiver */
	bool notify_completion;
	bool strip_host;
	enum audit_mode audit_mode;
	unsigned max_inflight; /* 0: 16 */
	unsigned unstored_results;
	unsigned tick_ms;   /* of the deliveries; 0: 20 */
	receiver_fn answer; /* NULL: 200 to all */
	void *arg;
	/* Gets `arg`, too. */
	void (*on_held_elsewhere)(const struct uuid *channel, void *arg);
	unsigned ledger_tick_ms;         /* 0: 20 */
	struct watch_stream stream;      /* of the ledger */
	const char *worker;              /* NULL: "worker-1" */
	const struct database *database; /* NULL: a fresh one with the teams A and B */
};

struct rig {
	uv_loop_t loop;
	uv_timer_t beat; /* wakes the loop, so that it sees changes of other threads */
	struct database database;
	struct store *store;
	const char *worker;
	struct ledger *ledger; /* not started; rig_hold_ledger() writes its lease */
	struct route *route;
	struct deliveries *deliveries;
	struct channels *channels;
	struct views *views;
	struct http_server *server;
	struct outbound *client;
	struct receiver *receiver;
	uint8_t key[SEAL_KEY_SIZE];
	char origin[64];
	struct target_origin origins[3];
	bool is_closed;
};

/* The wall clock. A test changes it directly when time passes. It calls rig_set_clock() when an
 * operator sets the clock and no time passes. */
extern int64_t rig_now_us;
void rig_set_clock(int64_t by_us);

void rig_open(struct rig *rig, enum database_engine engine, const struct rig_options *options);
void rig_close(struct rig *rig);

/* Calls steps(struct rig *) once per engine, each time on a fresh rig. */
#define ON_BOTH_STORES(options, steps)                                 \
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {    \
		struct rig rig;                                        \
		rig_open(&rig, (enum database_engine)engine, options); \
		steps(&rig);                                           \
		rig_close(&rig);                                       \
	}

/* Runs the loop until the condition holds. Fails after a minute. */
void rig_turn_until(struct rig *rig, bool (*is_true)(struct rig *rig, void *arg), void *arg);
/* Runs the loop until the receiver has this many requests. */
void rig_wait_received(struct rig *rig, unsigned count);
/* Runs the loop until this many rows match, such as "deliveries WHERE state = 'failed'". */
void rig_wait_rows(struct rig *rig, int64_t count, const char *from);
/* Runs the loop until the store is idle. */
void rig_wait_for_store(struct rig *rig);
/* Runs the loop for a while and waits for the store, several times, to show that nothing more
 * happens. */
void rig_idle(struct rig *rig);

/* Runs one statement, printf-style. Returns the first column of its last row as a number. */
int64_t rig_ask(struct rig *rig, const char *format, ...) printf_like(2, 3);
/* The same, but copies a text. */
void rig_ask_text(struct rig *rig, char *out, size_t size, const char *sql);

/* Inserts a webhook channel with the target /<path> at the receiver. */
void rig_add_channel(struct rig *rig, const char *id, const char *team, const char *path,
		     const char *kinds);

/* The same for a chat provider, with settings { name, value, name, value, NULL }. */
void rig_add_chat(struct rig *rig, const char *id, const char *provider, const char *const *fields,
		  const char *kinds);

/* An event as the bus passes it on. `more` has further members with a comma before each. */
struct event *rig_event(const char *kind, const char *actor, const char *more, int64_t ms);
/* A success of team B. */
struct event *rig_event_of_b(const char *kind, int64_t ms);

/* Takes the ledger's lease for this rig. A rig that created its database already has it. */
void rig_hold_ledger(struct rig *rig);

/* Reopens the ledger with other settings, as after a restart. */
void rig_open_ledger(struct rig *rig, const struct rig_options *options);

/* Commits the events, which stay the caller's. Returns the ledger's code. */
int rig_offer(struct rig *rig, struct event **events, size_t count);
/* The same, and frees them. */
int rig_commit(struct rig *rig, struct event **events, size_t count);
struct reason rig_rejected(size_t index); /* from the last commit */
/* Commits a successful capsule.pause of team A that happened at `ms`. */
void rig_commit_pause(struct rig *rig, int64_t ms);

/* Sends one request to the endpoints as a member of `team`. Returns the status and writes the body
 * to out. */
int rig_request(struct rig *rig, const char *method, const char *path, const char *team,
		const char *body, char *out, size_t size);
extern char rig_headers[4096]; /* from the last answer */

/* Sends two requests of team A at the same time, on two connections. */
void rig_request_both(struct rig *rig, const char *method, const char *path,
		      const char *const bodies[2], int statuses[2]);

#endif
