/* SPDX-License-Identifier: Apache-2.0 */

/*
 * No payload can forge a field or a second frame. The input is framed twice, as raw data and, when
 * it parses, as an event; the bytes are then read back as a client would read them, strictly, and
 * must be one chunk with one frame whose data is what went in.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/event.h"
#include "core/utf8.h"
#include "sse/frame.h"
#include "sse/item.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

static struct str next_line(struct str *rest)
{
	const char *end = memchr(rest->at, '\n', rest->len);
	struct str line;

	check(end);
	line = (struct str){ .at = rest->at, .len = (size_t)(end - rest->at) };
	check(!memchr(line.at, '\r', line.len));
	*rest = str_from(*rest, line.len + 1);
	return line;
}

/* The data with every kind of line end as a line feed. */
static void normalise(struct buf *out, struct str data)
{
	for (size_t i = 0; i < data.len; i++) {
		if (data.at[i] == '\r' && i + 1 < data.len && data.at[i + 1] == '\n')
			i++;
		buf_add_char(out, data.at[i] == '\r' ? '\n' : data.at[i]);
	}
}

static void check_frame(struct str text, struct str data, const char *name)
{
	struct buf expected;
	struct buf got;
	char event[64];
	bool first = true;

	buf_init(&expected, SIZE_MAX / 2);
	buf_init(&got, SIZE_MAX / 2);
	normalise(&expected, data);
	snprintf(event, sizeof(event), "event: %s", name);
	check(str_is(next_line(&text), event));
	for (;;) {
		struct str line = next_line(&text);

		if (str_is(line, "id: 5-6"))
			break;
		check(str_starts(line, STR("data: ")));
		if (!first)
			buf_add_char(&got, '\n');
		first = false;
		buf_add_str(&got, str_from(line, 6));
	}
	check(next_line(&text).len == 0);
	check(text.len == 0);
	check(str_eq(buf_str(&got), buf_str(&expected)));
	buf_done(&expected);
	buf_done(&got);
}

static void try_raw(struct str data)
{
	const struct frame frame = {
		.has_id = true, .id = { 5, 6 }, .name = "host.up", .data = data
	};
	struct buf out;

	if (data.len == 0)
		return;
	buf_init(&out, SIZE_MAX / 2);
	frame_encode(&out, &frame);
	check(out.err == 0);
	check_frame(buf_str(&out), data, "host.up");
	buf_done(&out);
}

/* No client takes any of it for the end of a line. */
static void check_one_line(struct str json)
{
	for (uint32_t code = 0; json.len > 0;) {
		size_t n = utf8_decode(json, &code);

		check(n > 0 && code >= 0x20 && (code < 0x7f || code > 0x9f));
		check(code != 0x2028 && code != 0x2029);
		json = str_from(json, n);
	}
}

static void check_item(const struct item *item)
{
	struct str bytes = { .at = item->bytes, .len = item->bytes_len };
	char *end;
	unsigned long len = strtoul(item->bytes, &end, 16);

	check(len > 0 && end[0] == '\r' && end[1] == '\n');
	bytes = str_from(bytes, (size_t)(end + 2 - item->bytes));
	check(bytes.len == len + 2 && bytes.at[len] == '\r' && bytes.at[len + 1] == '\n');
	bytes.len = len;
	check_frame(bytes, item_json(item), event_kind_name((enum event_kind)item->kind));
	check(item_json(item).at[0] == '{' && item_json(item).at[item_json(item).len - 1] == '}');
	check_one_line(item_json(item));
}

static void try_event(struct str payload)
{
	struct event *event;
	struct item *item;
	struct buf scratch;

	if (event_parse(payload, (struct stream_id){ 5, 6 }, &event, NULL) < 0)
		return;
	buf_init(&scratch, 1024 * 1024);
	if (event->kind != EVENT_UNKNOWN && event->kind != EVENT_CAPSULE_STATE_CHANGED) {
		check(item_from_event(event, &scratch, &item) == 0);
		if (item->state != ITEM_READY)
			check(item_finish(item, STR("{\"status\":\"running\"}"), &scratch) == 0);
		check_item(item);
		item_unref(item);
	}
	event_free(event);
	buf_done(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str input = { .at = (const char *)bytes, .len = len };

	try_raw(input);
	try_event(input);
	return 0;
}
