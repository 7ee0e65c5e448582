/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The receiver of `make bench`: answers every POST with 200 on one epoll, and computes the age of
 * each from metadata.sent_us in its body.
 *
 *   bench_sink PORT
 *
 * Listens on every loopback address, so that each of 127.0.0.1 to 127.255.255.254 is an endpoint.
 * The start of the path chooses the behaviour:
 *
 *   /good    answers at once             /hang    never answers
 *   /drip    one byte, and no more       /refuse  resets the connection
 *   /slow    204 after five seconds      /late    503 after five seconds
 *   /fail    500 at once                 /storm   answers at once, is not counted
 *   /gone    410 at once
 *   /_matrix 429, wants an hour          /api     404, as Discord refuses
 *
 * GET /stats answers {"count":..,"per_second":..,"p50_ms":..,"p99_ms":..} for /good since the last
 * GET /reset.
 */
#include <errno.h>
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
#include <unistd.h>

#include "core/clock.h"

#define MARK       "\"sent_us\":\""
#define MAX_AGES   (4 * 1024 * 1024)
#define READ_BYTES 65536
#define MAX_FDS    65536
#define ANSWER     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define SLOW       "HTTP/1.1 204 No Content\r\n\r\n"
#define LATE       "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
#define FAIL       "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
#define GONE       "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
#define WANT_HOUR                                                              \
	"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\n" \
	"Content-Length: 55\r\n\r\n"                                           \
	"{\"errcode\":\"M_LIMIT_EXCEEDED\",\"retry_after_ms\":3600000}"
#define UNKNOWN_HOOK                                                   \
	"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n" \
	"Content-Length: 42\r\n\r\n"                                   \
	"{\"message\":\"Unknown Webhook\",\"code\":10015}"
#define DELAY_US  5000000
#define MAX_WAITS 65536 /* delayed answers; further ones are never sent */

struct connection {
	char *bytes;
	size_t len;
	unsigned uses; /* how often this slot has been used */
};

/* A delayed answer. All have the same delay, so a ring holds them in the order they are due. */
struct wait {
	int fd;
	unsigned uses;
	int64_t due_us;
	const char *text;
};

static struct connection connections[MAX_FDS];
static struct wait waits[MAX_WAITS];
static size_t wait_first, wait_count;
static uint32_t *ages_us;
static size_t age_count;
static int64_t first_us, last_us;
static int epoll;

static void die(const char *what)
{
	fprintf(stderr, "bench_sink: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void drop(int fd, bool is_reset)
{
	const struct linger now = { .l_onoff = 1 };

	if (is_reset)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	free(connections[fd].bytes);
	connections[fd] = (struct connection){ .uses = connections[fd].uses + 1 };
	close(fd);
}

static void answer(int fd, const char *text, size_t len)
{
	if (write(fd, text, len) != (ssize_t)len && errno != EPIPE && errno != ECONNRESET)
		die("write");
}

static void answer_later(int fd, const char *text)
{
	if (wait_count == MAX_WAITS)
		return;
	waits[(wait_first + wait_count++) % MAX_WAITS] =
		(struct wait){ .fd = fd,
			       .uses = connections[fd].uses,
			       .due_us = clock_mono_us() + DELAY_US,
			       .text = text };
}

/* Sends the answers that are due. Returns milliseconds to the next one, or -1. */
static int answer_due(void)
{
	int64_t now_us = clock_mono_us();

	while (wait_count > 0 && waits[wait_first].due_us <= now_us) {
		const struct wait *wait = &waits[wait_first];

		if (wait->uses == connections[wait->fd].uses)
			answer(wait->fd, wait->text, strlen(wait->text));
		wait_first = (wait_first + 1) % MAX_WAITS;
		wait_count--;
	}
	return wait_count == 0 ? -1 : (int)((waits[wait_first].due_us - now_us + 999) / 1000);
}

static void note_arrival(const char *body, size_t len)
{
	const char *mark = memmem(body, len, MARK, strlen(MARK));
	int64_t now_us = clock_mono_us();

	if (!first_us)
		first_us = now_us;
	last_us = now_us;
	if (mark && age_count < MAX_AGES)
		ages_us[age_count++] =
			(uint32_t)(clock_wall_us() - strtoll(mark + strlen(MARK), NULL, 10));
}

static int compare_ages(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void answer_stats(int fd)
{
	double seconds = (double)(last_us - first_us) / 1e6;
	char body[256];
	char text[400];
	int len;

	qsort(ages_us, age_count, sizeof(*ages_us), compare_ages);
	snprintf(body, sizeof(body),
		 "{\"count\":%zu,\"per_second\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}", age_count,
		 seconds > 0 ? (double)age_count / seconds : 0.0,
		 age_count ? ages_us[age_count / 2] / 1e3 : 0.0,
		 age_count ? ages_us[age_count * 99 / 100] / 1e3 : 0.0);
	len = snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
		       strlen(body), body);
	answer(fd, text, (size_t)len);
}

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Returns false if the connection is closed. */
static bool serve(int fd, const char *head, const char *body, size_t body_len)
{
	if (starts(head, "GET /stats")) {
		answer_stats(fd);
	} else if (starts(head, "GET /reset")) {
		age_count = 0;
		first_us = last_us = 0;
		answer(fd, ANSWER, strlen(ANSWER));
	} else if (starts(head, "POST /refuse")) {
		drop(fd, true);
		return false;
	} else if (starts(head, "POST /drip")) {
		answer(fd, "H", 1);
	} else if (starts(head, "POST /slow")) {
		answer_later(fd, SLOW);
	} else if (starts(head, "POST /late")) {
		answer_later(fd, LATE);
	} else if (starts(head, "POST /fail")) {
		answer(fd, FAIL, strlen(FAIL));
	} else if (starts(head, "POST /gone")) {
		answer(fd, GONE, strlen(GONE));
	} else if (starts(head, "PUT /_matrix")) {
		answer(fd, WANT_HOUR, strlen(WANT_HOUR));
	} else if (starts(head, "POST /api")) {
		answer(fd, UNKNOWN_HOOK, strlen(UNKNOWN_HOOK));
	} else if (starts(head, "POST /storm")) {
		answer(fd, ANSWER, strlen(ANSWER));
	} else if (!starts(head, "POST /hang")) {
		note_arrival(body, body_len);
		answer(fd, ANSWER, strlen(ANSWER));
	}
	return true;
}

/* Takes one complete request from the front. Returns false if there is none or the connection is
 * closed. */
static bool take_request(int fd)
{
	struct connection *c = &connections[fd];
	char *end = memmem(c->bytes, c->len, "\r\n\r\n", 4);
	size_t head_len, body_len = 0;
	const char *length;

	if (!end)
		return false;
	head_len = (size_t)(end - c->bytes) + 4;
	*end = '\0';
	length = strcasestr(c->bytes, "\r\nContent-Length:");
	if (length)
		body_len = strtoul(length + 17, NULL, 10);
	if (c->len < head_len + body_len) {
		*end = '\r';
		return false;
	}
	if (!serve(fd, c->bytes, c->bytes + head_len, body_len))
		return false;
	c->len -= head_len + body_len;
	memmove(c->bytes, c->bytes + head_len + body_len, c->len);
	return c->len > 0;
}

static void read_some(int fd)
{
	struct connection *c = &connections[fd];
	ssize_t n;

	if (!c->bytes)
		c->bytes = malloc(READ_BYTES);
	if (!c->bytes)
		die("malloc");
	n = read(fd, c->bytes + c->len, READ_BYTES - c->len);
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			drop(fd, false);
		return;
	}
	c->len += (size_t)n;
	while (take_request(fd))
		;
}

static void watch(int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		die("epoll_ctl");
}

static void accept_all(int listener)
{
	const int on = 1;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (fd >= MAX_FDS)
			die("too many connections");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		watch(fd);
	}
}

static int listen_on(int port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons((uint16_t)port) };
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 4096) < 0)
		die("listen");
	return fd;
}

int main(int argc, char **argv)
{
	struct rlimit files = { MAX_FDS, MAX_FDS };
	struct epoll_event ready[512];
	int listener;

	if (argc != 2) {
		fprintf(stderr, "usage: bench_sink PORT\n");
		return 2;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	ages_us = malloc(MAX_AGES * sizeof(*ages_us));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!ages_us || epoll < 0)
		die("set-up");
	listener = listen_on((int)strtol(argv[1], NULL, 10));
	watch(listener);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll, ready, 512, answer_due());

		for (int i = 0; i < n; i++) {
			if (ready[i].data.fd == listener)
				accept_all(listener);
			else
				read_some(ready[i].data.fd);
		}
	}
}
