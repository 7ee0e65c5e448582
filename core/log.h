/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Log lines on standard error, one per event, as text for people or JSON for machines:
 *
 *   log_warn("redis connection lost", log_str("connection", name), log_int("retry_ms", 250));
 *
 * The first argument is a constant sentence; values go into fields. Only these types can be fields;
 * a struct secret cannot. As a second safeguard every value is searched for what looks like an API
 * key (wrn_ and 32 digits), a bearer token, a session cookie or the user-info, path and query of a
 * URL, and that part is replaced by "[redacted]". Values are cleaned of control characters and cut
 * at 1,024 bytes. Upper floors log, once; lower floors return. Safe from any thread.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/str.h"
#include "core/stream_id.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_field {
	const char *name;
	enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_STREAM_ID } type;
	struct str text;
	int64_t number;
	struct stream_id stream_id;
};

static inline struct log_field log_slice(const char *name, struct str text)
{
	return (struct log_field){ .name = name, .type = LOG_FIELD_STR, .text = text };
}

static inline struct log_field log_str(const char *name, const char *text)
{
	return log_slice(name, str_of(text));
}

static inline struct log_field log_int(const char *name, int64_t number)
{
	return (struct log_field){ .name = name, .type = LOG_FIELD_INT, .number = number };
}

static inline struct log_field log_stream_id(const char *name, struct stream_id id)
{
	return (struct log_field){ .name = name, .type = LOG_FIELD_STREAM_ID, .stream_id = id };
}

/* Before the first line, and again by the thread that logs most when settings change. `worker` is
 * shown when it is not negative. */
void log_setup(enum log_format format, enum log_level lowest, int worker);

/* Until this call each line is written directly, so a reader of standard error that stalls stops
 * the thread that logs. From here on lines go through a bounded ring and a thread. For a service,
 * once in every process. */
void log_start(void);

/* Before the end of such a process: writes the last lines, and waits at most this long for a
 * reader. */
void log_stop(unsigned limit_ms);

void log_line(enum log_level level, const char *message, const struct log_field *fields,
	      size_t count);

#define LOG_AT(level, message, ...)                                                           \
	log_line(level, message, (struct log_field[]){ { .name = NULL }, ##__VA_ARGS__ } + 1, \
		 sizeof((struct log_field[]){ { .name = NULL }, ##__VA_ARGS__ }) /            \
				 sizeof(struct log_field) -                                   \
			 1)

#define log_debug(message, ...) LOG_AT(LOG_LEVEL_DEBUG, message, ##__VA_ARGS__)
#define log_info(message, ...)  LOG_AT(LOG_LEVEL_INFO, message, ##__VA_ARGS__)
#define log_warn(message, ...)  LOG_AT(LOG_LEVEL_WARN, message, ##__VA_ARGS__)
#define log_error(message, ...) LOG_AT(LOG_LEVEL_ERROR, message, ##__VA_ARGS__)

#endif
