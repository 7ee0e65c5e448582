/* SPDX-License-Identifier: Apache-2.0 */

/* The connection of the command line. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "net/net.h"
#include "tests/support/redis_server.h"

static void expect_fault(const struct redis_address *address, const char *words)
{
	struct redis_blocking *redis;
	struct reason why = { .text = "" };

	cr_expect_eq(redis_blocking_open(address, &redis, &why), -ENOTCONN);
	cr_expect_eq(strncmp(why.text, "cannot connect to Redis: ", 25), 0, "%s", why.text);
	cr_expect_neq(strstr(why.text, words), NULL, "%s", why.text);
	cr_expect(redis_blocking_close(redis));
}

static void copy_text(const redisReply *reply, void *owner)
{
	snprintf(owner, 64, "%s", reply->str);
}

static int ask(struct redis_blocking *redis, const char *word, char text[64], struct reason *why)
{
	const struct str argv[] = { STR("ECHO"), str_of(word) };

	return redis_blocking_send(
		redis,
		&(struct redis_blocking_command){
			.argc = 2, .argv = argv, .on_reply = copy_text, .owner = text },
		why);
}

Test(redis_blocking, connects_logs_in_and_says_what_is_wrong)
{
	struct redis_server server;
	struct redis_address address = { .db = 1 };
	struct redis_blocking *redis;
	struct reason why = { .text = "" };
	char text[64];

	redis_server_start(&server, "geheim");
	snprintf(address.path, sizeof(address.path), "%s", server.socket);
	expect_fault(&address, "NOAUTH");
	cr_assert_eq(secret_set(&address.password, STR("falsch")), 0);
	expect_fault(&address, "WRONGPASS");
	cr_assert_eq(secret_set(&address.password, STR("geheim")), 0);
	address.db = 999;
	expect_fault(&address, "DB index is out of range");
	address.db = 1;
	cr_assert_eq(redis_blocking_open(&address, &redis, &why), 0, "%s", why.text);
	cr_expect_eq(ask(redis, "one", text, &why), 0, "%s", why.text);
	cr_expect_str_eq(text, "one");
	cr_expect_eq(ask(redis, "two", text, &why), 0, "%s", why.text);
	cr_expect_str_eq(text, "two");

	redis_server_kill(&server);
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(ask(redis, "three", text, &why), -ENOTCONN);
		cr_expect_eq(strncmp(why.text, "Redis is unavailable: ", 22), 0, "%s", why.text);
		cr_expect_neq(why.text[22], '\0');
	}
	cr_expect(redis_blocking_close(redis));
	cr_expect(redis_blocking_close(NULL));
	expect_fault(&address, "");
	redis_address_done(&address);
	redis_server_stop(&server);
}
