/* SPDX-License-Identifier: Apache-2.0 */

/* Metadata holds only strings, so the frame says a gap twice: as text there, and as a boolean. */
#include "sse/greeting.h"

#include "core/backoff.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/rfc3339.h"
#include "sse/cursor.h"
#include "sse/frame.h"

#define RETRY_MIN_MS    2000
#define RETRY_SPREAD_MS 1000
#define DATA_MAX_BYTES  1024

static void begin_data(struct buf *data)
{
	char now[RFC3339_TEXT_SIZE];

	rfc3339_format(clock_wall_us(), 0, now);
	buf_add_char(data, '{');
	json_add_member(data, "event", STR("connected"));
	json_add_member(data, "message", STR("connected"));
	json_add_member(data, "timestamp", str_of(now));
	json_add_name(data, "metadata");
	buf_add_char(data, '{');
}

static void add_id(struct buf *data, const char *name, struct stream_id id)
{
	char text[STREAM_ID_TEXT_SIZE];

	stream_id_format(id, text);
	json_add_member(data, name, str_of(text));
}

static void add_gap(struct buf *data, struct stream_id oldest)
{
	json_add_member(data, "gap", STR("true"));
	add_id(data, "oldest", oldest);
}

static void add_staleness(struct buf *data, int64_t since_us)
{
	char since[RFC3339_TEXT_SIZE];

	rfc3339_format(since_us, 0, since);
	json_add_member(data, "stale", STR("true"));
	json_add_member(data, "stale_since", str_of(since));
}

static void end_data(struct buf *data, bool gap)
{
	buf_add_char(data, '}');
	if (gap)
		buf_add_text(data, ",\"gap\":true");
	buf_add_char(data, '}');
}

static int make(struct sse *sse, struct frame *frame, struct buf *data, struct item **out)
{
	int rc;

	frame->name = "connected";
	frame->data = buf_str(data);
	buf_reset(&sse->scratch);
	frame_encode(&sse->scratch, frame);
	rc = data->err ? data->err : sse->scratch.err;
	if (rc == 0)
		rc = item_from_text(buf_str(&sse->scratch), out);
	buf_done(data);
	return rc;
}

int greeting_make(struct sse *sse, const struct beginning *beginning, struct item **out)
{
	struct frame frame = {
		.retry_ms = (unsigned)jitter(RETRY_MIN_MS + RETRY_SPREAD_MS / 2, 20),
		.has_id = true,
		.id = beginning->cursor,
	};
	struct buf data;

	buf_init(&data, DATA_MAX_BYTES);
	begin_data(&data);
	add_id(&data, "cursor", beginning->cursor);
	if (beginning->gap)
		add_gap(&data, beginning->oldest);
	if (sse->source.stale_since_us)
		add_staleness(&data, sse->source.stale_since_us);
	end_data(&data, beginning->gap);
	return make(sse, &frame, &data, out);
}

int greeting_make_gap(struct sse *sse, struct stream_id from, struct item **out)
{
	struct frame frame = { .retry_ms = 0 };
	struct buf data;

	buf_init(&data, DATA_MAX_BYTES);
	begin_data(&data);
	add_gap(&data, stream_id_next(from));
	end_data(&data, true);
	return make(sse, &frame, &data, out);
}
