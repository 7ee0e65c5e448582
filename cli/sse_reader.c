/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The parsing rules of the WHATWG HTML standard, section 9.2.6, for streams of our own service. So
 * it removes no byte order mark and keeps an id with a NUL. A frame that has an id and no data
 * counts as well: its id is a new cursor.
 */
#include "cli/sse_reader.h"

#include <errno.h>

#define LIMIT (1024 * 1024)

void sse_reader_init(struct sse_reader *reader,
		     void (*on_frame)(const struct sse_frame *frame, void *owner), void *owner)
{
	*reader = (struct sse_reader){ .retry_ms = -1, .on_frame = on_frame, .owner = owner };
	buf_init(&reader->line, LIMIT);
	buf_init(&reader->id, LIMIT);
	buf_init(&reader->event, LIMIT);
	buf_init(&reader->data, LIMIT);
}

void sse_reader_done(struct sse_reader *reader)
{
	buf_done(&reader->line);
	buf_done(&reader->id);
	buf_done(&reader->event);
	buf_done(&reader->data);
}

static void clear_frame(struct sse_reader *reader)
{
	buf_reset(&reader->id);
	buf_reset(&reader->event);
	buf_reset(&reader->data);
	reader->has_id = false;
	reader->has_data = false;
}

void sse_reader_restart(struct sse_reader *reader)
{
	clear_frame(reader);
	buf_reset(&reader->line);
	reader->skip_lf = false;
}

static void end_frame(struct sse_reader *reader)
{
	if (reader->has_id || reader->has_data) {
		struct sse_frame frame = {
			.event = buf_str(&reader->event),
			.data = buf_str(&reader->data),
		};

		if (reader->has_id)
			frame.id = buf_str(&reader->id);
		reader->on_frame(&frame, reader->owner);
	}
	clear_frame(reader);
}

static void take_line(struct sse_reader *reader, struct str line)
{
	unsigned long long number;
	struct str value = line;
	struct str name = str_cut(&value, ':');

	if (line.len == 0) {
		end_frame(reader);
		return;
	}
	if (value.at && value.len && value.at[0] == ' ')
		value = str_from(value, 1);
	if (str_is(name, "data")) {
		if (reader->has_data)
			buf_add_char(&reader->data, '\n');
		buf_add_str(&reader->data, value);
		reader->has_data = true;
	} else if (str_is(name, "event")) {
		buf_reset(&reader->event);
		buf_add_str(&reader->event, value);
	} else if (str_is(name, "id")) {
		buf_reset(&reader->id);
		buf_add_str(&reader->id, value);
		reader->has_id = true;
	} else if (line.at[0] == ':') {
		if (reader->on_comment)
			reader->on_comment(value, reader->owner);
	} else if (str_is(name, "retry") && str_to_u64(value, &number) && number <= INT32_MAX) {
		reader->retry_ms = (int64_t)number;
	}
}

static int first_error(const struct sse_reader *reader)
{
	const struct buf *const parts[] = { &reader->line, &reader->id, &reader->event,
					    &reader->data };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (parts[i]->err)
			return parts[i]->err;
	}
	return 0;
}

int sse_reader_feed(struct sse_reader *reader, struct str bytes)
{
	int rc;

	for (size_t i = 0; i < bytes.len; i++) {
		char c = bytes.at[i];
		bool was_cr = reader->skip_lf;

		reader->skip_lf = false;
		if (c == '\n' && was_cr)
			continue;
		if (c != '\n' && c != '\r') {
			buf_add_char(&reader->line, c);
			continue;
		}
		reader->skip_lf = c == '\r';
		take_line(reader, buf_str(&reader->line));
		rc = first_error(reader);
		if (rc < 0)
			return rc;
		buf_reset(&reader->line);
	}
	return reader->line.err;
}
