/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A line is built on the stack and handed to core/log_writer as a whole, so lines of several
 * threads do not mix. Values are cleaned (core/utf8), redacted (core/redact) and cut, in that
 * order: a control character cannot split a secret, and a cut cannot leave half of a secret. A line
 * that would not fit loses its last fields and says so.
 */
#include "core/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/errno_text.h"
#include "core/log_writer.h"
#include "core/redact.h"
#include "core/rfc3339.h"
#include "core/utf8.h"

#define LOG_TAIL_SIZE  32 /* kept free for the mark of a cut line and its end */
#define LOG_VALUE_SIZE 1024

struct line {
	char text[LOG_LINE_SIZE];
	size_t len;
	size_t room; /* len may grow to this */
	bool full;
};

/* Read by all threads. A line that is built during a change may mix two formats. */
static struct {
	_Atomic enum log_format format;
	_Atomic enum log_level lowest;
	_Atomic int worker;
} setup = { .format = LOG_FORMAT_TEXT, .lowest = LOG_LEVEL_INFO, .worker = -1 };

void log_setup(enum log_format format, enum log_level lowest, int worker)
{
	setup.format = format;
	setup.lowest = lowest;
	setup.worker = worker;
}

static void put(struct line *line, struct str text)
{
	if (line->full || text.len > line->room - line->len) {
		line->full = true;
		return;
	}
	memcpy(line->text + line->len, text.at, text.len);
	line->len += text.len;
}

static void put_text(struct line *line, const char *text)
{
	put(line, str_of(text));
}

/* The text has no control characters, so both formats need only these two escapes. */
static void put_quoted(struct line *line, struct str text)
{
	put_text(line, "\"");
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '"' || text.at[i] == '\\')
			put_text(line, "\\");
		put(line, (struct str){ .at = text.at + i, .len = 1 });
	}
	put_text(line, "\"");
}

static bool is_plain_ascii(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < 0x20 || text.at[i] > 0x7e)
			return false;
	}
	return true;
}

/* Fills out with the part of a value that may be shown, and returns its length. */
static size_t make_presentable(struct str value, char out[LOG_VALUE_SIZE])
{
	if (is_plain_ascii(value))
		return redact_text(value, out, LOG_VALUE_SIZE);

	struct buf clean;
	/* U+FFFD is three bytes, and nothing else grows: this never cuts before redaction. */
	size_t most = value.len * 3;
	buf_init(&clean, most);
	utf8_clean(&clean, value, most, false);
	struct str shown = clean.err ? STR("[unreadable]") : buf_str(&clean);
	size_t len = redact_text(shown, out, LOG_VALUE_SIZE);
	buf_done(&clean);
	return len;
}

static bool needs_quotes(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (strchr(" \"=\\", text.at[i]))
			return true;
	}
	return text.len == 0;
}

static void put_value(struct line *line, struct str value)
{
	if (setup.format == LOG_FORMAT_JSON || needs_quotes(value))
		put_quoted(line, value);
	else
		put(line, value);
}

static void put_number(struct line *line, int64_t number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRId64, number);
	put_text(line, digits);
}

static void put_name(struct line *line, const char *name)
{
	put_text(line, setup.format == LOG_FORMAT_JSON ? ",\"" : " ");
	put_text(line, name);
	put_text(line, setup.format == LOG_FORMAT_JSON ? "\":" : "=");
}

static void put_field(struct line *line, const struct log_field *field)
{
	char value[LOG_VALUE_SIZE];
	char id[STREAM_ID_TEXT_SIZE];
	size_t before = line->len;

	put_name(line, field->name);
	switch (field->type) {
	case LOG_FIELD_STR: {
		size_t len = make_presentable(field->text, value);
		put_value(line, (struct str){ .at = value, .len = len });
		break;
	}
	case LOG_FIELD_INT:
		put_number(line, field->number);
		break;
	case LOG_FIELD_STREAM_ID:
		stream_id_format(field->stream_id, id);
		put_value(line, str_of(id));
		break;
	}
	if (line->full)
		line->len = before;
}

static const char *level_name(enum log_level level)
{
	static const char *const names[] = {
		[LOG_LEVEL_DEBUG] = "debug",
		[LOG_LEVEL_INFO] = "info",
		[LOG_LEVEL_WARN] = "warn",
		[LOG_LEVEL_ERROR] = "error",
	};
	return names[level];
}

static void put_head(struct line *line, enum log_level level, const char *message)
{
	char now[RFC3339_TEXT_SIZE];

	if (setup.format == LOG_FORMAT_TEXT) {
		rfc3339_format(clock_wall_us(), 0, now);
		put_text(line, now);
		put_text(line, " ");
		put_text(line, level_name(level));
		put_text(line, " ");
		put_text(line, message);
	} else {
		rfc3339_format(clock_wall_us(), 6, now);
		put_text(line, "{\"time\":\"");
		put_text(line, now);
		put_text(line, "\",\"level\":\"");
		put_text(line, level_name(level));
		put_text(line, "\",\"message\":");
		put_quoted(line, str_of(message));
	}
	if (setup.worker >= 0) {
		put_name(line, "worker");
		put_number(line, setup.worker);
	}
}

static void put_tail(struct line *line)
{
	bool cut = line->full;

	line->room += LOG_TAIL_SIZE;
	line->full = false;
	if (cut) {
		put_name(line, "cut");
		put_number(line, 1);
	}
	put_text(line, setup.format == LOG_FORMAT_JSON ? "}\n" : "\n");
}

static void build_line(struct line *line, enum log_level level, const char *message,
		       const struct log_field *fields, size_t count)
{
	line->len = 0;
	line->room = LOG_LINE_SIZE - LOG_TAIL_SIZE;
	line->full = false;
	put_head(line, level, message);
	for (size_t i = 0; i < count && !line->full; i++)
		put_field(line, &fields[i]);
	put_tail(line);
}

static size_t describe_lost(uint64_t count, char out[LOG_LINE_SIZE])
{
	const struct log_field field = log_int("count", (int64_t)count);
	struct line line;

	build_line(&line, LOG_LEVEL_WARN, "log lines were lost because nobody read them in time",
		   &field, 1);
	memcpy(out, line.text, line.len);
	return line.len;
}

void log_start(void)
{
	int rc = log_writer_start(describe_lost);

	if (rc < 0)
		log_warn("log lines are written directly: a reader of the log that stalls will "
			 "stop this process",
			 log_str("error", errno_text(rc)));
}

void log_stop(unsigned limit_ms)
{
	log_writer_stop(limit_ms);
}

void log_line(enum log_level level, const char *message, const struct log_field *fields,
	      size_t count)
{
	if (level < setup.lowest)
		return;

	int saved_errno = errno; /* a log call must not disturb the code around it */
	struct line line;

	build_line(&line, level, message, fields, count);
	log_writer_put(line.text, line.len);
	errno = saved_errno;
}
