/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The streams of the load client. Each connects without blocking, from one of several addresses of
 * this machine, so that ten thousand streams can reconnect often without running out of ports. The
 * client searches the bytes for the time an event was sent. It counts and retries a failed attempt.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/bench_live.h"

#define READ_BYTES   65536
#define ADDRESSES    64
#define MAX_FAILURES 100000
#define SLOW_BUFFER  4096

static size_t number_of(const struct bench *b, const struct stream *s)
{
	return (size_t)(s - b->streams);
}

static const struct team *team_of(const struct bench *b, const struct stream *s)
{
	return &b->teams[number_of(b, s) % b->team_count];
}

static int make_socket(const struct bench *b, const struct stream *s)
{
	const struct sockaddr_in from = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + number_of(b, s) % ADDRESSES),
	};
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* Leave the port to connect(), which knows the free ones for this server. */
	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&from, sizeof(from)) < 0)
		die("socket");
	return fd;
}

static void start_connecting(const struct bench *b, struct stream *s)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons((uint16_t)b->port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	if (connect(s->fd, (const struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
		die("connect");
}

static void ask(const struct bench *b, struct stream *s)
{
	const struct team *team = team_of(b, s);
	bool has_cursor = strcmp(team->cursor, "-") != 0;
	char text[512];
	int len;

	if (b->server == SERVER_OURS)
		len = snprintf(text, sizeof(text),
			       "GET /v1/events/stream HTTP/1.1\r\nHost: bench\r\nX-API-Key: "
			       "%s\r\n%s%s%s\r\n",
			       team->key, has_cursor ? "Last-Event-ID: " : "",
			       has_cursor ? team->cursor : "", has_cursor ? "\r\n" : "");
	else
		len = snprintf(text, sizeof(text),
			       "GET /sub/%s HTTP/1.1\r\nHost: bench\r\nAccept: "
			       "text/event-stream\r\n\r\n",
			       team->id);

	ssize_t n = write(s->fd, text, (size_t)len);

	if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
		return;  /* not connected yet */
	s->asked = true; /* an error shows when the answer is read */
}

static void watch(struct bench *b, struct stream *s, int operation)
{
	struct epoll_event wanted = { .events = s->asked ? EPOLLIN : EPOLLOUT, .data.ptr = s };

	if (epoll_ctl(b->epoll, operation, s->fd, &wanted) < 0)
		die("epoll_ctl");
}

static void open_one(struct bench *b, struct stream *s)
{
	*s = (struct stream){ .fd = make_socket(b, s) };
	start_connecting(b, s);
	ask(b, s);
	watch(b, s, EPOLL_CTL_ADD);
}

static void try_again(struct bench *b, struct stream *s, const char *why)
{
	if (b->failures++ == 0)
		fprintf(stderr, "bench_live: stream %zu: %s\n", number_of(b, s), why);
	if (s->open || b->failures > MAX_FAILURES)
		exit(1);
	close(s->fd);
	open_one(b, s);
}

void streams_open_some(struct bench *b)
{
	/* A few at a time, so that arriving bytes are read in between. */
	for (int i = 0; i < 64 && b->next < b->stream_count && b->next - b->opened < b->crowd; i++)
		open_one(b, &b->streams[b->next++]);
}

void streams_open(struct bench *b)
{
	while (b->opened < b->stream_count) {
		streams_open_some(b);
		streams_turn(b, b->next < b->stream_count && b->next - b->opened < b->crowd
					? 0
					: 1000000);
	}
}

void streams_open_slow(struct bench *b)
{
	const int size = SLOW_BUFFER;

	for (size_t i = 0; i < b->slow_count; i++) {
		struct stream *s = &b->streams[b->stream_count + i];
		struct epoll_event connected;

		s->fd = make_socket(b, s);
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
		start_connecting(b, s);
		watch(b, s, EPOLL_CTL_ADD);
		if (epoll_wait(b->epoll, &connected, 1, 5000) != 1)
			die("a slow stream did not connect");
		ask(b, s);
		if (epoll_ctl(b->epoll, EPOLL_CTL_DEL, s->fd, NULL) < 0)
			die("epoll_ctl");
	}
}

/* ---- what arrives ------------------------------------------------------------------------ */

/* Finds every mark in the bytes. Keeps a mark that is cut at the end for the next read. */
static void count_marks(struct bench *b, struct stream *s, const char *bytes, size_t len)
{
	int64_t now_us = clock_wall_us();
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

static void look_for_opening(struct bench *b, struct stream *s, const char *bytes, size_t len)
{
	const char *first = b->server == SERVER_NCHAN ? ": hi" : "event: connected";

	if (!memmem(bytes, len, first, strlen(first)))
		return;
	s->open = true;
	b->opened++;
}

static void read_stream(struct bench *b, struct stream *s)
{
	static char bytes[CARRY + READ_BYTES];

	memcpy(bytes, s->carry, s->carry_len);

	ssize_t n = read(s->fd, bytes + s->carry_len, READ_BYTES);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		try_again(b, s, n < 0 ? strerror(errno) : "closed by the server");
		return;
	}

	size_t len = s->carry_len + (size_t)n;

	if (!s->accepted && (len < 12 || memcmp(bytes, "HTTP/1.1 200", 12) != 0)) {
		try_again(b, s, "refused");
		return;
	}
	s->accepted = true;
	if (!s->open)
		look_for_opening(b, s, bytes, len);
	count_marks(b, s, bytes, len);
}

static void turn_to(struct bench *b, struct stream *s)
{
	if (!s) {
		publisher_read(b);
	} else if (s->asked) {
		read_stream(b, s);
	} else {
		ask(b, s);
		if (s->asked)
			watch(b, s, EPOLL_CTL_MOD);
	}
}

void streams_turn(struct bench *b, int64_t timeout_us)
{
	const struct timespec timeout = { .tv_sec = timeout_us / 1000000,
					  .tv_nsec = timeout_us % 1000000 * 1000 };
	struct epoll_event ready[512];
	int n = epoll_pwait2(b->epoll, ready, 512, &timeout, NULL);

	for (int i = 0; i < n; i++)
		turn_to(b, ready[i].data.ptr);
}
