/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A name that is public when a channel is made and internal when its request goes out (DNS
 * rebinding). This file is the resolver: for one name it replaces the one of the C library, for
 * libuv and libcurl alike, and gives the answers that the test has set.
 */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "core/clock.h"
#include "net/net.h"
#include "targets/guard.h"
#include "tests/support/receiver.h"

#define NAME "rebinds.example"

static const char *volatile address; /* the address of NAME now */
static _Atomic unsigned lookups;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **out)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (node && strcmp(node, NAME) == 0) {
		lookups++;
		node = address;
	}
	return real(node, service, hints, out);
}

struct outcome {
	unsigned calls;
	int rc;
	enum answer_fault fault;
	int status;
};

static void on_checked(int rc, const struct reason *why, void *owner)
{
	struct outcome *outcome = owner;

	(void)why;
	outcome->calls++;
	outcome->rc = rc;
}

static void on_answer(const struct answer *answer, void *owner)
{
	struct outcome *outcome = owner;

	outcome->calls++;
	outcome->fault = answer->fault;
	outcome->status = answer->status;
}

static void on_closed(void *owner)
{
	*(bool *)owner = true;
}

static void check(struct guard *guard, int port, struct outcome *outcome)
{
	char url[64];
	struct reason why;

	snprintf(url, sizeof(url), "http://" NAME ":%d/hook", port);
	const struct target target = { .url = str_of(url), .field = "url" };

	*outcome = (struct outcome){ .calls = 0 };
	cr_assert_eq(guard_check_target(guard, &target, &why, on_checked, outcome), -EINPROGRESS);
	while (outcome->calls == 0)
		uv_run(guard->loop, UV_RUN_ONCE);
}

static void post(struct guard *guard, struct outbound *outbound, int port, struct outcome *outcome)
{
	struct outbound_call *call;
	struct outgoing request;

	*outcome = (struct outcome){ .calls = 0 };
	outgoing_init(&request);
	request.method = "POST";
	buf_addf(&request.url, "http://" NAME ":%d/hook", port);
	buf_add_text(&request.body, "{}");
	cr_assert_eq(outbound_send(outbound, &request, 10000, guard_allows, guard, on_answer,
				   outcome, &call),
		     0);
	outgoing_done(&request);
	while (outcome->calls == 0)
		uv_run(guard->loop, UV_RUN_ONCE);
}

Test(rebinding, is_refused_when_the_address_has_turned_internal_since_the_check)
{
	struct receiver *receiver = receiver_start(NULL, NULL, NULL, NULL);
	struct outbound *outbound;
	struct outcome outcome;
	struct guard guard;
	uv_loop_t loop;
	bool closed = false;
	int port = receiver_port(receiver);

	uv_loop_init(&loop);
	guard_init(&guard, &loop, false);
	const struct outbound_options options = { .loop = &loop,
						  .max_connections = 4,
						  .user_agent = "test" };
	cr_assert_eq(outbound_open(&options, &outbound), 0);

	address = "93.184.216.34";
	check(&guard, port, &outcome);
	cr_assert_eq(outcome.rc, 0, "a public address was refused");

	address = "127.0.0.1";
	post(&guard, outbound, port, &outcome);
	cr_assert_eq(outcome.fault, ANSWER_REFUSED);
	cr_assert_eq(receiver_connections(receiver), 0, "a connection was made");
	cr_assert_geq(lookups, 2, "the name was not asked for again");

	/* Where internal addresses are allowed, the same request passes: it was refused for the
	 * address. */
	guard.allow_private = true;
	post(&guard, outbound, port, &outcome);
	cr_assert_eq(outcome.fault, ANSWER_OK);
	cr_assert_eq(outcome.status, 200);

	/* An open connection, which would be used again, is judged again, too. */
	guard.allow_private = false;
	post(&guard, outbound, port, &outcome);
	cr_assert_eq(outcome.fault, ANSWER_REFUSED);
	cr_assert_eq(receiver_count(receiver), 1, "the open connection was used");

	outbound_close(outbound, on_closed, &closed);
	while (!closed)
		uv_run(&loop, UV_RUN_ONCE);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_assert_eq(uv_loop_close(&loop), 0);
	receiver_stop(receiver);
}
