/* SPDX-License-Identifier: Apache-2.0 */

/* What `doctor` says of a Redis, a disk and a network that a test machine does not have: an old
 * version, a group that lags, a disk that is nearly full, no way to port 443. */
#include <criterion/criterion.h>
#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/doctor_checks.h"
#include "core/buf.h"
#include "tests/support/liar.h"

#define MIB    1048576UL
#define DENIED "-NOPERM\r\n"

static uint64_t free_mib;

/* Replaces the C library's. */
int statvfs(const char *path, struct statvfs *out)
{
	cr_expect_str_eq(path, "/nowhere/store.db");
	*out = (struct statvfs){ .f_frsize = MIB, .f_bfree = 1000000, .f_bavail = free_mib };
	return 0;
}

static CURLcode handshake;

/* Replaces libcurl's. */
CURLcode curl_easy_perform(CURL *easy)
{
	cr_expect(easy);
	return handshake;
}

struct false_redis {
	uv_loop_t loop;
	uv_async_t end;
	uv_thread_t thread;
	struct liar liar;
	struct liar_lie lies[4];
	char url[128];
};

static void serve(void *arg)
{
	uv_run(&((struct false_redis *)arg)->loop, UV_RUN_DEFAULT);
}

static void on_end(uv_async_t *end)
{
	struct false_redis *redis = end->data;

	liar_stop(&redis->liar);
	uv_close((uv_handle_t *)end, NULL);
}

struct answers {
	const char *info;
	const char *length;
	const char *groups;
};

/* Asks a Redis with these answers. Everything else is denied. */
static void examine(const struct answers *answers, struct findings *out)
{
	struct false_redis redis = {
		.lies = { { .to = "XLEN", .answer = answers->length },
			  { .to = "XINFO", .answer = answers->groups },
			  { .to = "INFO", .answer = answers->info } },
	};
	const struct config config = { .redis_url = redis.url, .group = "ours" };

	cr_assert_eq(uv_loop_init(&redis.loop), 0);
	cr_assert_eq(uv_async_init(&redis.loop, &redis.end, on_end), 0);
	redis.end.data = &redis;
	liar_start(&redis.liar, &redis.loop, LIAR_GOOD_GREETING, DENIED);
	redis.liar.lies = redis.lies;
	snprintf(redis.url, sizeof(redis.url), "unix://%s", redis.liar.path);
	cr_assert_eq(uv_thread_create(&redis.thread, serve, &redis), 0);
	findings_init(out, false);
	doctor_check_redis(out, &config);
	uv_async_send(&redis.end);
	uv_thread_join(&redis.thread);
	cr_expect_eq(uv_loop_close(&redis.loop), 0);
}

static void expect_line(struct findings *findings, const char *line)
{
	cr_expect_neq(strstr(buf_text(&findings->out), line), NULL, "no line \"%s\" in\n%s", line,
		      buf_text(&findings->out));
}

static void expect_version(const char *version, const char *line)
{
	char text[128];
	char info[160];
	struct findings findings;

	snprintf(text, sizeof(text), "# Server\r\nredis_version:%s\r\nrole:master\r\n", version);
	snprintf(info, sizeof(info), "$%zu\r\n%s\r\n", strlen(text), text);
	examine(&(struct answers){ info, ":10\r\n", "*0\r\n" }, &findings);
	expect_line(&findings, line);
	findings_done(&findings);
}

Test(doctor, finds_a_redis_that_is_too_old)
{
	expect_version("5.0.14", "fault   redis version       5.0.14; upgrade Redis to 6.2");
	expect_version("6.0.16", "fault   redis version       6.0.16; upgrade Redis to 6.2");
	expect_version("6.2.0", "ok      redis version       6.2.0\n");
	expect_version("7.0.15", "ok      redis version       7.0.15\n");
	expect_version("10.1.0", "ok      redis version       10.1.0\n");
}

Test(doctor, names_what_a_denied_info_hides)
{
	struct findings findings;

	examine(&(struct answers){ DENIED, ":10\r\n", "*0\r\n" }, &findings);
	expect_line(&findings, "warning redis server        INFO is denied");
	expect_line(&findings, "grant the user of REDIS_URL +info and +role\n");
	findings_done(&findings);
}

static void expect_lag(const char *lag, const char *line)
{
	char groups[256];
	struct findings findings;

	snprintf(groups, sizeof(groups),
		 "*2\r\n*6\r\n$4\r\nname\r\n$5\r\nother\r\n$7\r\npending\r\n:0\r\n$3\r\nlag\r\n:"
		 "0\r\n"
		 "*6\r\n$4\r\nname\r\n$4\r\nours\r\n$7\r\npending\r\n:3\r\n$3\r\nlag\r\n%s\r\n",
		 lag);
	examine(&(struct answers){ DENIED, ":10\r\n", groups }, &findings);
	expect_line(&findings, line);
	findings_done(&findings);
}

Test(doctor, finds_a_group_that_loses_entries_soon)
{
	expect_lag(":9001", "fault   consumer group      ours: 9001 entries not read, 3 not "
			    "acknowledged; start a worker");
	expect_lag(":9000", "ok      consumer group      ours: 9000 entries not read, 3 not "
			    "acknowledged\n");
	expect_lag("$-1", "warning consumer group      ours: unknown how many");
}

static void expect_length(const char *length, const char *line)
{
	struct findings findings;

	examine(&(struct answers){ DENIED, length, "*0\r\n" }, &findings);
	expect_line(&findings, line);
	findings_done(&findings);
}

Test(doctor, warns_of_a_stream_that_nobody_trims)
{
	expect_length(":20000\r\n", "ok      stream              20000 entries\n");
	expect_length(":20001\r\n",
		      "warning stream              20001 entries; publish with MAXLEN");
	expect_length(DENIED, "fault   stream              0 entries; grant the user of REDIS_URL");
}

static void expect_disk(uint64_t mib, const char *line)
{
	const struct config config = { .database_url = "sqlite:/nowhere/store.db" };
	struct findings findings;

	free_mib = mib;
	findings_init(&findings, false);
	doctor_check_store(&findings, &config);
	expect_line(&findings, line);
	findings_done(&findings);
}

Test(doctor, warns_of_a_disk_that_is_nearly_full)
{
	expect_disk(0, "warning free disk           0 MiB; make room, or move the store\n");
	expect_disk(1023, "warning free disk           1023 MiB; make room, or move the store\n");
	expect_disk(1024, "ok      free disk           1024 MiB\n");
}

static void run_doctor(CURLcode result)
{
	char *const argv[] = { "doctor", "--host", "localhost", NULL };

	handshake = result;
	optind = 0;
	cr_expect_eq(doctor_command.run(3, (char **)argv), EXIT_FAILED, "Redis is not there");
}

Test(doctor, says_whether_destinations_can_be_reached)
{
	static const char *const lines[] = {
		"ok      outgoing TLS        localhost: connected and verified\n",
		"; install ca-certificates, or set WRENN_EVENTS_CA_FILE\n",
		"; let this machine connect to port 443 of destinations\n",
	};
	char said[8192] = "";
	int out = memfd_create("said", 0);

	setenv("WRENN_ENCRYPTION_KEY",
	       "00000000000000000000000000000000000000000000000000000000000000aa", 1);
	setenv("REDIS_URL", "unix:///nowhere/redis.sock", 1);
	setenv("DATABASE_URL", "sqlite:/nowhere/store.db", 1);
	cr_assert_eq(dup2(out, STDOUT_FILENO), STDOUT_FILENO);
	run_doctor(CURLE_OK);
	run_doctor(CURLE_PEER_FAILED_VERIFICATION);
	run_doctor(CURLE_COULDNT_CONNECT);
	fflush(stdout);
	cr_expect_gt(pread(out, said, sizeof(said) - 1, 0), 0);
	close(out);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		cr_expect_neq(strstr(said, lines[i]), NULL, "no \"%s\" in\n%s", lines[i], said);
}
