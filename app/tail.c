/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `tail`: live events in the terminal. Follows GET /v1/events/stream, prints a coloured line per
 * event for a person or the JSON for a program, and after a lost connection goes on behind
 * the last event it printed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/client.h"
#include "app/command.h"
#include "app/sse_reader.h"
#include "core/backoff.h"
#include "core/json.h"
#include "core/utf8.h"

#define FAULT_LIMIT 65536
#define SILENCE_S   60L /* four keepalives: the connection is dead */

static const char usage[] =
	"Usage: wrenn-events tail [--event KIND]... [--resource ID] [--since WHEN] [OPTION...]\n"
	"\n"
	"Shows events as they happen: readable on a terminal, JSON lines otherwise. Resumes by\n"
	"itself after a lost connection. Ctrl-C ends it.\n"
	"\n"
	"  --event KIND      a kind or a prefix such as 'capsule.*'; may be repeated\n"
	"  --resource ID     capsule or host id, or snapshot name\n"
	"  --outcome OUTCOME success or error only\n"
	"  --since WHEN      begin at an RFC 3339 time, so long ago (90s, 10m, 2h), or at "
	"`earliest`\n"
	"  --json            JSON lines on a terminal, too\n"
	"  --count N         end after N events\n" CLIENT_USAGE;

struct tail {
	struct client client;
	struct sse_reader reader;
	struct buf fault_body; /* of an answer that is no stream */
	struct backoff backoff;
	bool as_json;
	unsigned long long left; /* events until the end; 0: no end */
	bool finished;
	long status;
};

static const char *colour_of(const cJSON *event)
{
	const char *outcome = json_get_string(event, "outcome");

	if (outcome && strcmp(outcome, "error") == 0)
		return "\033[31m";
	return outcome ? "\033[32m" : "\033[36m";
}

static void add_clean(struct buf *out, const char *text)
{
	utf8_clean(out, str_of(text), 512, false);
}

static void add_actor(struct buf *out, const cJSON *actor)
{
	const char *name = json_get_string(actor, "name");
	const char *id = json_get_string(actor, "id");
	const char *type = json_get_string(actor, "type");

	buf_add_text(out, "  by ");
	add_clean(out, name ? name : id ? id : type ? type : "?");
}

static void add_details(struct buf *out, const cJSON *event)
{
	const char *reason = json_get_string(json_get(event, "metadata"), "reason");
	const char *from = json_get_string(json_get(event, "metadata"), "from");
	const char *to = json_get_string(json_get(event, "metadata"), "to");
	const char *error = json_get_string(event, "error");

	if (reason) {
		buf_add_text(out, "  (");
		add_clean(out, reason);
		buf_add_char(out, ')');
	}
	if (to) {
		buf_add_text(out, "  ");
		add_clean(out, from && *from ? from : "-");
		buf_add_text(out, " -> ");
		add_clean(out, to);
	}
	if (error) {
		buf_add_text(out, "  ");
		add_clean(out, error);
	}
}

/* 05:02:08  capsule.pause  success  cl-6dfz...  by system  (ttl_expired) */
static void print_line(const cJSON *event)
{
	const char *time_text = json_get_string(event, "timestamp");
	const char *kind = json_get_string(event, "event");
	const char *outcome = json_get_string(event, "outcome");
	const char *resource = json_get_string(json_get(event, "resource"), "id");
	bool coloured = !getenv("NO_COLOR");
	struct buf line;

	buf_init(&line, 16384);
	if (time_text && strlen(time_text) >= 19)
		buf_add(&line, time_text + 11, 8);
	buf_addf(&line, "  %s", coloured ? colour_of(event) : "");
	add_clean(&line, kind ? kind : "?");
	if (outcome) {
		buf_add_text(&line, "  ");
		add_clean(&line, outcome);
	}
	buf_add_text(&line, coloured ? "\033[0m  " : "  ");
	add_clean(&line, resource ? resource : "");
	add_actor(&line, json_get(event, "actor"));
	add_details(&line, event);
	buf_add_char(&line, '\n');
	fwrite(line.bytes, 1, line.len, stdout);
	buf_done(&line);
}

static void print_event(const struct tail *tail, struct str data)
{
	cJSON *event = NULL;

	if (tail->as_json) {
		printf("%.*s\n", STR_ARGS(data));
	} else if (json_parse(data, 1024 * 1024, &event, NULL) == 0) {
		print_line(event);
		cJSON_Delete(event);
	}
	fflush(stdout);
}

static void print_gap(const struct tail *tail, struct str data)
{
	cJSON *connected = NULL;

	if (json_parse(data, 65536, &connected, NULL) == 0 &&
	    cJSON_IsTrue(json_get(json_get(connected, "metadata"), "gap")) &&
	    tail->client.last_id.len)
		fputs("wrenn-events: events between the last one shown and here are gone\n",
		      stderr);
	cJSON_Delete(connected);
}

static void on_frame(const struct sse_frame *frame, void *owner)
{
	struct tail *tail = owner;

	if (tail->finished)
		return;
	if (str_is(frame->event, "connected")) {
		print_gap(tail, frame->data);
		backoff_reset(&tail->backoff);
	} else if (frame->data.len) {
		print_event(tail, frame->data);
		if (tail->left && --tail->left == 0)
			tail->finished = true;
	}
	if (frame->id.at) {
		buf_reset(&tail->client.last_id);
		buf_add_str(&tail->client.last_id, frame->id);
	}
}

/* libcurl's type has no const. NOLINTNEXTLINE(readability-non-const-parameter) */
static size_t on_body(char *bytes, size_t size, size_t count, void *owner)
{
	struct tail *tail = owner;
	struct str piece = { .at = bytes, .len = size * count };

	curl_easy_getinfo(tail->client.curl, CURLINFO_RESPONSE_CODE, &tail->status);
	if (tail->status != 200)
		buf_add_str(&tail->fault_body, piece);
	else if (sse_reader_feed(&tail->reader, piece) < 0)
		return 0;
	return tail->finished || tail->fault_body.err ? 0 : piece.len;
}

/* One connection, until it ends. */
static void follow_once(struct tail *tail)
{
	CURL *curl = tail->client.curl;
	struct curl_slist *headers = client_prepare(&tail->client, "/v1/events/stream", "");

	tail->status = 0;
	if (!headers)
		return;
	sse_reader_restart(&tail->reader);
	buf_reset(&tail->fault_body);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, tail);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
	curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &tail->status);
	curl_slist_free_all(headers);
}

static void pause_before_repeat(struct tail *tail)
{
	int64_t pause_ms = backoff_next_ms(&tail->backoff);

	if (tail->reader.retry_ms > pause_ms)
		pause_ms = tail->reader.retry_ms;
	nanosleep(&(struct timespec){ .tv_sec = pause_ms / 1000,
				      .tv_nsec = pause_ms % 1000 * 1000000 },
		  NULL);
}

static int follow(struct tail *tail)
{
	char fault[512];

	for (;;) {
		follow_once(tail);
		if (tail->finished)
			return EXIT_GOOD;
		if (ferror(stdout))
			return command_fault(EXIT_FAILED, "cannot write: %s", strerror(errno));
		if (tail->status >= 400) {
			client_describe(tail->status, str_trim(buf_str(&tail->fault_body)), fault,
					sizeof(fault));
			if (tail->status < 500 && tail->status != 429 && tail->status != 408)
				return command_fault(EXIT_FAILED, "%s", fault);
		}
		if (tail->backoff.tries == 0 && tail->status != 200)
			fprintf(stderr, "wrenn-events: %s, trying again\n",
				tail->status ? fault : "the service cannot be reached");
		pause_before_repeat(tail);
	}
}

static int read_flags(int argc, char **argv, struct tail *tail)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "count", required_argument, NULL, 'n' },
		CLIENT_OPTIONS,
		{ 0 },
	};
	int flag;

	while ((flag = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (client_take_flag(&tail->client, flag, optarg))
			continue;
		if (flag == 'j')
			tail->as_json = true;
		else if (flag != 'n')
			return EXIT_USAGE;
		else if (!str_to_u64(str_of(optarg), &tail->left) || tail->left == 0)
			return command_fault(EXIT_USAGE, "--count wants a number, not \"%s\"",
					     optarg);
	}
	if (optind < argc)
		return command_fault(EXIT_USAGE, "tail takes no argument \"%s\"", argv[optind]);
	return client_check(&tail->client);
}

static int run(int argc, char **argv)
{
	struct tail tail = {
		.backoff = { .first_ms = 250, .max_ms = 30000 },
		.as_json = !isatty(STDOUT_FILENO),
	};
	int code = client_open(&tail.client);

	sse_reader_init(&tail.reader, on_frame, &tail);
	buf_init(&tail.fault_body, FAULT_LIMIT);
	if (code == EXIT_GOOD)
		code = read_flags(argc, argv, &tail);
	if (code == EXIT_GOOD)
		code = follow(&tail);
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
