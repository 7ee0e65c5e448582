/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A host with two addresses, the first of which swallows packets: the queue of its listener is
 * full, so nobody answers its handshakes; and a host whose name server is silent. Their names are
 * resolved here; every other name by the system.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "net/net.h"
#include "tests/support/receiver.h"

#define NAME       "two-addresses.test"
#define SILENT     "silent.test"
#define UNKNOWN    "unknown.test"
#define TIMEOUT_MS 2000
#define CALLERS    16 /* more than a queue of length 0 takes */

static sem_t name_server; /* posted: it answers */
static struct sockaddr_in deaf = { .sin_family = AF_INET };
static struct sockaddr_in hearing = { .sin_family = AF_INET };
static struct addrinfo second = { .ai_family = AF_INET,
				  .ai_socktype = SOCK_STREAM,
				  .ai_addrlen = sizeof(hearing),
				  .ai_addr = (struct sockaddr *)&hearing };
static struct addrinfo first = { .ai_family = AF_INET,
				 .ai_socktype = SOCK_STREAM,
				 .ai_addrlen = sizeof(deaf),
				 .ai_addr = (struct sockaddr *)&deaf,
				 .ai_next = &second };

/* The program's come before the library's. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **out)
{
	int (*of_library)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (node && strcmp(node, NAME) == 0) {
		*out = &first;
		return 0;
	}
	if (node && strcmp(node, SILENT) == 0) {
		sem_wait(&name_server);
		return EAI_AGAIN;
	}
	if (node && strcmp(node, UNKNOWN) == 0)
		return EAI_NONAME;
	*(void **)&of_library = dlsym(RTLD_NEXT, "getaddrinfo");
	return of_library(node, service, hints, out);
}

void freeaddrinfo(struct addrinfo *list)
{
	void (*of_library)(struct addrinfo *);

	if (list == &first)
		return;
	*(void **)&of_library = dlsym(RTLD_NEXT, "freeaddrinfo");
	of_library(list);
}

static void go_deaf(int sockets[CALLERS + 1])
{
	sockets[0] = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(bind(sockets[0], (struct sockaddr *)&deaf, sizeof(deaf)), 0);
	cr_assert_eq(listen(sockets[0], 0), 0);
	for (int i = 1; i <= CALLERS; i++) {
		sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(sockets[i], (struct sockaddr *)&deaf, sizeof(deaf));
	}
}

static bool allow_all(const struct sockaddr *address, const void *arg)
{
	(void)address;
	(void)arg;
	return true;
}

struct result {
	bool is_done;
	enum answer_fault fault;
	int status;
};

static void on_answer(const struct answer *answer, void *owner)
{
	*(struct result *)owner = (struct result){ .is_done = true,
						   .fault = answer->fault,
						   .status = answer->status };
}

static void set_flag(void *owner)
{
	*(bool *)owner = true;
}

static void send_to(struct outbound *outbound, int port, struct result *result)
{
	struct outbound_call *call;
	struct outgoing request;

	outgoing_init(&request);
	buf_addf(&request.url, "http://" NAME ":%d/", port);
	cr_assert_eq(outbound_send(outbound, &request, TIMEOUT_MS, allow_all, NULL, on_answer,
				   result, &call),
		     0);
}

Test(addresses, of_a_host_are_tried_in_turn_within_the_time_of_a_request)
{
	struct receiver *receiver = receiver_start(NULL, NULL, NULL, NULL);
	struct result result = { .is_done = false };
	int sockets[CALLERS + 1];
	struct outbound *outbound;
	bool is_closed = false;
	uv_loop_t loop;

	deaf.sin_port = hearing.sin_port = htons((uint16_t)receiver_port(receiver));
	deaf.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 8);
	hearing.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	go_deaf(sockets);
	uv_loop_init(&loop);

	const struct outbound_options options = { .loop = &loop,
						  .max_connections = 1,
						  .user_agent = "test" };

	cr_assert_eq(outbound_open(&options, &outbound), 0);
	send_to(outbound, receiver_port(receiver), &result);
	while (!result.is_done)
		uv_run(&loop, UV_RUN_ONCE);
	cr_expect_eq(result.fault, ANSWER_OK, "fault %d", result.fault);
	cr_expect_eq(result.status, 200);
	outbound_close(outbound, set_flag, &is_closed);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_assert(is_closed);
	cr_assert_eq(uv_loop_close(&loop), 0);
	for (int i = 0; i <= CALLERS; i++)
		close(sockets[i]);
	receiver_stop(receiver);
}

Test(addresses, that_never_come_do_not_keep_the_command_line_from_its_end)
{
	struct redis_address address = { .host_count = 1,
					 .hosts = { { .name = SILENT, .port = 6379 } } };
	struct redis_blocking *redis;
	struct reason why = { .text = "" };

	sem_init(&name_server, 0, 0);
	cr_expect_eq(redis_blocking_open(&address, &redis, &why), -ENOTCONN);
	cr_expect_not_null(strstr(why.text, "its name was not resolved in time"), "%s", why.text);
	cr_expect_not(redis_blocking_close(redis), "it waited");
	sem_post(&name_server);
	while (!redis_blocking_close(redis))
		continue;
	redis_address_done(&address);
}

Test(addresses, that_are_unknown_are_an_error_that_says_what_failed)
{
	struct redis_address address = { .host_count = 1,
					 .hosts = { { .name = UNKNOWN, .port = 6379 } } };
	struct redis_blocking *redis;
	struct reason why = { .text = "" };

	cr_expect_eq(redis_blocking_open(&address, &redis, &why), -ENOTCONN);
	cr_expect_not_null(strstr(why.text, ": its name cannot be looked up: "), "%s", why.text);
	cr_expect(redis_blocking_close(redis));
	redis_address_done(&address);
}
