/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/net/redis_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/support/redis_server.h"

void on_up(void *owner)
{
	((struct fixture *)owner)->ups++;
}

void on_down(void *owner)
{
	((struct fixture *)owner)->downs++;
}

void on_closed(void *owner)
{
	((struct fixture *)owner)->closed++;
}

void on_reply(const redisReply *reply, void *owner)
{
	struct fixture *f = owner;

	if (reply)
		f->replies++;
	else
		f->losses++;
	snprintf(f->last, sizeof(f->last), "%s", reply && reply->str ? reply->str : "");
	if (f->react)
		f->react(f);
}

void on_message(struct str message, void *owner)
{
	struct fixture *f = owner;

	f->messages++;
	snprintf(f->last, sizeof(f->last), "%.*s", STR_ARGS(message));
}

bool is_up(void *owner)
{
	struct fixture *f = owner;

	return f->ups >= f->want;
}

bool is_down(void *owner)
{
	struct fixture *f = owner;

	return f->downs >= f->want;
}

bool all_answered(void *owner)
{
	struct fixture *f = owner;

	return f->replies + f->losses >= f->want;
}

bool has_messages(void *owner)
{
	struct fixture *f = owner;

	return f->messages >= f->want;
}

bool is_closed(void *owner)
{
	return ((struct fixture *)owner)->closed > 0;
}

void wait_for(struct fixture *f, bool (*condition)(void *owner), int want, const char *what)
{
	f->want = want;
	run_until(&f->loop, condition, f, what);
}

void open_connection(struct fixture *f)
{
	cr_assert_eq(redis_master_open(&f->loop, &f->address, &f->master), 0);
	cr_assert_eq(redis_sentinel_open(&f->loop, &f->address, f->master, &f->sentinel), 0);
	cr_assert_eq(redis_open(&(struct redis_options){ .loop = &f->loop,
							 .address = &f->address,
							 .master = f->master,
							 .name = "test",
							 .max_pause_ms = f->max_pause_ms,
							 .on_up = on_up,
							 .on_down = on_down,
							 .owner = f },
				&f->redis),
		     0);
}

void connect_to(struct fixture *f, const char *url)
{
	struct reason why;

	cr_assert_eq(redis_address_parse(str_of(url), &f->address, &why), 0, "%s", why.text);
	open_connection(f);
}

void connect_to_socket(struct fixture *f, const char *socket)
{
	char url[128];

	snprintf(url, sizeof(url), "unix://%s", socket);
	connect_to(f, url);
}

void open_at(struct fixture *f, const char *url)
{
	*f = (struct fixture){ 0 };
	cr_assert_eq(uv_loop_init(&f->loop), 0);
	connect_to(f, url);
}

void open_on_socket(struct fixture *f, const char *socket)
{
	char url[128];

	snprintf(url, sizeof(url), "unix://%s", socket);
	open_at(f, url);
}

void close_fixture(struct fixture *f)
{
	redis_close(f->redis, on_closed, f);
	cr_expect_eq(f->closed, 0, "never from within the call");
	wait_for(f, is_closed, 0, "the end");
	end_fixture(f);
}

void end_fixture(struct fixture *f)
{
	redis_sentinel_close(f->sentinel, NULL, NULL);
	redis_master_close(f->master, NULL, NULL);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	cr_expect_eq(f->closed, 1);
	cr_assert_eq(uv_loop_close(&f->loop), 0);
	redis_address_done(&f->address);
}

void send_ok(struct fixture *f, const char *first, const char *second)
{
	cr_assert_eq(redis_send_text(f->redis, 10000, on_reply, f, first, second, NULL), 0);
}
