/* SPDX-License-Identifier: Apache-2.0 */

/* Everything is in memory of its own, and the answer is read up to its end, which closes it. */
#include "tests/support/raw_request.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/heap.h"
#include "tests/support/patience.h"

#define LINE_START "HTTP/1.1 "

static int connect_to(int port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void send_all(int fd, const struct raw_request *request)
{
	char text[8192];
	int len = snprintf(text, sizeof(text),
			   "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
			   "Content-Type: application/json\r\nContent-Length: %zu\r\n%s%s%s\r\n%s",
			   request->method, request->path, strlen(request->body),
			   request->team ? "X-Team: " : "", request->team ? request->team : "",
			   request->team ? "\r\n" : "", request->body);

	cr_assert_lt(len, (int)sizeof(text));
	cr_assert_eq(send(fd, text, (size_t)len, MSG_NOSIGNAL), len);
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

/* The first bytes of the answer; how many there were. */
static size_t read_start(uv_loop_t *loop, int fd, char *start, size_t size)
{
	uint64_t end_ms = uv_hrtime() / 1000000 + PATIENCE_MS;
	char rest[4096];
	uv_timer_t tick;
	size_t len = 0;
	ssize_t n;

	uv_timer_init(loop, &tick);
	uv_timer_start(&tick, on_tick, 1, 1);
	do {
		uv_run(loop, UV_RUN_ONCE);
		cr_assert_lt(uv_hrtime() / 1000000, end_ms, "no answer, and no end");
		n = len < size ? recv(fd, start + len, size - len, MSG_DONTWAIT)
			       : recv(fd, rest, sizeof(rest), MSG_DONTWAIT);
		if (n > 0 && len < size)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EAGAIN));
	uv_close((uv_handle_t *)&tick, NULL);
	uv_run(loop, UV_RUN_NOWAIT);
	return len;
}

int raw_request(uv_loop_t *loop, int port, const struct raw_request *request)
{
	char start[sizeof(LINE_START "000")] = "";
	int fd = connect_to(port);
	size_t len;

	send_all(fd, request);
	len = read_start(loop, fd, start, sizeof(start) - 1);
	close(fd);
	if (len < sizeof(start) - 1)
		return 0;
	cr_assert_eq(strncmp(start, LINE_START, strlen(LINE_START)), 0, "%s", start);
	return (int)strtol(start + strlen(LINE_START), NULL, 10);
}

void raw_request_starve(uv_loop_t *loop, int port, const struct raw_request *request, int status,
			void (*check)(int status, void *owner), void *owner)
{
	unsigned nth = 0;
	bool was_met;

	do {
		int answered;

		heap_fail_after(nth);
		answered = raw_request(loop, port, request);
		was_met = heap_recover();
		cr_expect(answered == status || (was_met && (answered == 0 || answered >= 500)),
			  "%s %s: %d without allocation %u", request->method, request->path,
			  answered, nth);
		if (check)
			check(answered, owner);
		nth++;
	} while (was_met);
	cr_expect_gt(nth, 1, "%s %s allocates nothing", request->method, request->path);
}
