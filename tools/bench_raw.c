/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The minimal server of live streams, for `make bench`: one thread, each entry of the stream framed
 * once, one write() per subscriber and batch, subscribers grouped by team. It has no
 * authentication, no replay and no limits: a slow reader loses bytes.
 *
 *   bench_raw PORT REDIS_SOCKET STREAM
 *
 * GET /sub/TEAM is the stream of that team.
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

#define MAX_FDS  65536
#define TEAM_LEN 30 /* "team-" and 25 digits */
#define BUCKETS  4096
#define HEAD                                                                                    \
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n\r\n" \
	"event: connected\ndata: {}\n\n"

struct channel {
	struct channel *next; /* next in its bucket */
	struct channel *next_full;
	char team[TEAM_LEN];
	int *fds;
	size_t count;
	size_t cap;
	char *batch;
	size_t batch_len;
	size_t batch_cap;
};

static struct channel *buckets[BUCKETS];
static struct channel *channel_of[MAX_FDS]; /* indexed by fd */
static struct channel *full;                /* the teams that have a batch */
static int epoll;
static const char *stream;
static char last_id[64] = "$";

static void die(const char *what)
{
	fprintf(stderr, "bench_raw: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *grow(void *memory, size_t size)
{
	memory = realloc(memory, size);
	if (!memory)
		die("memory");
	return memory;
}

static struct channel *find_channel(const char *team)
{
	uint32_t hash = 2166136261u;
	struct channel **at;

	for (int i = 0; i < TEAM_LEN; i++)
		hash = (hash ^ (uint8_t)team[i]) * 16777619u;
	at = &buckets[hash % BUCKETS];
	while (*at && memcmp((*at)->team, team, TEAM_LEN) != 0)
		at = &(*at)->next;
	if (!*at) {
		*at = calloc(1, sizeof(**at));
		if (!*at)
			die("memory");
		memcpy((*at)->team, team, TEAM_LEN);
	}
	return *at;
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
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 4096) < 0)
		die("listen");
	return fd;
}

static void accept_all(int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		watch(fd);
}

static void leave(int fd)
{
	struct channel *channel = channel_of[fd];

	channel_of[fd] = NULL;
	for (size_t i = 0; channel && i < channel->count; i++) {
		if (channel->fds[i] == fd) {
			channel->fds[i] = channel->fds[--channel->count];
			break;
		}
	}
	close(fd);
}

static void join(int fd, const char *team)
{
	struct channel *channel = find_channel(team);

	if (channel->count == channel->cap) {
		channel->cap = channel->cap ? 2 * channel->cap : 16;
		channel->fds = grow(channel->fds, channel->cap * sizeof(*channel->fds));
	}
	channel->fds[channel->count++] = fd;
	channel_of[fd] = channel;
}

/* Assumes that the request's head arrives in one piece and asks for a stream. */
static void read_request(int fd)
{
	static const char start[] = "GET /sub/";
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			leave(fd);
		return;
	}
	if (!memmem(bytes, (size_t)n, "\r\n\r\n", 4) || fd >= MAX_FDS || channel_of[fd] ||
	    memcmp(bytes, start, sizeof(start) - 1) != 0)
		return;
	if (write(fd, HEAD, strlen(HEAD)) != (ssize_t)strlen(HEAD))
		die("write");
	join(fd, bytes + sizeof(start) - 1);
}

static void add_frame(const char *id, const redisReply *payload)
{
	static const char member[] = "\"team_id\":\"";
	const char *team = memmem(payload->str, payload->len, member, sizeof(member) - 1);
	struct channel *channel;

	if (!team)
		return;
	channel = find_channel(team + sizeof(member) - 1);
	if (channel->batch_len + payload->len + 256 > channel->batch_cap) {
		channel->batch_cap = 2 * channel->batch_cap + payload->len + 256;
		channel->batch = grow(channel->batch, channel->batch_cap);
	}
	if (channel->batch_len == 0) {
		channel->next_full = full;
		full = channel;
	}
	channel->batch_len += (size_t)snprintf(
		channel->batch + channel->batch_len, channel->batch_cap - channel->batch_len,
		"id: %s\nevent: message\ndata: %s\n\n", id, payload->str);
}

static void ask(redisContext *redis)
{
	redisAppendCommand(redis, "XREAD COUNT 1000 BLOCK 0 STREAMS %s %s", stream, last_id);
	for (int done = 0; !done;) {
		if (redisBufferWrite(redis, &done) != REDIS_OK)
			die("redis");
	}
}

static void fan_out(void)
{
	for (; full; full = full->next_full) {
		for (size_t i = 0; i < full->count; i++) {
			if (write(full->fds[i], full->batch, full->batch_len) < 0 &&
			    errno != EAGAIN && errno != EPIPE && errno != ECONNRESET)
				die("write");
		}
		full->batch_len = 0;
	}
}

static void take_entry(const redisReply *entry)
{
	const redisReply *fields = entry->element[1];

	snprintf(last_id, sizeof(last_id), "%s", entry->element[0]->str);
	for (size_t i = 0; i + 1 < fields->elements; i += 2)
		if (strcmp(fields->element[i]->str, "payload") == 0)
			add_frame(last_id, fields->element[i + 1]);
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
			take_entry(entries->element[i]);
		fan_out();
	}
	freeReplyObject(reply);
	ask(redis);
}

static void serve(int listener, redisContext *redis)
{
	struct epoll_event ready[512];
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

int main(int argc, char **argv)
{
	struct rlimit files;
	redisContext *redis;
	int listener;

	if (argc != 4) {
		fprintf(stderr, "usage: bench_raw PORT REDIS_SOCKET STREAM\n");
		return 2;
	}
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	redis = redisConnectUnix(argv[2]);
	if (epoll < 0 || !redis || redis->err)
		die("set-up");
	stream = argv[3];
	fcntl(redis->fd, F_SETFL, O_NONBLOCK);
	redis->flags &= ~REDIS_BLOCK;
	listener = listen_on((int)strtol(argv[1], NULL, 10));
	watch(listener);
	watch(redis->fd);
	ask(redis);
	puts("ready");
	fflush(stdout);
	for (;;)
		serve(listener, redis);
}
