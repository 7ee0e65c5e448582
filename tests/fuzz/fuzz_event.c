/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any bytes as an event. What is accepted has to be consistent, and what leaves us has to be
 * accepted again, to mean the same, and to be written the same. A frame has to be one line for
 * every reader, and to name only actors and times that a strict one knows.
 */
#include <stdlib.h>

#include "core/event.h"
#include "core/rfc3339.h"
#include "core/utf8.h"

/* Unlike assert(), cannot be compiled out and gives the fuzzer its crash. */
#define CHECK(fact)              \
	do {                     \
		if (!(fact))     \
			abort(); \
	} while (0)

static const struct stream_id some_id = { 1, 2 };

static void check_text(struct str text)
{
	CHECK(text.at[text.len] == '\0');
	CHECK(strlen(text.at) == text.len);
	CHECK(utf8_is_valid(text));
}

static void check_texts(const struct event *event)
{
	check_text(event->kind_text);
	check_text(event->team_text);
	check_text(event->timestamp);
	check_text(event->actor_type);
	check_text(event->actor_id);
	check_text(event->actor_name);
	check_text(event->resource_id);
	check_text(event->resource_type);
	check_text(event->reason);
	check_text(event->error);
	check_text(event->public_error);
	check_text(event->sandbox);
	check_text(event->payload);
	CHECK(event->public_error.len <= EVENT_MAX_ERROR);
	CHECK(event->metadata_count <= EVENT_MAX_METADATA);
	for (size_t i = 0; i < event->metadata_count; i++) {
		check_text(event->metadata[i].name);
		check_text(event->metadata[i].value);
	}
}

static void check_alike(const struct event *a, const struct event *b)
{
	CHECK(a->kind == b->kind && a->outcome == b->outcome);
	CHECK(uuid_eq(&a->team, &b->team) && uuid_eq(&a->capsule, &b->capsule));
	CHECK(a->has_capsule == b->has_capsule && str_eq(a->team_text, b->team_text));
	CHECK(str_eq(a->actor_id, b->actor_id) && str_eq(a->actor_name, b->actor_name));
	CHECK(str_eq(a->resource_id, b->resource_id));
	CHECK(str_eq(a->resource_type, b->resource_type) && str_eq(a->reason, b->reason));
	CHECK(str_eq(a->public_error, b->public_error));
	CHECK(a->metadata_count <= b->metadata_count);
	for (size_t i = 0; i < a->metadata_count; i++) {
		const struct event_member *member = &a->metadata[i];

		CHECK(str_eq(event_metadata(b, member->name.at), member->value));
	}
}

/* No byte of it ends a line for anybody. */
static void check_one_line(struct str json)
{
	for (uint32_t code = 0; json.len > 0;) {
		size_t n = utf8_decode(json, &code);

		CHECK(n > 0 && code >= 0x20 && (code < 0x7f || code > 0x9f));
		CHECK(code != 0x2028 && code != 0x2029);
		json = str_from(json, n);
	}
}

/* Control characters may stand for six bytes each when escaped again. */
static void write_frame(struct buf *out, const struct event *event)
{
	buf_init(out, 8 * EVENT_MAX_BYTES);
	event_write_frame(out, event);
	buf_add_char(out, '}');
	CHECK(out->err == 0);
	check_one_line(buf_str(out));
}

static void check_frame(const struct event *event)
{
	struct buf first;
	struct buf second;
	struct event *again = NULL;

	write_frame(&first, event);
	/* A frame may keep two originals more. */
	if (first.len <= EVENT_MAX_BYTES && event->metadata_count + 2 <= EVENT_MAX_METADATA) {
		CHECK(event_parse(buf_str(&first), some_id, &again, NULL) == 0);
		check_texts(again);
		check_alike(event, again);
		CHECK(again->actor == (event->actor == ACTOR_OTHER ? ACTOR_SYSTEM : event->actor));
		CHECK(rfc3339_is_strict(again->timestamp));
		CHECK(event->time_us == 0 || event->time_us == again->time_us);
		CHECK(again->payload_is_public && again->sandbox.len == 0);
		write_frame(&second, again);
		CHECK(str_eq(buf_str(&first), buf_str(&second)));
		buf_done(&second);
		event_free(again);
	}
	buf_done(&first);
}

static void check_body(const struct event *event)
{
	struct buf body;
	struct event *again = NULL;

	buf_init(&body, 8 * EVENT_MAX_BYTES);
	event_write_body(&body, event);
	CHECK(body.err == 0);
	if (!event->payload_is_public)
		check_one_line(buf_str(&body));
	if (body.len <= EVENT_MAX_BYTES) {
		CHECK(event_parse(buf_str(&body), some_id, &again, NULL) == 0);
		check_alike(event, again);
		CHECK(str_eq(event->actor_type, again->actor_type));
		CHECK(str_eq(event->timestamp, again->timestamp));
		CHECK(event->metadata_count == again->metadata_count);
		CHECK(again->payload_is_public);
		event_free(again);
	}
	buf_done(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct event *event = NULL;
	struct reason why = { .text = "" };
	struct str payload = { .at = (const char *)bytes, .len = size };

	if (event_parse(payload, some_id, &event, &why) < 0) {
		CHECK(event == NULL && why.text[0] != '\0');
		CHECK(utf8_is_valid(str_of(why.text)) && utf8_is_valid(str_of(why.field)));
		return 0;
	}
	check_texts(event);
	CHECK(str_eq(event->payload, payload));
	if (event->kind != EVENT_UNKNOWN) {
		check_frame(event);
		check_body(event);
	}
	event_free(event);
	return 0;
}
