/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The load client of `make bench`: opens N live streams on one epoll, publishes M events to Redis
 * itself at a given rate, and measures how long each takes to every subscriber.
 *
 *   bench_live HOST PORT API_KEY REDIS_SOCKET TEAM SUBSCRIBERS EVENTS RATE
 *
 * RATE is events a second; 0 publishes as fast as Redis takes them. Every event carries the time it
 * was sent in metadata.sent_us, so a delivery's age is known where it arrives. With EVENTS 0 it
 * only opens the streams, says so and holds them until standard input ends: for measuring memory.
 *
 * Prints one line of JSON. Exit code 1 when a stream failed or an event went missing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/clock.h"

#define MARK         "\"sent_us\":\""
#define MARK_LEN     (sizeof(MARK) - 1)
#define CARRY        64 /* bytes kept of an unfinished mark */
#define GIVE_UP_US   (120 * 1000000LL)
#define BATCH_EVENTS 64
#define READ_BYTES   65536

struct subscriber {
	int fd;
	bool accepted;  /* the answer began with 200 */
	bool connected; /* its connected frame has come */
	unsigned carry_len;
	char carry[CARRY];
	uint64_t received;
};

struct bench {
	const char *host;
	int port;
	const char *key;
	const char *redis_socket;
	const char *team;
	size_t subscriber_count;
	size_t event_count;
	double rate;
	int epoll;
	struct subscriber *subscribers;
	size_t connected;
	uint64_t expected;
	uint64_t received;
	uint32_t *ages_us; /* one per delivery */
	redisContext *redis;
	size_t published;
	size_t unanswered;
};

static void die(const char *what)
{
	fprintf(stderr, "bench_live: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int connect_stream(const struct bench *b)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)b->port) };
	char request[512];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	inet_pton(AF_INET, b->host, &address.sin_addr);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("connect");

	int len = snprintf(request, sizeof(request),
			   "GET /v1/events/stream HTTP/1.1\r\nHost: bench\r\nX-API-Key: %s\r\n\r\n",
			   b->key);

	if (write(fd, request, (size_t)len) != len)
		die("write");
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		die("fcntl");
	return fd;
}

static void open_streams(struct bench *b)
{
	for (size_t i = 0; i < b->subscriber_count; i++) {
		struct epoll_event wanted = { .events = EPOLLIN, .data.ptr = &b->subscribers[i] };

		b->subscribers[i].fd = connect_stream(b);
		if (epoll_ctl(b->epoll, EPOLL_CTL_ADD, b->subscribers[i].fd, &wanted) < 0)
			die("epoll_ctl");
	}
}

/* Finds every mark in the bytes; a mark cut by the end is carried over to the next read. */
static void count_marks(struct bench *b, struct subscriber *s, const char *bytes, size_t len,
			int64_t now_us)
{
	const char *at = bytes;
	const char *end = bytes + len;

	while ((at = memmem(at, (size_t)(end - at), MARK, MARK_LEN))) {
		const char *digits = at + MARK_LEN;
		const char *quote = memchr(digits, '"', (size_t)(end - digits));

		if (!quote)
			break;

		int64_t age_us = now_us - strtoll(digits, NULL, 10);

		if (b->received < b->expected)
			b->ages_us[b->received] = (uint32_t)(age_us < 0 ? 0 : age_us);
		b->received++;
		s->received++;
		at = quote;
	}

	const char *rest = at ? at : end - (len < MARK_LEN ? len : MARK_LEN);

	s->carry_len = (unsigned)(end - rest);
	if (s->carry_len > CARRY)
		s->carry_len = 0;
	memcpy(s->carry, rest, s->carry_len);
}

static void read_stream(struct bench *b, struct subscriber *s)
{
	static char bytes[CARRY + READ_BYTES];

	memcpy(bytes, s->carry, s->carry_len);

	ssize_t n = read(s->fd, bytes + s->carry_len, READ_BYTES);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		die(n < 0 ? "read" : "a stream was closed");

	size_t len = s->carry_len + (size_t)n;

	if (!s->accepted && (len < 12 || memcmp(bytes, "HTTP/1.1 200", 12) != 0)) {
		fprintf(stderr, "bench_live: a stream was refused: %.*s\n", (int)len, bytes);
		exit(1);
	}
	s->accepted = true;
	if (!s->connected && memmem(bytes, len, "event: connected", 16)) {
		s->connected = true;
		b->connected++;
	}
	count_marks(b, s, bytes, len, clock_wall_us());
}

static void turn(struct bench *b, int timeout_ms)
{
	struct epoll_event ready[512];
	int n = epoll_wait(b->epoll, ready, 512, timeout_ms);

	for (int i = 0; i < n; i++)
		read_stream(b, ready[i].data.ptr);
}

static void publish_one(struct bench *b)
{
	char json[512];

	snprintf(json, sizeof(json),
		 "{\"event\":\"template.snapshot.create\",\"outcome\":\"success\",\"timestamp\":"
		 "\"2026-05-24T05:02:08Z\",\"team_id\":\"%s\",\"actor\":{\"type\":\"system\"},"
		 "\"resource\":"
		 "{\"id\":\"template-0a1b2c3d\",\"type\":\"snapshot\"},\"metadata\":{" MARK
		 "%lld\"}}",
		 b->team, (long long)clock_wall_us());
	redisAppendCommand(b->redis, "XADD wrenn:events MAXLEN ~ 10000 * payload %s", json);
	b->published++;
	b->unanswered++;
}

static void flush_publisher(struct bench *b)
{
	for (; b->unanswered; b->unanswered--) {
		redisReply *reply = NULL;

		if (redisGetReply(b->redis, (void **)&reply) != REDIS_OK ||
		    reply->type == REDIS_REPLY_ERROR)
			die("XADD");
		freeReplyObject(reply);
	}
}

/* At full speed, never more than a few thousand deliveries per subscriber ahead of the slowest
 * arrival, so that the stream is not trimmed under its readers. */
static bool may_publish(const struct bench *b, int64_t started_us)
{
	uint64_t ahead = b->published - b->received / b->subscriber_count;

	if (b->published == b->event_count || ahead > 200)
		return false;
	if (b->rate <= 0)
		return true;
	return (double)(clock_mono_us() - started_us) * b->rate / 1e6 >= (double)b->published;
}

static void run_load(struct bench *b)
{
	int64_t started_us = clock_mono_us();

	while (b->received < b->expected) {
		unsigned burst = 0;

		while (burst++ < BATCH_EVENTS && may_publish(b, started_us))
			publish_one(b);
		flush_publisher(b);
		turn(b, b->rate > 0 ? 0 : 1);
		if (clock_mono_us() - started_us > GIVE_UP_US) {
			fprintf(stderr, "bench_live: %llu of %llu deliveries came\n",
				(unsigned long long)b->received, (unsigned long long)b->expected);
			exit(1);
		}
	}
}

static int compare_ages(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void report(struct bench *b, int64_t elapsed_us)
{
	size_t n = (size_t)b->expected;

	qsort(b->ages_us, n, sizeof(*b->ages_us), compare_ages);
	printf("{\"deliveries\":%llu,\"seconds\":%.3f,\"per_second\":%.0f,\"p50_ms\":%.3f,\"p99_"
	       "ms\":%.3f}\n",
	       (unsigned long long)b->expected, (double)elapsed_us / 1e6,
	       (double)b->expected * 1e6 / (double)elapsed_us, b->ages_us[n / 2] / 1e3,
	       b->ages_us[n * 99 / 100] / 1e3);
}

static void hold(void)
{
	printf("{\"open\":true}\n");
	fflush(stdout);
	while (getchar() != EOF)
		;
}

static void read_arguments(struct bench *b, int argc, char **argv)
{
	if (argc != 9) {
		fprintf(stderr, "usage: bench_live HOST PORT API_KEY REDIS_SOCKET TEAM SUBSCRIBERS "
				"EVENTS RATE\n");
		exit(2);
	}
	b->host = argv[1];
	b->port = (int)strtol(argv[2], NULL, 10);
	b->key = argv[3];
	b->redis_socket = argv[4];
	b->team = argv[5];
	b->subscriber_count = strtoul(argv[6], NULL, 10);
	b->event_count = strtoul(argv[7], NULL, 10);
	b->rate = strtod(argv[8], NULL);
	b->expected = (uint64_t)b->subscriber_count * b->event_count;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 65536, 65536 };
	struct bench b = { 0 };

	read_arguments(&b, argc, argv);
	setrlimit(RLIMIT_NOFILE, &files);
	b.epoll = epoll_create1(EPOLL_CLOEXEC);
	b.subscribers = calloc(b.subscriber_count, sizeof(*b.subscribers));
	b.ages_us = calloc(b.expected + 1, sizeof(*b.ages_us));
	b.redis = redisConnectUnix(b.redis_socket);
	if (b.epoll < 0 || !b.subscribers || !b.ages_us || !b.redis || b.redis->err)
		die("set-up");
	open_streams(&b);
	while (b.connected < b.subscriber_count)
		turn(&b, 1000);
	if (b.event_count == 0) {
		hold();
	} else {
		int64_t started_us = clock_mono_us();

		run_load(&b);
		report(&b, clock_mono_us() - started_us);
	}
	redisFree(b.redis);
	free(b.ages_us);
	free(b.subscribers);
	return 0;
}
