/* SPDX-License-Identifier: Apache-2.0 */

/* The client side of text/event-stream: every line ending, every split, unknown fields. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "cli/sse_reader.h"

static struct buf seen;

static void note_frame(const struct sse_frame *frame, void *owner)
{
	(void)owner;
	buf_addf(&seen, "[%s%.*s|%.*s|%.*s]", frame->id.at ? "" : "-", STR_ARGS(frame->id),
		 STR_ARGS(frame->event), STR_ARGS(frame->data));
}

static const struct {
	const char *bytes;
	const char *frames;
} cases[] = {
	{ "id: 1-0\nevent: host.up\ndata: {}\n\n", "[1-0|host.up|{}]" },
	{ "id: 1-0\r\nevent: host.up\r\ndata: {}\r\n\r\n", "[1-0|host.up|{}]" },
	{ "data: a\rdata: b\r\r", "[-||a\nb]" },
	{ "data:a\n\ndata:  b\n\n", "[-||a][-|| b]" },
	{ ": comment\n\n", "" },
	{ "event: quiet\n\n", "" },
	{ "id: 7-1\n\n", "[7-1||]" },
	{ "id\ndata\n\n", "[||]" },
	{ "unknown: x\nretry: no\ndata: y\n\n", "[-||y]" },
	{ "data: unfinished\n", "" },
	{ "event: a\nevent: b\ndata: 1\n\ndata: 2\n\n", "[-|b|1][-||2]" },
};

static void feed_in_pieces(const char *bytes, size_t piece, struct buf *out)
{
	struct sse_reader reader;
	size_t len = strlen(bytes);

	buf_init(&seen, 65536);
	sse_reader_init(&reader, note_frame, NULL);
	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		cr_assert_eq(sse_reader_feed(&reader, (struct str){ bytes + at, n }), 0);
	}
	sse_reader_done(&reader);
	buf_add_str(out, buf_str(&seen));
	buf_done(&seen);
}

Test(sse_reader, reads_the_same_frames_however_the_bytes_are_cut)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t piece = 1; piece < 12; piece++) {
			struct buf got;

			buf_init(&got, 65536);
			feed_in_pieces(cases[i].bytes, piece, &got);
			cr_expect_str_eq(buf_text(&got), cases[i].frames,
					 "case %zu in pieces of %zu: %s", i, piece, buf_text(&got));
			buf_done(&got);
		}
}

Test(sse_reader, keeps_the_last_retry)
{
	struct sse_reader reader;

	buf_init(&seen, 65536);
	sse_reader_init(&reader, note_frame, NULL);
	cr_expect_eq(reader.retry_ms, -1);
	cr_expect_eq(sse_reader_feed(&reader, STR("retry: 2500\nretry: -1\nretry: 99999999999\n")),
		     0);
	cr_expect_eq(reader.retry_ms, 2500);
	sse_reader_done(&reader);
	buf_done(&seen);
}

static void note_comment(struct str text, void *owner)
{
	(void)owner;
	buf_addf(&seen, "(%.*s)", STR_ARGS(text));
}

Test(sse_reader, hands_comments_on_to_who_wants_them)
{
	struct sse_reader reader;

	buf_init(&seen, 65536);
	sse_reader_init(&reader, note_frame, NULL);
	reader.on_comment = note_comment;
	cr_expect_eq(sse_reader_feed(&reader, STR(": keepalive\n\n:the service stops\n:\n"
						  "data: y\n: in a: frame\n\n")),
		     0);
	cr_expect_str_eq(buf_text(&seen), "(keepalive)(the service stops)()(in a: frame)[-||y]");
	sse_reader_done(&reader);
	buf_done(&seen);
}

Test(sse_reader, a_new_connection_forgets_a_half_read_frame)
{
	struct sse_reader reader;

	buf_init(&seen, 65536);
	sse_reader_init(&reader, note_frame, NULL);
	cr_expect_eq(sse_reader_feed(&reader, STR("id: 1-0\ndata: lo")), 0);
	sse_reader_restart(&reader);
	cr_expect_eq(sse_reader_feed(&reader, STR("data: new\n\n")), 0);
	cr_expect_str_eq(buf_text(&seen), "[-||new]");
	sse_reader_done(&reader);
	buf_done(&seen);
}

Test(sse_reader, refuses_a_line_without_end)
{
	struct sse_reader reader;
	char piece[4096];
	int rc = 0;

	memset(piece, 'x', sizeof(piece));
	sse_reader_init(&reader, note_frame, NULL);
	for (int i = 0; i < 300 && rc == 0; i++)
		rc = sse_reader_feed(&reader, (struct str){ piece, sizeof(piece) });
	cr_expect_eq(rc, -E2BIG);
	sse_reader_done(&reader);
}
