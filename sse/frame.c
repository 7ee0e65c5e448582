/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Frames as bytes. The only text that is not ours is the data, so it is split into lines here,
 * whatever its writer promised. A failure stays in the buffer.
 */
#include "sse/frame.h"

static size_t line_len(struct str text)
{
	size_t len = 0;

	/* Nearly every payload is one line, and memchr() is much faster. */
	if (!memchr(text.at, '\n', text.len) && !memchr(text.at, '\r', text.len))
		return text.len;
	while (len < text.len && text.at[len] != '\n' && text.at[len] != '\r')
		len++;
	return len;
}

static void add_data(struct buf *out, struct str text)
{
	for (;;) {
		size_t len = line_len(text);

		buf_add_text(out, "data: ");
		buf_add(out, text.at, len);
		buf_add_char(out, '\n');
		if (len == text.len)
			return;
		len += str_starts(str_from(text, len), STR("\r\n")) ? 2 : 1;
		text = str_from(text, len);
	}
}

size_t frame_encode(struct buf *out, const struct frame *frame)
{
	size_t start = out->len;
	size_t data_at;

	if (frame->retry_ms) {
		buf_add_text(out, "retry: ");
		buf_add_u64(out, frame->retry_ms);
		buf_add_char(out, '\n');
	}
	if (frame->name) {
		buf_add_text(out, "event: ");
		buf_add_text(out, frame->name);
		buf_add_char(out, '\n');
	}
	data_at = out->len - start + sizeof("data: ") - 1;
	if (frame->data.len)
		add_data(out, frame->data);
	if (frame->has_id) {
		buf_add_text(out, "id: ");
		buf_add_u64(out, frame->id.ms);
		buf_add_char(out, '-');
		buf_add_u64(out, frame->id.seq);
		buf_add_char(out, '\n');
	}
	buf_add_char(out, '\n');
	return data_at;
}

void frame_comment(struct buf *out, const char *text)
{
	buf_add_text(out, ": ");
	buf_add_text(out, text);
	buf_add_text(out, "\n\n");
}

size_t chunk_head(size_t n, char out[CHUNK_HEAD_MAX])
{
	static const char digits[] = "0123456789abcdef";
	size_t len = 1;

	while (len < 16 && n >> (4 * len))
		len++;
	for (size_t i = 0; i < len; i++)
		out[i] = digits[n >> (4 * (len - 1 - i)) & 15];
	out[len] = '\r';
	out[len + 1] = '\n';
	return len + 2;
}
