/* SPDX-License-Identifier: Apache-2.0 */

/* Who answers: a master, a replica, or a server that does not say. */
#include <criterion/criterion.h>

#include "net/net.h"
#include "tests/support/redis_server.h"
#include "tests/unit/net/redis_fixture.h"

Test(redis, knows_which_server_answers_and_which_history_it_holds)
{
	struct redis_server server;
	struct redis_identity first;
	struct fixture f;

	redis_server_start(&server, NULL);
	open_on_socket(&f, server.socket);
	wait_for(&f, is_up, 1, "the connection");
	first = *redis_identity(f.redis);
	cr_expect_eq(strlen(first.run_id), 40, "%s", first.run_id);
	cr_expect_eq(strlen(first.replid), 40, "%s", first.replid);
	cr_expect_str_empty(first.replid2);
	cr_expect_eq(first.second_offset, -1);

	/* What a promotion does: a new history that names the one before. */
	redis_server_do(&server, "REPLICAOF 127.0.0.1 1");
	redis_server_do(&server, "REPLICAOF NO ONE");
	redis_fail(f.redis, "a test");
	wait_for(&f, is_up, 2, "the return");
	cr_expect_str_eq(redis_identity(f.redis)->run_id, first.run_id);
	cr_expect_str_neq(redis_identity(f.redis)->replid, first.replid);
	cr_expect_str_eq(redis_identity(f.redis)->replid2, first.replid);
	cr_expect_geq(redis_identity(f.redis)->second_offset, 0);

	redis_server_restart(&server);
	wait_for(&f, is_up, 3, "the return");
	cr_expect_str_neq(redis_identity(f.redis)->run_id, first.run_id);
	close_fixture(&f);
	redis_server_stop(&server);
}

Test(redis, leaves_a_replica_until_it_is_master)
{
	struct redis_server server;
	struct fixture f;

	redis_server_start(&server, NULL);
	redis_server_do(&server, "REPLICAOF 127.0.0.1 1");
	open_on_socket(&f, server.socket);
	wait_for(&f, is_down, 1, "the refusal");
	run_turns(&f.loop, 300); /* several further tries */
	cr_expect_eq(f.ups, 0);
	redis_server_do(&server, "REPLICAOF NO ONE");
	wait_for(&f, is_up, 1, "the connection");
	close_fixture(&f);
	redis_server_stop(&server);
}

Test(redis, uses_a_server_that_may_not_say_who_it_is)
{
	struct redis_server server;
	struct fixture f;

	redis_server_start(&server, NULL);
	redis_server_do(&server, "ACL SETUSER default -info -role");
	open_on_socket(&f, server.socket);
	wait_for(&f, is_up, 1, "the connection");
	cr_expect_str_empty(redis_identity(f.redis)->run_id);
	cr_expect_str_empty(redis_identity(f.redis)->replid);
	close_fixture(&f);
	redis_server_stop(&server);
}

Test(redis_identity, believes_only_what_can_be_an_id)
{
	static const struct {
		const char *info;
		const char *run_id;
		const char *replid;
		const char *replid2;
		int64_t second_offset;
	} cases[] = {
		{ "# Server\r\nrun_id:ab\r\nmaster_replid:cd\r\nmaster_replid2:ef\r\n"
		  "second_repl_offset:7\r\n",
		  "ab", "cd", "ef", 7 },
		{ "run_id:ab", "ab", "", "", -1 },
		{ "", "", "", "", -1 },
		{ "run_id:\r\nmaster_replid\n\n:\n", "", "", "", -1 },
		{ "master_replid:cd\r\n"
		  "master_replid2:0000000000000000000000000000000000000000\r\n"
		  "second_repl_offset:-1\r\n",
		  "", "cd", "", -1 },
		{ "run_id:123456789012345678901234567890123456789012345678\n"
		  "second_repl_offset:9223372036854775808\n",
		  "", "", "", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct redis_identity got;

		redis_identity_parse(str_of(cases[i].info), &got);
		cr_expect_str_eq(got.run_id, cases[i].run_id, "%s", cases[i].info);
		cr_expect_str_eq(got.replid, cases[i].replid, "%s", cases[i].info);
		cr_expect_str_eq(got.replid2, cases[i].replid2, "%s", cases[i].info);
		cr_expect_eq(got.second_offset, cases[i].second_offset, "%s", cases[i].info);
	}
}
