/* SPDX-License-Identifier: Apache-2.0 */

/* Frames, byte by byte. */
#include <criterion/criterion.h>
#include <errno.h>

#include "sse/capsule.h"
#include "sse/frame.h"

static const struct {
	const char *what;
	struct frame frame;
	const char *expected;
} frames[] = {
	{ "an event",
	  { .has_id = true, .id = { 17, 3 }, .name = "host.up", .data = STR("{\"a\":1}") },
	  "event: host.up\ndata: {\"a\":1}\nid: 17-3\n\n" },
	{ "without an id", { .name = "x", .data = STR("1") }, "event: x\ndata: 1\n\n" },
	{ "a bookmark", { .has_id = true, .id = { 0, 0 } }, "id: 0-0\n\n" },
	{ "the largest id",
	  { .has_id = true, .id = { UINT64_MAX, UINT64_MAX } },
	  "id: 18446744073709551615-18446744073709551615\n\n" },
	{ "a pause", { .retry_ms = 2500 }, "retry: 2500\n\n" },
	{ "all of it",
	  { .retry_ms = 1, .has_id = true, .id = { 1, 2 }, .name = "n", .data = STR("d") },
	  "retry: 1\nevent: n\ndata: d\nid: 1-2\n\n" },
	{ "a line feed", { .data = STR("a\nid: 9-9") }, "data: a\ndata: id: 9-9\n\n" },
	{ "a blank line", { .data = STR("a\n\nb") }, "data: a\ndata: \ndata: b\n\n" },
	{ "carriage returns",
	  { .data = STR("a\rb\r\rc") },
	  "data: a\ndata: b\ndata: \ndata: c\n\n" },
	{ "both", { .data = STR("a\r\nb\n\rc") }, "data: a\ndata: b\ndata: \ndata: c\n\n" },
	{ "an end of line at the end", { .data = STR("a\r\n") }, "data: a\ndata: \n\n" },
	{ "nothing but ends of lines", { .data = STR("\n") }, "data: \ndata: \n\n" },
	{ "a NUL", { .data = STR("a\0b") }, "data: a" },
};

Test(frame, is_written_byte_by_byte)
{
	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		struct buf out;
		size_t len = strlen(frames[i].expected);

		buf_init(&out, 1000);
		frame_encode(&out, &frames[i].frame);
		cr_assert_eq(out.err, 0);
		cr_expect(out.len >= len && memcmp(out.bytes, frames[i].expected, len) == 0,
			  "%s: got \"%.*s\"", frames[i].what, STR_ARGS(buf_str(&out)));
		buf_done(&out);
	}
}

static void expect_sandbox(const char *sandbox, const char *status, const char *expected)
{
	struct buf out;

	buf_init(&out, 4096);
	capsule_write_own(&out, str_of(sandbox), status);
	cr_expect_str_eq(buf_text(&out), expected, "%s", buf_text(&out));
	buf_done(&out);
}

Test(frame, shows_of_the_events_own_capsule_what_a_strict_client_can_read)
{
	expect_sandbox(
		"{\"id\":\"cl-1\",\"status\":\"paused\",\"vcpus\":2,\"memory_mb\":2.5,"
		"\"timeout_sec\":\"600\",\"disk_size_mb\":1e300,\"template\":7,"
		"\"created_at\":\"2026-05-24T04:40:00\",\"started_at\":null,"
		"\"last_active_at\":\"soon\",\"last_updated\":\"2026-05-24T05:02:08.5+01:00\","
		"\"metadata\":{\"a\":1},\"host_ip\":\"10.0.0.1\",\"new\":[1,null]}",
		NULL,
		"{\"id\":\"cl-1\",\"status\":\"paused\",\"vcpus\":2,"
		"\"created_at\":\"2026-05-24T04:40:00Z\","
		"\"last_updated\":\"2026-05-24T05:02:08.5+01:00\",\"new\":[1,null]}");
	expect_sandbox("{\"status\":\"thawing\",\"metadata\":{\"k\":\"a\\u0085\"}}", "running",
		       "{\"metadata\":{\"k\":\"a\\u0085\"},\"status\":\"running\"}");
	expect_sandbox("{\"status\":\"thawing\"}", NULL, "null");
	expect_sandbox("{\"status\":5}", NULL, "{}");
	expect_sandbox("[]", "running", "null");
}

Test(frame, says_where_its_data_begins_though_others_stand_before_it)
{
	const struct frame frame = { .has_id = true, .name = "n", .data = STR("payload") };
	struct buf out;
	size_t at;

	buf_init(&out, 1000);
	buf_add_text(&out, "before");
	at = frame_encode(&out, &frame);
	cr_expect_eq(memcmp(out.bytes + 6 + at, "payload", 7), 0);
	buf_done(&out);
}

Test(frame, that_does_not_fit_fails_as_a_whole)
{
	const struct frame frame = { .data = STR("0123456789") };
	struct buf out;

	buf_init(&out, 12);
	frame_encode(&out, &frame);
	cr_expect_eq(out.err, -E2BIG);
	buf_done(&out);
}

Test(comment, is_a_line_that_begins_with_a_colon)
{
	struct buf out;

	buf_init(&out, 100);
	frame_comment(&out, "keepalive");
	cr_expect(str_is(buf_str(&out), ": keepalive\n\n"));
	buf_done(&out);
}

Test(chunk_head, writes_the_length_in_hex)
{
	static const struct {
		size_t n;
		const char *expected;
	} cases[] = {
		{ 1, "1\r\n" },
		{ 15, "f\r\n" },
		{ 16, "10\r\n" },
		{ 255, "ff\r\n" },
		{ 4096, "1000\r\n" },
		{ 65535, "ffff\r\n" },
		{ 1048576, "100000\r\n" },
		{ SIZE_MAX, "ffffffffffffffff\r\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char head[CHUNK_HEAD_MAX];
		size_t len = chunk_head(cases[i].n, head);

		cr_expect(str_is((struct str){ head, len }, cases[i].expected), "%zu: %.*s",
			  cases[i].n, (int)len, head);
	}
}
