/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The least a server of live streams can do, for `make bench`: one thread, entries of the stream framed
 * once, one write() per subscriber and batch. No authentication, no teams, no replay, no bounds: a
 * slow reader loses bytes.
 *
 *   bench_raw PORT REDIS_SOCKET
 */
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
#include <unistd.h>

#define MAX_SUBSCRIBERS 65536
#define MAX_BATCH       (8 * 1024 * 1024)
#define HEAD                                                                                    \
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n\r\n" \
	"event: connected\ndata: {}\n\n"

static int subscribers[MAX_SUBSCRIBERS];
static size_t subscriber_count;
static int epoll;
static char batch[MAX_BATCH];
static size_t batch_len;
static char last_id[64] = "$";

static void die(const char *what)
{
	fprintf(stderr, "bench_raw: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void watch(int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		die("epoll_ctl");
}

static int listen_on(int port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons((uint16_t)port),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 4096) < 0)
		die("listen");
	return fd;
}

static void accept_all(int listener)
{
	const int on = 1;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		watch(fd);
	}
}

static void leave(int fd)
{
	for (size_t i = 0; i < subscriber_count; i++) {
		if (subscribers[i] == fd) {
			subscribers[i] = subscribers[--subscriber_count];
			break;
		}
	}
	close(fd);
}

/* A request's head is taken to come in one piece, and to ask for the stream. */
static void read_request(int fd)
{
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			leave(fd);
		return;
	}
	if (!memmem(bytes, (size_t)n, "\r\n\r\n", 4) || subscriber_count == MAX_SUBSCRIBERS)
		return;
	if (write(fd, HEAD, strlen(HEAD)) != (ssize_t)strlen(HEAD))
		die("write");
	subscribers[subscriber_count++] = fd;
}

static void add_frame(const redisReply *entry)
{
	const redisReply *id = entry->element[0];
	const redisReply *fields = entry->element[1];

	snprintf(last_id, sizeof(last_id), "%s", id->str);
	for (size_t i = 0; i + 1 < fields->elements; i += 2) {
		const redisReply *value = fields->element[i + 1];

		if (strcmp(fields->element[i]->str, "payload") != 0 ||
		    batch_len + value->len + 256 > MAX_BATCH)
			continue;
		batch_len += (size_t)snprintf(batch + batch_len, MAX_BATCH - batch_len,
					      "id: %s\nevent: message\ndata: %s\n\n", id->str,
					      value->str);
	}
}

static void ask(redisContext *redis)
{
	redisAppendCommand(redis, "XREAD COUNT 1000 BLOCK 0 STREAMS wrenn:events %s", last_id);
	for (int done = 0; !done;) {
		if (redisBufferWrite(redis, &done) != REDIS_OK)
			die("redis");
	}
}

static void fan_out(void)
{
	for (size_t i = 0; i < subscriber_count; i++) {
		if (write(subscribers[i], batch, batch_len) < 0 && errno != EAGAIN &&
		    errno != EPIPE && errno != ECONNRESET)
			die("write");
	}
	batch_len = 0;
}

static void read_stream(redisContext *redis)
{
	redisReply *reply = NULL;

	if (redisBufferRead(redis) != REDIS_OK ||
	    redisGetReplyFromReader(redis, (void **)&reply) != REDIS_OK)
		die("redis");
	if (!reply)
		return;
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements > 0) {
		const redisReply *entries = reply->element[0]->element[1];

		for (size_t i = 0; i < entries->elements; i++)
			add_frame(entries->element[i]);
		fan_out();
	}
	freeReplyObject(reply);
	ask(redis);
}

int main(int argc, char **argv)
{
	struct rlimit files = { 65536, 65536 };
	struct epoll_event ready[512];
	redisContext *redis;
	int listener;

	if (argc != 3) {
		fprintf(stderr, "usage: bench_raw PORT REDIS_SOCKET\n");
		return 2;
	}
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	redis = redisConnectUnix(argv[2]);
	if (epoll < 0 || !redis || redis->err)
		die("set-up");
	fcntl(redis->fd, F_SETFL, O_NONBLOCK);
	redis->flags &= ~REDIS_BLOCK;
	listener = listen_on((int)strtol(argv[1], NULL, 10));
	watch(listener);
	watch(redis->fd);
	ask(redis);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll, ready, 512, -1);

		for (int i = 0; i < n; i++) {
			if (ready[i].data.fd == listener)
				accept_all(listener);
			else if (ready[i].data.fd == redis->fd)
				read_stream(redis);
			else
				read_request(ready[i].data.fd);
		}
	}
}
