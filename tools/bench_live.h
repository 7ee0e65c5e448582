/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Shared by the files of the load client of `make bench`: its streams (bench_streams.c), its
 * publisher (bench_publish.c), its arguments and reports (bench_live.c). One thread, one epoll. Any
 * failure ends the program with a message on standard error.
 */
#ifndef BENCH_LIVE_H
#define BENCH_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"

struct redisContext;

#define MARK     "\"sent_us\":\""
#define MARK_LEN (sizeof(MARK) - 1)
#define CARRY    64 /* bytes kept of an unfinished mark */

enum server_kind { SERVER_OURS, SERVER_RAW, SERVER_NCHAN };

struct team {
	char id[40];
	char key[40];
	char cursor[48]; /* "-": none */
};

struct stream {
	int fd;
	bool asked;    /* the request was sent */
	bool accepted; /* the answer began with 200 */
	bool open;     /* its first frame arrived */
	unsigned carry_len;
	char carry[CARRY];
	uint64_t received;
};

struct bench {
	enum server_kind server;
	int port;
	const char *redis_socket;
	const char *redis_stream;
	struct team *teams;
	size_t team_count;
	size_t stream_count;
	size_t slow_count; /* further streams, which are never read */
	size_t event_count;
	double rate;   /* events a second; 0: as fast as possible */
	size_t window; /* events published but not yet received, at most */
	size_t crowd;  /* streams that may be opening at a time */
	size_t replay; /* events that each stream must get after its cursor */

	int epoll;
	struct stream *streams;
	size_t next; /* the next stream to open */
	size_t opened;
	size_t failures;
	uint64_t received;
	uint64_t expected;
	uint32_t *ages_us; /* one per event and subscriber */

	struct redisContext *redis;
	int publisher; /* for Nchan */
	size_t published;
	size_t unanswered;
};

void die(const char *what);

/* Opens up to `crowd` at a time until all are open. */
void streams_open(struct bench *b);
/* The same without waiting: opens those that may be opened now. */
void streams_open_some(struct bench *b);
/* Opens streams whose bytes are never read. */
void streams_open_slow(struct bench *b);
/* Reads what has arrived, or waits for it that long. */
void streams_turn(struct bench *b, int64_t timeout_us);

void publisher_start(struct bench *b);
/* Adds an event for the next team. publisher_flush() sends the events. */
void publish_one(struct bench *b);
void publisher_flush(struct bench *b);
/* Reads Nchan's responses. */
void publisher_read(struct bench *b);

#endif
