/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `tail`: live events in the terminal. Follows GET /v1/events/stream and prints each event: a
 * coloured line for a person, JSON for a program. After a lost connection it continues after the
 * last event it printed.
 *
 * Without --since it begins a moment before its start. So it shows an event published right after
 * `tail &`, although it was still connecting.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/sse_reader.h"
#include "core/backoff.h"
#include "core/json.h"
#include "core/utf8.h"

#define FAULT_LIMIT   65536
#define LINE_LIMIT    (2 * 1024 * 1024)
#define SILENCE_S     60L /* four keepalives missed: the connection is dead */
#define MAX_SHOWN     512 /* bytes shown of one member */
#define MAX_WISH_MS   60000
#define HEAD_START_MS 1000 /* from the start of the process to its first look at the clock */

static const char usage[] =
	"Usage: wrenn-events tail [--event KIND]... [OPTION...]\n"
	"\n"
	"Shows events as they happen: readable on a terminal, JSON lines otherwise.\n"
	"Resumes after a lost connection. Ctrl-C ends it.\n"
	"\n"
	"  --event KIND       a kind or a prefix such as 'capsule.*'; may be repeated\n"
	"  --resource ID      capsule or host id, or snapshot name\n"
	"  --outcome OUTCOME  success or error only\n"
	"  --since WHEN       how long ago to begin (60, 90s, 10m, 2h, 1d), an RFC 3339\n"
	"                     time, or `earliest`; default: now\n"
	"  --json             JSON lines on a terminal too\n"
	"  --count N          end after N events\n" CLIENT_USAGE "\n"
	"Example: wrenn-events tail --event 'capsule.*' --since 10m\n";

struct tail {
	struct client client;
	struct sse_reader reader;
	struct buf fault_body; /* the body of an answer other than a stream */
	struct buf comment;    /* the last comment of the stream */
	struct backoff backoff;
	bool as_json;
	unsigned long long left; /* events left of --count; 0: no limit */
	bool finished;
	bool connected;     /* this connection has had its first frame */
	bool was_connected; /* an earlier one has, too */
	bool is_stranger;   /* 200, but not an event stream */
};

/* ---- one event --------------------------------------------------------------------------- */

static const char *colour_of(const cJSON *event)
{
	const char *outcome = json_get_string(event, "outcome");

	if (outcome && strcmp(outcome, "error") == 0)
		return "\033[31m";
	return outcome ? "\033[32m" : "\033[36m";
}

static void add_shown(struct buf *out, const char *text)
{
	output_escape(out, utf8_cut(str_of(text), MAX_SHOWN), false);
}

static void add_actor(struct buf *out, const cJSON *actor)
{
	const char *name = json_get_string(actor, "name");
	const char *id = json_get_string(actor, "id");
	const char *type = json_get_string(actor, "type");

	buf_add_text(out, "  by ");
	add_shown(out, name ? name : id ? id : type ? type : "?");
}

static void add_details(struct buf *out, const cJSON *event)
{
	const char *reason = json_get_string(json_get(event, "metadata"), "reason");
	const char *from = json_get_string(json_get(event, "metadata"), "from");
	const char *to = json_get_string(json_get(event, "metadata"), "to");
	const char *error = json_get_string(event, "error");

	if (reason) {
		buf_add_text(out, "  (");
		add_shown(out, reason);
		buf_add_char(out, ')');
	}
	if (to) {
		buf_add_text(out, "  ");
		add_shown(out, from && *from ? from : "-");
		buf_add_text(out, " -> ");
		add_shown(out, to);
	}
	if (error) {
		buf_add_text(out, "  ");
		add_shown(out, error);
	}
}

/* The 05:02:08 of 2026-05-24T05:02:08Z. */
static void add_time(struct buf *out, const cJSON *event)
{
	const char *text = json_get_string(event, "timestamp");
	char clock_time[9] = "";

	if (text && strlen(text) >= 19)
		snprintf(clock_time, sizeof(clock_time), "%s", text + 11);
	add_shown(out, clock_time);
}

/* 05:02:08  capsule.pause  success  cl-6dfz...  by system  (ttl_expired) */
static void print_line(const cJSON *event)
{
	const char *kind = json_get_string(event, "event");
	const char *outcome = json_get_string(event, "outcome");
	const char *resource = json_get_string(json_get(event, "resource"), "id");
	bool coloured = output_is_coloured();
	struct buf line;

	buf_init(&line, LINE_LIMIT);
	add_time(&line, event);
	buf_addf(&line, "  %s", coloured ? colour_of(event) : "");
	add_shown(&line, kind ? kind : "?");
	if (outcome) {
		buf_add_text(&line, "  ");
		add_shown(&line, outcome);
	}
	buf_add_text(&line, coloured ? "\033[0m  " : "  ");
	add_shown(&line, resource ? resource : "");
	add_actor(&line, json_get(event, "actor"));
	add_details(&line, event);
	buf_add_char(&line, '\n');
	fwrite(line.bytes, 1, line.len, stdout);
	buf_done(&line);
}

/* Prints the frame's JSON as one line, with the frame's id as its first member. Valid JSON has line
 * breaks only between tokens. */
static void print_json(const cJSON *event, const struct sse_frame *frame)
{
	struct str rest = str_from(str_trim(frame->data), 1);
	struct buf line;

	buf_init(&line, LINE_LIMIT);
	buf_add_char(&line, '{');
	if (frame->id.len && !json_get(event, "id")) {
		json_add_member(&line, "id", frame->id);
		if (event->child)
			buf_add_char(&line, ',');
	}
	buf_add_str(&line, rest);
	for (size_t i = 0; i < line.len; i++)
		if (line.bytes[i] == '\n' || line.bytes[i] == '\r')
			line.bytes[i] = ' ';
	buf_add_char(&line, '\n');
	output_write(stdout, buf_str(&line));
	buf_done(&line);
}

static void print_event(struct tail *tail, const struct sse_frame *frame)
{
	cJSON *event = NULL;

	if (json_parse(frame->data, LINE_LIMIT, &event, NULL) < 0 || !cJSON_IsObject(event))
		command_fault(EXIT_GOOD, "skipped an event that is not a JSON object");
	else if (tail->as_json)
		print_json(event, frame);
	else
		print_line(event);
	cJSON_Delete(event);
	if ((tail->left && --tail->left == 0) || output_failed())
		tail->finished = true;
}

/* ---- one connection ---------------------------------------------------------------------- */

/* Values of metadata are strings. */
static bool has_gap(const cJSON *connected)
{
	const char *gap = json_get_string(json_get(connected, "metadata"), "gap");

	return gap && strcmp(gap, "true") == 0;
}

static void take_connected(struct tail *tail, struct str data)
{
	cJSON *connected = NULL;

	if (tail->client.last_id.len && json_parse(data, FAULT_LIMIT, &connected, NULL) == 0 &&
	    has_gap(connected))
		command_fault(EXIT_GOOD, "some events after the last one shown are lost");
	cJSON_Delete(connected);
	backoff_reset(&tail->backoff);
	if (!tail->was_connected)
		command_fault(EXIT_GOOD, "connected to %s", tail->client.place);
	else if (client_is_back(&tail->client))
		command_fault(EXIT_GOOD, "reconnected");
	(void)client_is_back(&tail->client);
	tail->connected = true;
	tail->was_connected = true;
}

static void on_frame(const struct sse_frame *frame, void *owner)
{
	struct tail *tail = owner;

	if (tail->finished)
		return;
	if (str_is(frame->event, "connected"))
		take_connected(tail, frame->data);
	else if (frame->data.len)
		print_event(tail, frame);
	if (frame->id.at) {
		buf_reset(&tail->client.last_id);
		buf_add_str(&tail->client.last_id, frame->id);
	}
}

/* A comment says why there are no events, or why the stream ends. Keepalives are for proxies. */
static void on_comment(struct str text, void *owner)
{
	struct tail *tail = owner;

	if (str_is(text, "keepalive") || text.len == 0)
		return;
	buf_reset(&tail->comment);
	utf8_clean(&tail->comment, text, MAX_SHOWN, false);
	if (tail->connected)
		command_fault(EXIT_GOOD, "the service says: %.*s",
			      STR_ARGS(buf_str(&tail->comment)));
}

static bool is_stream(CURL *curl)
{
	const char *type = NULL;

	curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
	return type && str_starts(str_of(type), STR("text/event-stream"));
}

/* libcurl's type has no const. NOLINTNEXTLINE(readability-non-const-parameter) */
static size_t on_body(char *bytes, size_t size, size_t count, void *owner)
{
	struct tail *tail = owner;
	struct str piece = { .at = bytes, .len = size * count };
	long status = 0;

	curl_easy_getinfo(tail->client.curl, CURLINFO_RESPONSE_CODE, &status);
	tail->is_stranger = status == 200 && !is_stream(tail->client.curl);
	if (tail->is_stranger)
		return 0;
	if (status != 200)
		buf_add_str(&tail->fault_body, piece);
	else if (sse_reader_feed(&tail->reader, piece) < 0)
		return 0;
	return tail->finished || tail->fault_body.err ? 0 : piece.len;
}

static void add_cause_of_end(struct tail *tail, struct client_answer *answer)
{
	const char *place = tail->client.place;

	answer->may_pass = !tail->is_stranger;
	if (tail->is_stranger) {
		answer->code = EXIT_UNREACHABLE;
		snprintf(answer->cause, sizeof(answer->cause),
			 "%s: the server that answers is not wrenn-events", place);
	} else if (tail->comment.len && !tail->connected) {
		snprintf(answer->cause, sizeof(answer->cause), "%s: the service says: %.*s", place,
			 STR_ARGS(buf_str(&tail->comment)));
	} else if (answer->code == EXIT_GOOD) {
		snprintf(answer->cause, sizeof(answer->cause), "%s: the stream ended", place);
	}
}

/* Follows one connection to its end. Returns 0 with *answer set, or -ENOMEM. */
static int follow_once(struct tail *tail, struct client_answer *answer)
{
	CURL *curl = tail->client.curl;
	struct curl_slist *headers = client_prepare(&tail->client, "/v1/events/stream", "");
	struct curl_slist *more =
		headers ? curl_slist_append(headers, "Accept: text/event-stream") : NULL;
	CURLcode rc;

	if (!more) {
		curl_slist_free_all(headers);
		return -ENOMEM;
	}
	sse_reader_restart(&tail->reader);
	buf_reset(&tail->fault_body);
	buf_reset(&tail->comment);
	tail->connected = false;
	tail->is_stranger = false;
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, tail);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
	rc = curl_easy_perform(curl);
	client_judge(&tail->client, rc, str_trim(buf_str(&tail->fault_body)), answer);
	if (answer->status == 200)
		add_cause_of_end(tail, answer);
	curl_slist_free_all(more);
	return 0;
}

static void pause_before_repeat(struct tail *tail, const struct client_answer *answer)
{
	int64_t pause_ms = backoff_next_ms(&tail->backoff);
	int64_t wish_ms = answer->wait_ms;

	if (tail->reader.retry_ms > wish_ms)
		wish_ms = tail->reader.retry_ms;
	if (wish_ms > MAX_WISH_MS)
		wish_ms = MAX_WISH_MS;
	client_pause(wish_ms > pause_ms ? wish_ms : pause_ms);
}

static int follow(struct tail *tail)
{
	struct client_answer answer;

	for (;;) {
		if (follow_once(tail, &answer) < 0)
			return command_fault(EXIT_FAILED, "out of memory");
		if (tail->finished)
			return EXIT_GOOD;
		if (!answer.may_pass)
			return command_fault(answer.code, "%s", answer.cause);
		client_report_retry(&tail->client, answer.cause);
		pause_before_repeat(tail, &answer);
	}
}

/* ---- the command ------------------------------------------------------------------------- */

static int read_flags(int argc, char **argv, struct tail *tail)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "count", required_argument, NULL, 'n' },
		CLIENT_OPTIONS,
		CLIENT_FILTERS,
		{ 0 },
	};
	int flag;

	while ((flag = command_flag(argc, argv, options)) != -1) {
		if (client_take_flag(&tail->client, flag, optarg))
			continue;
		if (flag == 'j')
			tail->as_json = true;
		else if (flag != 'n')
			return EXIT_USAGE;
		else if (!str_to_u64(str_of(optarg), &tail->left) || tail->left == 0)
			return command_fault(EXIT_USAGE, "--count: expected a number, got \"%s\"",
					     optarg);
	}
	if (optind < argc)
		return command_fault(EXIT_USAGE, "tail: unexpected argument \"%s\"", argv[optind]);
	if (!tail->client.since)
		tail->client.since_ms = HEAD_START_MS;
	return client_check(&tail->client);
}

static int run(int argc, char **argv)
{
	struct tail tail = {
		.backoff = { .first_ms = 250, .max_ms = 30000 },
		.as_json = !output_is_terminal(),
	};
	int code = client_open(&tail.client);

	sse_reader_init(&tail.reader, on_frame, &tail);
	tail.reader.on_comment = on_comment;
	buf_init(&tail.fault_body, FAULT_LIMIT);
	buf_init(&tail.comment, MAX_SHOWN);
	if (code == EXIT_GOOD)
		code = read_flags(argc, argv, &tail);
	if (code == EXIT_GOOD)
		code = follow(&tail);
	buf_done(&tail.comment);
	buf_done(&tail.fault_body);
	sse_reader_done(&tail.reader);
	client_close(&tail.client);
	return code;
}

const struct command tail_command = {
	.name = "tail",
	.summary = "show events as they happen",
	.usage = usage,
	.run = run,
};
