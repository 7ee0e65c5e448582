/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `wait`: waits for one event through GET /v1/events/wait (contract b.6). Repeats the request with
 * the returned cursor until the time is up, and after a lost connection. So neither a restart of
 * the service nor a proxy's timeout can lose the event.
 *
 * The first request is a short one. Its answer turns --since, or "now", into a cursor, and every
 * later request sends that cursor.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/output.h"
#include "core/backoff.h"
#include "core/clock.h"
#include "core/json.h"

#define ANSWER_LIMIT       (1024 * 1024)
#define FIRST_ASK_S        1
#define LONGEST_ASK_S      50 /* proxies time out after 60 */
#define GRACE_MS           10000
#define LAST_GRACE_MS      2000 /* after the deadline, for an answer on its way */
#define DEFAULT_TIMEOUT_MS (10 * 60 * 1000)

static const char usage[] =
	"Usage: wrenn-events wait KIND [--resource ID] [OPTION...]\n"
	"\n"
	"Waits for the first event of that kind and prints it as JSON. Exit code: 0 if\n"
	"its outcome is success or it has none, 1 if its outcome is error, 2 for bad\n"
	"flags or a refused request, 3 if the service does not answer or denies access,\n"
	"124 if the time is up.\n"
	"\n"
	"  --resource ID      capsule or host id, or snapshot name\n"
	"  --outcome OUTCOME  success or error only\n"
	"  --since WHEN       how long ago to begin (60, 90s, 10m, 2h, 1d), an RFC 3339\n"
	"                     time, or `earliest`; default: now\n"
	"  --timeout TIME     how long to wait: 60, 90s or 10m (10m)\n" CLIENT_USAGE "\n"
	"Example: wrenn-events wait template.snapshot.create --resource base --since 1m\n";

struct wait {
	struct client client;
	struct buf body;
	char cursor[64];  /* X-Wrenn-Cursor of the last answer */
	bool has_asked;   /* at least one request was sent */
	bool was_reached; /* at least one answer arrived */
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

static int64_t seconds_to_ask_for(const struct wait *wait)
{
	int64_t most = wait->client.last_id.len ? LONGEST_ASK_S : FIRST_ASK_S;
	int64_t left_s = (left_ms(wait) + 999) / 1000;

	return left_s < 1 ? 1 : left_s < most ? left_s : most;
}

static void set_options(struct wait *wait, int64_t seconds)
{
	CURL *curl = wait->client.curl;
	int64_t limit_ms = seconds * 1000 + GRACE_MS;

	if (limit_ms > left_ms(wait) + LAST_GRACE_MS)
		limit_ms = left_ms(wait) + LAST_GRACE_MS;
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, wait);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, wait);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)limit_ms);
}

/* Sends one request. Without --since the first begins now, and a retry must still cover the time
 * since the first. Returns 0 or -ENOMEM. */
static int ask(struct wait *wait, struct client_answer *answer)
{
	int64_t seconds = seconds_to_ask_for(wait);
	struct curl_slist *headers;
	char extra[32];
	CURLcode rc;

	if (wait->has_asked && !wait->client.since && wait->client.since_ms < 0)
		wait->client.since_ms = 0;
	wait->has_asked = true;
	wait->cursor[0] = '\0';
	buf_reset(&wait->body);
	snprintf(extra, sizeof(extra), "timeout=%jd", (intmax_t)seconds);
	headers = client_prepare(&wait->client, "/v1/events/wait", extra);
	if (!headers)
		return -ENOMEM;
	set_options(wait, seconds);
	rc = curl_easy_perform(wait->client.curl);
	client_judge(&wait->client, rc, str_trim(buf_str(&wait->body)), answer);
	curl_slist_free_all(headers);
	return 0;
}

/* Prints the reason on standard error: the exit code says only that the outcome is error. */
static void print_cause(const cJSON *event)
{
	const char *error = json_get_string(event, "error");
	const char *reason = json_get_string(json_get(event, "metadata"), "reason");

	command_fault(EXIT_FAILED, "%.1024s%s%.4096s", reason ? reason : "failed",
		      error ? ": " : "", error ? error : "");
}

static int take_event(const struct wait *wait)
{
	cJSON *event = NULL;
	struct str body = str_trim(buf_str(&wait->body));

	if (json_parse(body, ANSWER_LIMIT, &event, NULL) < 0 || !cJSON_IsObject(event)) {
		cJSON_Delete(event);
		return command_fault(EXIT_UNREACHABLE,
				     "%s: the server that answers is not wrenn-events",
				     wait->client.place);
	}
	output_write(stdout, body);
	output_write(stdout, STR("\n"));

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

static void pause_before_repeat(const struct wait *wait, struct backoff *backoff,
				const struct client_answer *answer)
{
	int64_t pause_ms = backoff_next_ms(backoff);

	if (answer->wait_ms > pause_ms)
		pause_ms = answer->wait_ms;
	client_pause(pause_ms < left_ms(wait) ? pause_ms : left_ms(wait));
}

/* If the service never answered, report it as unreachable, not as a timeout. */
static int time_is_up(const struct wait *wait)
{
	const char *cause = wait->client.said;

	if (cause[0] && !wait->was_reached)
		return command_fault(EXIT_UNREACHABLE, "%s", cause);
	return command_fault(EXIT_TIMED_OUT, "the time is up%s%s", cause[0] ? "; " : "", cause);
}

static int wait_for_event(struct wait *wait)
{
	struct backoff backoff = { .first_ms = 200, .max_ms = 5000 };
	struct client_answer answer;

	while (left_ms(wait) > 0) {
		if (ask(wait, &answer) < 0)
			return command_fault(EXIT_FAILED, "out of memory");
		wait->was_reached |= answer.status != 0;
		if (answer.code != EXIT_GOOD && !answer.may_pass)
			return command_fault(answer.code, "%s", answer.cause);
		if (answer.code != EXIT_GOOD) {
			client_report_retry(&wait->client, answer.cause);
			pause_before_repeat(wait, &backoff, &answer);
			continue;
		}
		if (answer.status != 204)
			return take_event(wait);
		keep_cursor(wait);
		backoff_reset(&backoff);
		if (client_is_back(&wait->client))
			command_fault(EXIT_GOOD, "%s answers again", wait->client.place);
	}
	return time_is_up(wait);
}

static int read_flags(int argc, char **argv, struct wait *wait, int64_t *timeout_ms)
{
	static const struct option options[] = {
		{ "timeout", required_argument, NULL, 't' },
		CLIENT_OPTIONS,
		CLIENT_FILTERS,
		{ 0 },
	};
	int flag;

	while ((flag = command_flag(argc, argv, options)) != -1) {
		if (client_take_flag(&wait->client, flag, optarg))
			continue;
		if (flag != 't')
			return EXIT_USAGE;
		if (command_duration(optarg, timeout_ms) < 0 || *timeout_ms == 0)
			return command_fault(
				EXIT_USAGE,
				"--timeout: expected a duration such as 60, 90s or 10m, got \"%s\"",
				optarg);
	}
	if (optind + 1 != argc)
		return command_fault(EXIT_USAGE, "wait needs one KIND; see --help");
	client_take_flag(&wait->client, CLIENT_EVENT, argv[optind]);
	return client_check(&wait->client);
}

static int run(int argc, char **argv)
{
	struct wait wait = { .cursor = "" };
	int64_t timeout_ms = DEFAULT_TIMEOUT_MS;
	int code = client_open(&wait.client);

	buf_init(&wait.body, ANSWER_LIMIT);
	if (code == EXIT_GOOD)
		code = read_flags(argc, argv, &wait, &timeout_ms);
	wait.deadline_ms = wait.client.started_ms + timeout_ms;
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
