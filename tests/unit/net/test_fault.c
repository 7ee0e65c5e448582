/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation fails in turn: a command and a request get exactly one answer. */
#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/heap.h"
#include "tests/support/patience.h"
#include "tests/support/redis_server.h"
#include "tests/unit/net/outbound_rig.h"
#include "tests/unit/net/redis_fixture.h"

static void read_address(void *arg)
{
	struct redis_settings settings = { .url = arg, .sentinel_password = "guard" };
	struct redis_address address;
	struct reason why = { .text = "" };
	int rc = redis_address_read(&settings, &address, &why);

	cr_expect_eq(rc, heap_was_met() ? -ENOMEM : 0, "%s: %d %s", (char *)arg, rc, why.text);
	if (rc == 0)
		redis_address_done(&address);
}

Test(fault, an_address_is_read_whole_or_there_was_no_memory)
{
	heap_fail_each(read_address, "redis://user:secret@h:6380/2");
	heap_fail_each(read_address, "redis+sentinel://:secret@h,i:26380/name/1");
}

/* The first connection, one command, and the end. What fails on the way is tried again. */
static void connect_and_ask(void *arg)
{
	struct fixture *f = arg;
	int rc = -ENOTCONN;

	*f = (struct fixture){ .max_pause_ms = 1 };
	cr_assert_eq(uv_loop_init(&f->loop), 0);
	f->address = (struct redis_address){ .db = 1 };
	snprintf(f->address.path, sizeof(f->address.path), "%s", getenv("TEST_REDIS_SOCKET"));
	while (redis_master_open(&f->loop, &f->address, &f->master) != 0)
		cr_assert(heap_was_met());
	while (redis_open(&(struct redis_options){ .loop = &f->loop,
						   .address = &f->address,
						   .master = f->master,
						   .name = "test",
						   .max_pause_ms = 1,
						   .on_up = on_up,
						   .on_down = on_down,
						   .owner = f },
			  &f->redis) != 0)
		cr_assert(heap_was_met());
	for (int asked = 0; rc != 0 || f->replies == 0; asked += rc == 0) {
		wait_for(f, is_up, f->downs + 1, "the connection");
		rc = redis_send_text(f->redis, 10000, on_reply, f, "ECHO", "x", NULL);
		cr_assert(rc == 0 || heap_was_met());
		if (rc == 0)
			wait_for(f, all_answered, asked + 1, "the answer");
	}
	close_fixture(f);
	cr_expect_eq(f->replies, 1);
	cr_expect(f->losses <= 1);
}

Test(fault, a_command_gets_one_answer)
{
	struct fixture f;

	heap_fail_each(connect_and_ask, &f);
}

static enum receiver_reply answer(const struct received *request, struct buf *out, void *arg)
{
	(void)request;
	(void)arg;
	receiver_answer(out, 200, "Content-Type: text/plain\r\n", STR("a body"));
	return RECEIVER_ANSWER;
}

static void send_one(void *arg)
{
	struct result result = { .calls = 0 };
	struct outbound_call *call = NULL;
	struct outgoing request;
	int rc;

	outgoing_init(&request);
	request.method = "POST";
	buf_addf(&request.url, "http://127.0.0.1:%d/", receiver_port(bench.receiver));
	buf_add_text(&request.body, "{}");
	outgoing_header(&request, "Content-Type", STR("application/json"));
	rc = outbound_send(bench.outbound, &request, PATIENCE_MS, guard, &bench, on_answer, &result,
			   &call);
	cr_expect(rc == 0 || (rc == -ENOMEM && heap_was_met()), "%d", rc);
	cr_expect_eq(request.url.len, 0);
	if (rc == 0)
		wait_for_result(&result);
	/* An answer without its body would be judged as another answer. */
	cr_expect(result.fault != ANSWER_OK || result.calls == 0 || result.body_len == 6);
	(void)arg;
}

Test(fault, a_request_gets_one_answer)
{
	open_bench(answer, NULL);
	heap_fail_each(send_one, NULL);
	close_bench();
}
