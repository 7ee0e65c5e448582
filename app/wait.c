/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `wait`: blocks until one event, through GET /v1/events/wait (contract b.6). Asks again with the
 * returned cursor until the time is up, and again after a lost connection, so that neither a
 * restart of the service nor a proxy's time-out can lose the event.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/client.h"
#include "app/command.h"
#include "core/backoff.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/rfc3339.h"
#include "core/utf8.h"

#define ANSWER_LIMIT       (1024 * 1024)
#define LONGEST_ASK_S      60
#define DEFAULT_TIMEOUT_MS (10 * 60 * 1000)

static const char usage[] =
	"Usage: wrenn-events wait KIND [--resource ID] [--since WHEN] [--timeout TIME] "
	"[OPTION...]\n"
	"\n"
	"Waits for the first event of that kind and prints it as JSON. Exit code: 0 outcome\n"
	"success (or none), 1 outcome error or the wait failed, 124 the time is up.\n"
	"\n"
	"  --resource ID     capsule or host id, or snapshot name\n"
	"  --outcome OUTCOME success or error only\n"
	"  --since WHEN      from an RFC 3339 time, from so long ago (90s, 10m, 2h), or "
	"`earliest`;\n"
	"                    without it, from now on\n"
	"  --timeout TIME    how long, 90s or 10m (10m)\n" CLIENT_USAGE;

struct wait {
	struct client client;
	struct buf body;
	char cursor[64]; /* from X-Wrenn-Cursor of the last answer */
	int64_t started_ms;
	int64_t deadline_ms;
};

/* libcurl's type has no const. NOLINTNEXTLINE(readability-non-const-parameter) */
static size_t on_body(char *bytes, size_t size, size_t count, void *owner)
{
	struct wait *wait = owner;

	buf_add(&wait->body, bytes, size * count);
	return wait->body.err ? 0 : size * count;
}

/* NOLINTNEXTLINE(readability-non-const-parameter) */
static size_t on_header(char *bytes, size_t size, size_t count, void *owner)
{
	struct wait *wait = owner;
	struct str value = { .at = bytes, .len = size * count };
	struct str name = str_cut(&value, ':');

	if (value.at && str_eq_nocase(name, STR("X-Wrenn-Cursor"))) {
		value = str_trim(value);
		snprintf(wait->cursor, sizeof(wait->cursor), "%.*s", STR_ARGS(value));
	}
	return size * count;
}

static int64_t left_ms(const struct wait *wait)
{
	return wait->deadline_ms - clock_mono_ms();
}

/* Without a cursor of our own yet, a repeated request must still cover the time since the first
 * one. A duration is counted on the service's clock, so ours may be wrong. */
static void cover_lost_time(const struct wait *wait, char *out, size_t size)
{
	int64_t lost_ms = clock_mono_ms() - wait->started_ms;

	out[0] = '\0';
	if (wait->client.last_id.len == 0 && !wait->client.since && lost_ms > 0)
		snprintf(out, size, "&since=%jds", (intmax_t)lost_ms / 1000 + 1);
}

/* HTTP status, or 0 when nothing could be reached. */
static long ask(struct wait *wait, bool is_repeat)
{
	CURL *curl = wait->client.curl;
	int64_t seconds = (left_ms(wait) + 999) / 1000;
	char since[48] = "";
	char extra[96];
	long status = 0;

	if (seconds > LONGEST_ASK_S)
		seconds = LONGEST_ASK_S;
	if (is_repeat)
		cover_lost_time(wait, since, sizeof(since));
	snprintf(extra, sizeof(extra), "timeout=%jd%s", (intmax_t)seconds, since);
	buf_reset(&wait->body);

	struct curl_slist *headers = client_prepare(&wait->client, "/v1/events/wait", extra);

	if (!headers)
		return 0;
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, wait);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, wait);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(seconds * 1000 + 15000));
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	return status;
}

static void print_cause(const cJSON *event)
{
	const char *error = json_get_string(event, "error");
	const char *reason = json_get_string(json_get(event, "metadata"), "reason");
	struct buf line;

	buf_init(&line, 8192);
	utf8_clean(&line, str_of(reason ? reason : "failed"), 1024, false);
	if (error) {
		buf_add_text(&line, ": ");
		utf8_clean(&line, str_of(error), 4096, false);
	}
	fprintf(stderr, "wrenn-events: %.*s\n", STR_ARGS(buf_str(&line)));
	buf_done(&line);
}

static int take_event(const struct wait *wait)
{
	cJSON *event = NULL;
	struct str body = str_trim(buf_str(&wait->body));

	if (json_parse(body, ANSWER_LIMIT, &event, NULL) < 0)
		return command_fault(EXIT_FAILED, "the service's answer is no JSON");
	printf("%.*s\n", STR_ARGS(body));

	const char *outcome = json_get_string(event, "outcome");
	bool failed = outcome && strcmp(outcome, "error") == 0;

	if (failed)
		print_cause(event);
	cJSON_Delete(event);
	return failed ? EXIT_FAILED : EXIT_GOOD;
}

static void keep_cursor(struct wait *wait)
{
	if (!wait->cursor[0])
		return;
	buf_reset(&wait->client.last_id);
	buf_add_text(&wait->client.last_id, wait->cursor);
}

static void pause_before_repeat(const struct wait *wait, struct backoff *backoff)
{
	int64_t pause_ms = backoff_next_ms(backoff);

	if (pause_ms > left_ms(wait))
		pause_ms = left_ms(wait);
	if (pause_ms > 0)
		nanosleep(&(struct timespec){ .tv_sec = pause_ms / 1000,
					      .tv_nsec = pause_ms % 1000 * 1000000 },
			  NULL);
}

static int wait_for_event(struct wait *wait)
{
	struct backoff backoff = { .first_ms = 200, .max_ms = 5000 };
	char fault[512] = "the service cannot be reached";
	bool is_repeat = false;

	while (left_ms(wait) > 0) {
		long status = ask(wait, is_repeat);

		is_repeat = true;
		if (status == 200)
			return take_event(wait);
		if (status == 204) {
			keep_cursor(wait);
			backoff_reset(&backoff);
			fault[0] = '\0';
			continue;
		}
		if (status != 0)
			client_describe(status, str_trim(buf_str(&wait->body)), fault,
					sizeof(fault));
		/* What is wrong with the request stays wrong; 429 and 5xx may pass. */
		if (status >= 300 && status < 500 && status != 429 && status != 408)
			return command_fault(EXIT_FAILED, "%s", fault);
		pause_before_repeat(wait, &backoff);
	}
	return command_fault(EXIT_TIMED_OUT, "timed out%s%s", fault[0] ? ": " : "", fault);
}

static int read_flags(int argc, char **argv, struct wait *wait, int64_t *timeout_ms)
{
	static const struct option options[] = {
		{ "timeout", required_argument, NULL, 't' },
		CLIENT_OPTIONS,
		{ 0 },
	};
	int flag;

	while ((flag = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (client_take_flag(&wait->client, flag, optarg))
			continue;
		if (flag != 't')
			return EXIT_USAGE;
		if (duration_parse(str_of(optarg), timeout_ms) < 0 || *timeout_ms == 0)
			return command_fault(EXIT_USAGE, "--timeout wants 90s or 10m, not \"%s\"",
					     optarg);
	}
	if (optind + 1 != argc)
		return command_fault(EXIT_USAGE, "wait needs one KIND; see --help");
	client_take_flag(&wait->client, CLIENT_EVENT, argv[optind]);
	return client_check(&wait->client);
}

static int run(int argc, char **argv)
{
	struct wait wait = { .started_ms = clock_mono_ms() };
	int64_t timeout_ms = DEFAULT_TIMEOUT_MS;
	int code = client_open(&wait.client);

	buf_init(&wait.body, ANSWER_LIMIT);
	if (code == EXIT_GOOD)
		code = read_flags(argc, argv, &wait, &timeout_ms);
	wait.deadline_ms = wait.started_ms + timeout_ms;
	if (code == EXIT_GOOD)
		code = wait_for_event(&wait);
	buf_done(&wait.body);
	client_close(&wait.client);
	return code;
}

const struct command wait_command = {
	.name = "wait",
	.summary = "wait for one event, such as a finished snapshot",
	.usage = usage,
	.run = run,
};
