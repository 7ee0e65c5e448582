/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The load client of `make bench`, shared by its files: the streams it holds (bench_streams.c),
 * what it publishes (bench_publish.c), and what it was told to do (bench_live.c). One thread, one
 * epoll. Whatever goes wrong ends the program with a word on standard error.
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
	bool asked;    /* the request is on its way */
	bool accepted; /* the answer began with 200 */
	bool open;     /* its first frame has come */
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
	size_t slow_count; /* more streams, which nobody reads */
	size_t event_count;
	double rate;   /* events a second; 0: as fast as they go */
	size_t window; /* events that may be ahead of their arrival */
	size_t crowd;  /* streams that may be on their way to be open */
	size_t replay; /* events each stream is to get from its cursor */

	int epoll;
	struct stream *streams;
	size_t next; /* the first stream not opened yet */
	size_t opened;
	size_t failures;
	uint64_t received;
	uint64_t expected;
	uint32_t *ages_us; /* one per delivery */

	struct redisContext *redis;
	int publisher; /* of Nchan */
	size_t published;
	size_t unanswered;
};

void die(const char *what);

/* Opens up to `crowd` at a time until all are open. */
void streams_open(struct bench *b);
/* The same without waiting: those that may be opened now. */
void streams_open_some(struct bench *b);
/* Streams whose bytes are never read. */
void streams_open_slow(struct bench *b);
/* Reads what has come, or waits for it that long. */
void streams_turn(struct bench *b, int64_t timeout_us);

void publisher_start(struct bench *b);
/* One event to the next team; publisher_flush() sends what was gathered. */
void publish_one(struct bench *b);
void publisher_flush(struct bench *b);
/* Answers of Nchan have come. */
void publisher_read(struct bench *b);

#endif
