/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The lines as they leave. Each test replaces its standard error by a file of its own and
 * reads that back, so it sees exactly the bytes of the writes.
 */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/log.h"
#include "core/utf8.h"

#define KEY "wrn_00112233445566778899aabbccddeeff"

static int capture_fd = -1;
static char captured[1 << 20];

static void capture_start(void)
{
	FILE *file = tmpfile();

	cr_assert_not_null(file);
	capture_fd = dup(fileno(file));
	fclose(file);
	cr_assert_geq(dup2(capture_fd, STDERR_FILENO), 0);
}

static const char *capture_read(void)
{
	ssize_t n = pread(capture_fd, captured, sizeof(captured) - 1, 0);

	cr_assert_geq(n, 0);
	captured[n] = '\0';
	return captured;
}

/* What follows the time, which is checked for its shape. */
static const char *capture_rest(const char *line)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:ddZ ";

	for (size_t i = 0; shape[i]; i++) {
		if (shape[i] == 'd')
			cr_assert(line[i] >= '0' && line[i] <= '9', "%s", line);
		else
			cr_assert_eq(line[i], shape[i], "%s", line);
	}
	return line + sizeof(shape) - 1;
}

static cJSON *capture_json(void)
{
	const char *text = capture_read();
	cJSON *json = cJSON_ParseWithOpts(text, NULL, false);

	cr_assert_not_null(json, "%s", text);
	cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1, "one line: %s", text);
	return json;
}

static const char *member(const cJSON *json, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

Test(log_text, is_one_line_for_people, .init = capture_start)
{
	log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG, -1);
	log_warn("redis connection lost", log_str("connection", "tail"), log_int("retry_ms", 250));
	cr_expect_str_eq(capture_rest(capture_read()),
			 "warn redis connection lost connection=tail retry_ms=250\n");
}

Test(log_text, needs_no_fields, .init = capture_start)
{
	log_error("stopped");
	cr_expect_str_eq(capture_rest(capture_read()), "error stopped\n");
}

Test(log_text, shows_the_worker_and_stream_ids, .init = capture_start)
{
	log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_INFO, 3);
	log_info("read", log_stream_id("id", (struct stream_id){ .ms = 1716, .seq = 2 }));
	cr_expect_str_eq(capture_rest(capture_read()), "info read worker=3 id=1716-2\n");
}

Test(log_text, quotes_values_that_could_be_misread, .init = capture_start)
{
	log_info("m", log_str("a", "two words"), log_str("b", ""), log_str("c", "x=y"),
		 log_str("d", "say \"hi\" \\o/"), log_str("e", NULL), log_int("f", INT64_MIN));
	cr_expect_str_eq(
		capture_rest(capture_read()),
		"info m a=\"two words\" b=\"\" c=\"x=y\" d=\"say \\\"hi\\\" \\\\o/\" e=\"\" "
		"f=-9223372036854775808\n");
}

Test(log_line, leaves_out_what_is_below_the_level, .init = capture_start)
{
	log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_WARN, -1);
	log_debug("no");
	log_info("no");
	log_warn("yes");
	cr_expect_str_eq(capture_rest(capture_read()), "warn yes\n");
}

Test(log_json, is_one_object_per_line, .init = capture_start)
{
	log_setup(LOG_FORMAT_JSON, LOG_LEVEL_INFO, 0);
	log_warn("it \"broke\"", log_str("why", "a\"b\\c"), log_int("n", -7),
		 log_stream_id("id", (struct stream_id){ .ms = 5, .seq = 6 }));
	cJSON *json = capture_json();

	cr_expect_eq(strlen(member(json, "time")), strlen("2026-05-24T05:02:08.123456Z"));
	cr_expect_str_eq(member(json, "level"), "warn");
	cr_expect_str_eq(member(json, "message"), "it \"broke\"");
	cr_expect_str_eq(member(json, "why"), "a\"b\\c");
	cr_expect_str_eq(member(json, "id"), "5-6");
	cr_expect_eq(cJSON_GetObjectItemCaseSensitive(json, "n")->valueint, -7);
	cr_expect_eq(cJSON_GetObjectItemCaseSensitive(json, "worker")->valueint, 0);
	cJSON_Delete(json);
}

static void log_hostile_value(void)
{
	const struct str hostile = {
		.at = "a\nb\r\x1b[31m\0c\xff\xe2\x80\xae\xc2\x85\td",
		.len = 19,
	};

	log_info("m", log_slice("v", hostile));
}

Test(log_text, lets_no_value_start_a_line_or_steer_a_terminal, .init = capture_start)
{
	log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_INFO, -1);
	log_hostile_value();
	cr_expect_str_eq(capture_rest(capture_read()), "info m v=ab[31mc\xef\xbf\xbd"
						       "d\n");
}

Test(log_json, stays_valid_with_hostile_values, .init = capture_start)
{
	log_setup(LOG_FORMAT_JSON, LOG_LEVEL_INFO, -1);
	log_hostile_value();
	cJSON *json = capture_json();

	cr_expect_str_eq(member(json, "v"), "ab[31mc\xef\xbf\xbd"
					    "d");
	cJSON_Delete(json);
}

Test(log_line, hides_secrets_in_both_forms, .init = capture_start)
{
	for (int format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
		log_setup((enum log_format)format, LOG_LEVEL_INFO, -1);
		log_info("m", log_str("key", KEY),
			 log_str("url", "https://u:hunter2@h/hunter2?hunter2"),
			 log_str("auth", "Bearer hunter2"), log_str("cookie", "wrenn_sid=hunter2"));
	}
	const char *text = capture_read();
	cr_expect_null(strstr(text, "hunter2"), "%s", text);
	cr_expect_null(strstr(text, "00112233"), "%s", text);
	cr_expect_not_null(strstr(text, "key=[redacted] url=https://[redacted]@h/[redacted]"));
}

Test(log_line, hides_a_key_that_control_characters_split, .init = capture_start)
{
	log_info("m", log_str("v", "wrn_0011223344556677\x01"
				   "8899aabbccddeeff"));
	cr_expect_str_eq(capture_rest(capture_read()), "info m v=[redacted]\n");
}

Test(log_line, loses_nothing_of_a_value_that_grows_by_cleaning, .init = capture_start)
{
	log_info("m", log_str("v", "\xff\xff\xff\xff:end"));
	cr_expect_str_eq(capture_rest(capture_read()), "info m v=\xef\xbf\xbd\xef\xbf\xbd"
						       "\xef\xbf\xbd\xef\xbf\xbd:end\n");
}

Test(log_line, hides_a_key_that_lies_across_the_cut, .init = capture_start)
{
	char value[2048];

	for (size_t before = 980; before < 1030; before++) {
		memset(value, 'x', before);
		memcpy(value + before, KEY, sizeof(KEY));
		log_info("m", log_str("v", value));
	}
	cr_expect_null(strstr(capture_read(), "wrn_"));
}

Test(log_line, cuts_values_between_code_points, .init = capture_start)
{
	char value[4001];

	for (size_t i = 0; i < 4000; i += 2)
		memcpy(value + i, "\xc3\xa9", 3);
	log_info("m", log_str("v", value), log_str("w", value + 1));
	const char *text = capture_rest(capture_read());
	const char *second = strstr(text, " w=");
	cr_assert_not_null(second);
	cr_expect_eq(second - strstr(text, "v="), 2 + 1024);
	cr_expect(utf8_is_valid(str_of(text)));
	cr_expect_geq(strlen(second), strlen(" w=\n") + 1022);
	cr_expect_leq(strlen(second), strlen(" w=\n") + 1024);
}

Test(log_json, drops_the_last_fields_of_a_line_too_long_and_says_so, .init = capture_start)
{
	char value[1025];

	memset(value, '"', 1024);
	value[1024] = '\0';
	log_setup(LOG_FORMAT_JSON, LOG_LEVEL_INFO, -1);
	log_info("m", log_str("a", value), log_str("b", value), log_str("c", value),
		 log_str("d", value), log_str("e", value));
	cr_expect_leq(strlen(capture_read()), 8192);
	cJSON *json = capture_json();
	cr_expect_str_eq(member(json, "c"), value);
	cr_expect_null(member(json, "e"));
	cr_expect_eq(cJSON_GetObjectItemCaseSensitive(json, "cut")->valueint, 1);
	cJSON_Delete(json);
}

Test(log_line, leaves_errno_alone, .init = capture_start)
{
	close(STDERR_FILENO);
	errno = EDOM;
	log_info("nobody hears");
	cr_expect_eq(errno, EDOM);
}

static void *log_much(void *name)
{
	for (int i = 0; i < 500; i++)
		log_info("line", log_str("thread", name), log_str("end", "here"));
	return NULL;
}

/* Appending makes the file behave as a pipe does: each write lands after the last. */
Test(log_line, does_not_mix_the_lines_of_threads, .init = capture_start)
{
	static char names[4][2] = { "a", "b", "c", "d" };
	pthread_t threads[4];
	size_t lines = 0;

	cr_assert_eq(fcntl(STDERR_FILENO, F_SETFL, O_APPEND), 0);
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, log_much, names[i]), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);

	struct str rest = str_of(capture_read());
	while (rest.len) {
		struct str line = str_cut(&rest, '\n');

		cr_assert_eq(line.len, strlen("2026-05-24T05:02:08Z info line thread=a end=here"));
		lines++;
	}
	cr_expect_eq(lines, 2000);
}

/* ---- a reader who stalls ------------------------------------------------------------------ */

/* Standard error becomes a pipe without room for anything more; its other end. */
static int stall(void)
{
	static const char noise[4096];
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	while (write(ends[1], noise, sizeof(noise)) > 0) {
	}
	cr_assert_eq(fcntl(ends[1], F_SETFL, 0), 0);
	cr_assert_geq(dup2(ends[1], STDERR_FILENO), 0);
	close(ends[1]);
	return ends[0];
}

static void *read_all(void *arg)
{
	const int *fd = arg;
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(captured) - 1 &&
	       (n = read(*fd, captured + len, sizeof(captured) - 1 - len)) > 0) {
		/* What filled the pipe before the first line. */
		while (len == 0 && n > 0 && captured[0] == '\0') {
			n--;
			memmove(captured, captured + 1, (size_t)n);
		}
		len += (size_t)n;
	}
	captured[len] = '\0';
	return NULL;
}

Test(log_ring, holds_nobody_up_and_counts_what_does_not_fit)
{
	static const int logged = 20000;
	int fd = stall();
	pthread_t reader;
	int lines = 0;

	log_start();
	for (int i = 0; i < logged; i++)
		log_info("line", log_int("number", i));
	cr_assert_eq(pthread_create(&reader, NULL, read_all, &fd), 0);
	log_stop(60000);
	close(STDERR_FILENO);
	pthread_join(reader, NULL);

	for (const char *at = captured; (at = strstr(at, "line number=")) != NULL; at++)
		lines++;
	cr_expect_gt(lines, 1000);
	const char *lost = strstr(
		captured, "warn log lines were lost because nobody read them in time count=");
	cr_assert_not_null(lost);
	cr_expect_eq(strtol(strchr(lost, '=') + 1, NULL, 10), logged - lines);
}

Test(log_ring, waits_for_a_stalled_reader_no_longer_than_asked)
{
	stall();
	log_start();
	log_info("nobody hears");
	log_stop(50);
	log_info("nor this");
}

Test(log_ring, is_each_process_own, .init = capture_start)
{
	int status;
	pid_t child;

	cr_assert_eq(fcntl(STDERR_FILENO, F_SETFL, O_APPEND), 0);
	log_start();
	/* A thread that is just starting may hold a lock of the sanitizer, which the child would
	 * inherit. */
	log_info("begun");
	while (!strstr(capture_read(), "info begun\n"))
		sched_yield();
	log_info("parent");
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		log_info("child at once");
		log_start();
		log_info("child");
		log_stop(60000);
		_exit(0);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(status, 0);
	log_stop(60000);
	for (const char *const *line =
		     (const char *const[]){ "info parent\n", "info child at once\n", "info child\n",
					    NULL };
	     *line; line++) {
		const char *first = strstr(capture_read(), *line);

		cr_assert_not_null(first, "%s", *line);
		cr_expect_null(strstr(first + 1, *line));
	}
}
