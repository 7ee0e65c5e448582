/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The publisher of the load client: XADD for servers that read the stream, POST for Nchan. Every
 * event has the time it was sent. Redis answers in microseconds, so the publisher waits for it.
 * Nchan answers after it has written to every subscriber, so its answers are read as they arrive.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/bench_live.h"

#define EVENT_BYTES   512
#define REQUEST_BYTES (64 * (EVENT_BYTES + 128))

static char requests[REQUEST_BYTES];
static size_t requests_len;

static int write_event(char *json, const struct team *team)
{
	return snprintf(json, EVENT_BYTES,
			"{\"event\":\"template.snapshot.create\",\"outcome\":\"success\","
			"\"timestamp\":\"2026-05-24T05:02:08Z\",\"team_id\":\"%s\",\"actor\":{"
			"\"type\":\"system\"},\"resource\":{\"id\":\"template-0a1b2c3d\",\"type\":"
			"\"snapshot\"},\"metadata\":{" MARK "%lld\"}}",
			team->id, (long long)clock_wall_us());
}

static void start_nchan(struct bench *b)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons((uint16_t)b->port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event wanted = { .events = EPOLLIN, .data.ptr = NULL };
	const int on = 1;

	b->publisher = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (b->publisher < 0 ||
	    setsockopt(b->publisher, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    connect(b->publisher, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
	    epoll_ctl(b->epoll, EPOLL_CTL_ADD, b->publisher, &wanted) < 0)
		die("publisher");
}

void publisher_start(struct bench *b)
{
	if (b->server == SERVER_NCHAN) {
		start_nchan(b);
		return;
	}
	b->redis = redisConnectUnix(b->redis_socket);
	if (!b->redis || b->redis->err)
		die("redis");
}

static void post(const struct team *team, const char *json, int len)
{
	requests_len += (size_t)snprintf(requests + requests_len, REQUEST_BYTES - requests_len,
					 "POST /pub/%s HTTP/1.1\r\nHost: bench\r\nContent-Length: "
					 "%d\r\n\r\n%s",
					 team->id, len, json);
}

void publish_one(struct bench *b)
{
	const struct team *team = &b->teams[b->published++ % b->team_count];
	char json[EVENT_BYTES];
	int len = write_event(json, team);

	b->unanswered++;
	if (b->server == SERVER_NCHAN)
		post(team, json, len);
	else
		redisAppendCommand(b->redis, "XADD %s MAXLEN ~ 10000 * payload %s", b->redis_stream,
				   json);
}

static void flush_nchan(struct bench *b)
{
	size_t sent = 0;

	while (sent < requests_len) {
		ssize_t n = write(b->publisher, requests + sent, requests_len - sent);

		if (n < 0)
			die("POST");
		sent += (size_t)n;
	}
	requests_len = 0;
}

void publisher_flush(struct bench *b)
{
	if (b->server == SERVER_NCHAN) {
		flush_nchan(b);
		return;
	}
	for (; b->unanswered; b->unanswered--) {
		redisReply *reply = NULL;

		if (redisGetReply(b->redis, (void **)&reply) != REDIS_OK ||
		    reply->type == REDIS_REPLY_ERROR)
			die("XADD");
		freeReplyObject(reply);
	}
}

/* Ignores the answers: the streams show who got the event. */
void publisher_read(struct bench *b)
{
	static char bytes[65536];
	ssize_t n = read(b->publisher, bytes, sizeof(bytes));

	if (n <= 0)
		die("the publisher's connection was closed");
}
