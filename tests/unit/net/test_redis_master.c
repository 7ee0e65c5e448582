/* SPDX-License-Identifier: Apache-2.0 */

/* All connections of a process agree on one server, however that one changes. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/net.h"
#include "tests/support/liar.h"
#include "tests/support/redis_server.h"

#define MEMBERS 3

/* One connection; the last of a crew only listens. */
struct member {
	struct redis *redis;
	int ups;
	int downs;
	bool listens;
};

struct crew {
	uv_loop_t loop;
	struct redis_address address;
	struct redis_master *master;
	struct redis_sentinel *sentinel;
	struct member members[MEMBERS];
	int closed;
	bool nobody_listens;
	char run_id[REDIS_ID_SIZE]; /* that all shall be at */
	char link[120];             /* the name that moves from one server's socket to another's */
};

static void ignore_message(struct str message, void *owner)
{
	(void)message;
	(void)owner;
}

static void on_up(void *owner)
{
	struct member *member = owner;

	member->ups++;
	if (member->listens)
		cr_assert_eq(redis_subscribe(member->redis, "c", ignore_message, member), 0);
}

static void on_down(void *owner)
{
	((struct member *)owner)->downs++;
}

static void on_closed(void *owner)
{
	((struct crew *)owner)->closed++;
}

static bool all_closed(void *owner)
{
	return ((struct crew *)owner)->closed == MEMBERS + 1;
}

static bool all_are_at(void *owner)
{
	struct crew *crew = owner;

	for (int i = 0; i < MEMBERS; i++) {
		struct redis *redis = crew->members[i].redis;

		if (!redis_is_up(redis) || strcmp(redis_identity(redis)->run_id, crew->run_id) != 0)
			return false;
	}
	return true;
}

static bool all_were_lost(void *owner)
{
	struct crew *crew = owner;

	for (int i = 0; i < MEMBERS; i++) {
		if (crew->members[i].downs == 0)
			return false;
	}
	return true;
}

static void open_crew(struct crew *crew, const char *url)
{
	struct redis_settings settings = { .url = url, .sentinel_password = "wache" };
	struct reason why = { .text = "" };

	cr_assert_eq(uv_loop_init(&crew->loop), 0);
	cr_assert_eq(redis_address_read(&settings, &crew->address, &why), 0, "%s", why.text);
	cr_assert_eq(redis_master_open(&crew->loop, &crew->address, &crew->master), 0);
	cr_assert_eq(
		redis_sentinel_open(&crew->loop, &crew->address, crew->master, &crew->sentinel), 0);
	for (int i = 0; i < MEMBERS; i++) {
		struct member *member = &crew->members[i];

		*member = (struct member){ .listens = i == MEMBERS - 1 && !crew->nobody_listens };
		cr_assert_eq(redis_open(&(struct redis_options){ .loop = &crew->loop,
								 .address = &crew->address,
								 .master = crew->master,
								 .name = "member",
								 .on_up = on_up,
								 .on_down = on_down,
								 .owner = member },
					&member->redis),
			     0);
	}
}

static void close_crew(struct crew *crew)
{
	for (int i = 0; i < MEMBERS; i++)
		redis_close(crew->members[i].redis, on_closed, crew);
	redis_sentinel_close(crew->sentinel, NULL, NULL);
	redis_master_close(crew->master, on_closed, crew);
	cr_expect_eq(crew->closed, 0, "never from within the call");
	run_until(&crew->loop, all_closed, crew, "the end");
	uv_run(&crew->loop, UV_RUN_DEFAULT);
	cr_assert_eq(uv_loop_close(&crew->loop), 0);
	redis_address_done(&crew->address);
}

static void read_run_id(struct redis_server *server, char out[REDIS_ID_SIZE])
{
	redisReply *reply = redis_server_ask(server, "INFO server");
	const char *found = strstr(reply->str, "run_id:");

	cr_assert(found);
	snprintf(out, 41, "%s", found + strlen("run_id:"));
	freeReplyObject(reply);
}

static void wait_until_at(struct crew *crew, struct redis_server *server, const char *what)
{
	read_run_id(server, crew->run_id);
	run_until(&crew->loop, all_are_at, crew, what);
}

/* Moves the name, as DNS or a load balancer does. */
static void point_to(struct crew *crew, const struct redis_server *server)
{
	static int count;

	if (!crew->link[0])
		snprintf(crew->link, sizeof(crew->link), "%s/link-%d-%d", getenv("TEST_DIR"),
			 (int)getpid(), count++);
	unlink(crew->link);
	cr_assert_eq(symlink(server->socket, crew->link), 0);
}

static void open_crew_at(struct crew *crew, struct redis_server *server)
{
	char url[140];

	point_to(crew, server);
	snprintf(url, sizeof(url), "unix://%s", crew->link);
	open_crew(crew, url);
	wait_until_at(crew, server, "the first server");
}

/* The second holds what the first does, and is promoted without the first being told. */
static void promote_copy(struct redis_server *first, struct redis_server *second)
{
	bool is_copied = false;

	redis_server_do(second, "REPLICAOF 127.0.0.1 %d", redis_server_listen(first, "port"));
	while (!is_copied) {
		redisReply *reply = redis_server_ask(second, "INFO replication");

		is_copied = strstr(reply->str, "master_link_status:up") != NULL;
		freeReplyObject(reply);
	}
	redis_server_do(second, "REPLICAOF NO ONE");
}

/* ---- agreement ------------------------------------------------------------------------- */

Test(redis_master, when_one_connection_finds_another_server_all_others_follow_at_once)
{
	struct redis_server first;
	struct redis_server second;
	struct crew crew = { .closed = 0 };

	redis_server_start(&first, NULL);
	redis_server_start(&second, NULL);
	open_crew_at(&crew, &first);
	point_to(&crew, &second);
	redis_fail(crew.members[0].redis, "a test");
	wait_until_at(&crew, &second, "the second server");
	for (int i = 0; i < MEMBERS; i++)
		cr_expect_eq(crew.members[i].downs, 1, "member %d", i);
	close_crew(&crew);
	redis_server_stop(&first);
	redis_server_stop(&second);
}

Test(redis_master, a_replaced_master_is_refused_as_long_as_its_successor_is_there)
{
	struct redis_server first;
	struct redis_server second;
	struct crew crew = { .closed = 0 };

	redis_server_start(&first, NULL);
	redis_server_start(&second, NULL);
	promote_copy(&first, &second);
	open_crew_at(&crew, &second);

	point_to(&crew, &first);
	redis_fail(crew.members[0].redis, "a test");
	run_turns(&crew.loop, 500);
	cr_expect_not(redis_is_up(crew.members[0].redis));
	cr_expect_neq(strstr(redis_fault(crew.members[0].redis), "replaced"), NULL, "%s",
		      redis_fault(crew.members[0].redis));
	cr_expect_eq(crew.members[1].downs, 0);

	redis_server_kill(&second);
	wait_until_at(&crew, &first, "the first server, the only one that is left");
	close_crew(&crew);
	redis_server_stop(&first);
	redis_server_stop(&second);
}

Test(redis_master, a_demoted_master_is_noticed_by_all_within_seconds)
{
	struct redis_server first;
	struct redis_server second;
	struct crew crew = { .closed = 0 };

	redis_server_start(&first, NULL);
	redis_server_start(&second, NULL);
	open_crew_at(&crew, &first);
	point_to(&crew, &second);
	redis_server_do(&first, "REPLICAOF 127.0.0.1 1");
	wait_until_at(&crew, &second, "the second server");
	close_crew(&crew);
	redis_server_stop(&first);
	redis_server_stop(&second);
}

Test(redis_master, a_frozen_master_is_noticed_by_all_within_seconds)
{
	struct redis_server first;
	struct redis_server second;
	struct crew crew = { .nobody_listens = true }; /* a listening connection sends PINGs */

	redis_server_start(&first, NULL);
	redis_server_start(&second, NULL);
	open_crew_at(&crew, &first);
	point_to(&crew, &second);
	cr_assert_eq(kill(first.pid, SIGSTOP), 0);
	wait_until_at(&crew, &second, "the second server");
	kill(first.pid, SIGCONT);
	run_turns(&crew.loop, 300);
	cr_expect(all_are_at(&crew), "nobody goes back");
	close_crew(&crew);
	redis_server_stop(&first);
	redis_server_stop(&second);
}

Test(redis_master, without_info_and_role_all_goes_on_as_it_is)
{
	struct redis_server server;
	struct crew crew;

	redis_server_start(&server, NULL);
	redis_server_do(&server, "ACL SETUSER default -info -role");
	crew = (struct crew){ .closed = 0 };
	point_to(&crew, &server);

	char url[140];

	snprintf(url, sizeof(url), "unix://%s", crew.link);
	open_crew(&crew, url);
	run_until(&crew.loop, all_are_at, &crew, "the server"); /* which says nothing of a run id */
	close_crew(&crew);
	redis_server_stop(&server);
}

/* ---- Sentinel -------------------------------------------------------------------------- */

/* First a port where nobody is, then the sentinel. */
static void open_crew_by_sentinel(struct crew *crew, int sentinel_port, const char *name)
{
	char url[140];

	*crew = (struct crew){ .closed = 0 };
	snprintf(url, sizeof(url), "redis+sentinel://:geheim@127.0.0.1:1,localhost:%d/%s/2",
		 sentinel_port, name);
	open_crew(crew, url);
}

static void start_replicated(struct redis_server *first, struct redis_server *second,
			     int *out_first_port)
{
	static const char *const same[] = { "--masterauth", "geheim", NULL };

	redis_server_start_with(first, "geheim", same);
	redis_server_start_with(second, "geheim", same);
	*out_first_port = redis_server_listen(first, "port");
	redis_server_listen(second, "port");
	redis_server_do(second, "REPLICAOF 127.0.0.1 %d", *out_first_port);
}

static void await_replica(struct redis_server *sentinel)
{
	bool is_known = false;

	while (!is_known) {
		redisReply *reply = redis_server_ask(sentinel, "SENTINEL REPLICAS events");

		is_known = reply->type == REDIS_REPLY_ARRAY && reply->elements == 1;
		freeReplyObject(reply);
	}
}

Test(redis_master, follows_the_sentinels_from_a_frozen_master_to_its_successor)
{
	struct redis_server first;
	struct redis_server second;
	struct redis_server sentinel;
	struct crew crew;
	int first_port;
	int sentinel_port;

	start_replicated(&first, &second, &first_port);
	redis_server_start_sentinel(&sentinel, "wache", first_port, NULL, &sentinel_port);
	redis_server_do(&sentinel, "SENTINEL SET events auth-pass geheim");
	open_crew_by_sentinel(&crew, sentinel_port, "events");
	wait_until_at(&crew, &first, "the first master");
	await_replica(&sentinel);

	cr_assert_eq(kill(first.pid, SIGSTOP), 0);
	wait_until_at(&crew, &second, "the second master");
	kill(first.pid, SIGCONT); /* it thinks that it is master still */
	run_turns(&crew.loop, 300);
	cr_expect(all_are_at(&crew), "nobody goes back");
	close_crew(&crew);
	redis_server_stop(&sentinel);
	redis_server_stop(&first);
	redis_server_stop(&second);
}

Test(redis_master, goes_where_the_sentinels_say_while_the_old_master_answers_as_ever)
{
	struct redis_server first;
	struct redis_server second;
	struct redis_server sentinel;
	struct crew crew;
	int sentinel_port;

	redis_server_start(&first, "geheim");
	redis_server_start(&second, "geheim");
	redis_server_start_sentinel(&sentinel, "wache", redis_server_listen(&first, "port"), NULL,
				    &sentinel_port);
	open_crew_by_sentinel(&crew, sentinel_port, "events");
	wait_until_at(&crew, &first, "the first master");
	redis_server_do(&sentinel, "SENTINEL REMOVE events");
	redis_server_do(&sentinel, "SENTINEL MONITOR events 127.0.0.1 %d 1",
			redis_server_listen(&second, "port"));
	wait_until_at(&crew, &second, "the second master");
	close_crew(&crew);
	redis_server_stop(&sentinel);
	redis_server_stop(&first);
	redis_server_stop(&second);
}

Test(redis_master, says_when_no_sentinel_knows_the_name_or_lets_us_in)
{
	struct redis_server first;
	struct redis_server sentinel;
	struct crew crew;
	int first_port;
	int sentinel_port;

	redis_server_start(&first, NULL);
	first_port = redis_server_listen(&first, "port");
	redis_server_start_sentinel(&sentinel, "wache", first_port, NULL, &sentinel_port);
	open_crew_by_sentinel(&crew, sentinel_port, "others");
	run_until(&crew.loop, all_were_lost, &crew, "the news of it");
	for (int i = 0; i < MEMBERS; i++)
		cr_expect_neq(strstr(redis_fault(crew.members[i].redis),
				     "no sentinel has named the master: "),
			      NULL, "%s", redis_fault(crew.members[i].redis));
	close_crew(&crew);
	redis_server_stop(&sentinel);
	redis_server_stop(&first);
}

static bool was_asked(void *owner)
{
	return ((struct liar *)owner)->answers > 0;
}

static bool has_host(void *owner)
{
	return redis_master_host(owner) != NULL;
}

static bool has_fault(void *owner)
{
	return redis_master_fault(owner)[0] != '\0';
}

Test(redis_master, believes_no_sentinel_that_talks_nonsense)
{
	static const char *const answers[] = {
		"+OK\r\n",
		"*0\r\n",
		"*-1\r\n",
		"-IDONTKNOW yet\r\n",
		"*1\r\n$9\r\n127.0.0.1\r\n",
		"*2\r\n$9\r\n127.0.0.1\r\n:6379\r\n",
		"*2\r\n$9\r\n127.0.0.1\r\n$1\r\n0\r\n",
		"*2\r\n$9\r\n127.0.0.1\r\n$5\r\n65536\r\n",
		"*2\r\n$9\r\n127.0.0.1\r\n$2\r\n-1\r\n",
		"*2\r\n$9\r\n127.0.0.1\r\n$-1\r\n",
		"*2\r\n$0\r\n\r\n$4\r\n6379\r\n",
		"*2\r\n$3\r\na b\r\n$4\r\n6379\r\n",
		"*2\r\n$4\r\na\r\nb\r\n$4\r\n6379\r\n",
		"*2\r\n$7\r\nhost/db\r\n$4\r\n6379\r\n",
		"*3\r\n$1\r\nh\r\n$4\r\n6379\r\n$1\r\nx\r\n",
	};

	for (size_t i = 0; i <= ARRAY_LEN(answers); i++) {
		bool is_good = i == ARRAY_LEN(answers);
		struct redis_address address = { .host_count = 1, .master_name = "events" };
		struct redis_master *master;
		struct redis_sentinel *sentinel;
		struct liar liar;
		uv_loop_t loop;

		cr_assert_eq(uv_loop_init(&loop), 0);
		liar_start_on_port(&liar, &loop, LIAR_GOOD_GREETING,
				   is_good ? "*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6379\r\n"
					   : answers[i]);
		snprintf(address.hosts[0].name, sizeof(address.hosts[0].name), "127.0.0.1");
		address.hosts[0].port = liar.port;
		cr_assert_eq(redis_master_open(&loop, &address, &master), 0);
		cr_assert_eq(redis_sentinel_open(&loop, &address, master, &sentinel), 0);
		run_until(&loop, was_asked, &liar, "the query");
		run_until(&loop, is_good ? has_host : has_fault, master, "its answer");
		cr_expect_eq(redis_master_host(master) != NULL, is_good, "%zu", i);
		liar_stop(&liar);
		redis_sentinel_close(sentinel, NULL, NULL);
		redis_master_close(master, NULL, NULL);
		uv_run(&loop, UV_RUN_DEFAULT);
		cr_assert_eq(uv_loop_close(&loop), 0);
	}
}

/* ---- a node of a cluster --------------------------------------------------------------- */

static bool is_decided(void *owner)
{
	struct member *member = owner;

	return member->ups + member->downs > 0;
}

static void ignore_reply(const redisReply *reply, void *owner)
{
	(void)reply;
	(void)owner;
}

static bool is_down(void *owner)
{
	return ((struct member *)owner)->downs > 0;
}

Test(redis_cluster, one_shard_will_do_and_several_are_refused_in_words)
{
	static const char greeting[] = "+OK\r\n$17\r\ncluster_enabled:1\r\n-NOPERM\r\n+PONG\r\n";
	static const struct {
		const char *then;
		bool is_good;
	} cases[] = {
		{ "$37\r\ncluster_state:ok\r\ncluster_size:1\r\nx:y\r\n", true },
		{ "-NOPERM\r\n", true },
		{ "$37\r\ncluster_state:ok\r\ncluster_size:3\r\nx:y\r\n", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct member member = { .ups = 0 };
		struct redis_address address = { .db = 0 };
		struct liar liar;
		uv_loop_t loop;

		cr_assert_eq(uv_loop_init(&loop), 0);
		liar_start(&liar, &loop, greeting, cases[i].then);
		snprintf(address.path, sizeof(address.path), "%s", liar.path);
		cr_assert_eq(redis_open(&(struct redis_options){ .loop = &loop,
								 .address = &address,
								 .name = "node",
								 .on_up = on_up,
								 .on_down = on_down,
								 .owner = &member },
					&member.redis),
			     0);
		run_until(&loop, is_decided, &member, cases[i].then);
		cr_expect_eq(member.ups == 1, cases[i].is_good, "%s", cases[i].then);
		if (!cases[i].is_good)
			cr_expect_neq(strstr(redis_fault(member.redis), "shards"), NULL, "%s",
				      redis_fault(member.redis));
		liar_stop(&liar);
		redis_close(member.redis, NULL, NULL);
		uv_run(&loop, UV_RUN_DEFAULT);
		cr_assert_eq(uv_loop_close(&loop), 0);
	}
}

Test(redis_cluster, an_answer_of_another_shard_ends_the_connection_in_words)
{
	struct member member = { .ups = 0 };
	struct redis_address address = { .db = 0 };
	struct liar liar;
	uv_loop_t loop;

	cr_assert_eq(uv_loop_init(&loop), 0);
	liar_start(&liar, &loop, LIAR_GOOD_GREETING, "-MOVED 3999 10.0.0.7:6381\r\n");
	snprintf(address.path, sizeof(address.path), "%s", liar.path);
	cr_assert_eq(redis_open(&(struct redis_options){ .loop = &loop,
							 .address = &address,
							 .name = "node",
							 .on_up = on_up,
							 .on_down = on_down,
							 .owner = &member },
				&member.redis),
		     0);
	run_until(&loop, is_decided, &member, "the connection");
	cr_assert_eq(redis_send_text(member.redis, 1000, ignore_reply, NULL, "GET", "x", NULL), 0);
	run_until(&loop, is_down, &member, "the loss");
	cr_expect_neq(strstr(redis_fault(member.redis), "several shards"), NULL);
	cr_expect_neq(strstr(redis_fault(member.redis), "MOVED 3999 10.0.0.7:6381"), NULL);
	liar_stop(&liar);
	redis_close(member.redis, NULL, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_assert_eq(uv_loop_close(&loop), 0);
}
