/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation fails in turn: a frame is read whole, or the reader says that it was not. */
#include <criterion/criterion.h>
#include <errno.h>

#include "cli/sse_reader.h"
#include "tests/support/heap.h"

static unsigned frames;

static void note_frame(const struct sse_frame *frame, void *owner)
{
	(void)owner;
	frames++;
	cr_expect(str_is(frame->id, "1-0") && str_is(frame->event, "host.up") &&
			  str_is(frame->data, "{}"),
		  "a part of a frame");
}

static void read_once(void *arg)
{
	struct sse_reader reader;
	int rc;

	(void)arg;
	frames = 0;
	sse_reader_init(&reader, note_frame, NULL);
	rc = sse_reader_feed(&reader, STR("id: 1-0\nevent: host.up\nda"));
	if (rc == 0)
		rc = sse_reader_feed(&reader, STR("ta: {}\n\n"));
	cr_expect(rc == 0 ? frames == 1 : rc == -ENOMEM, "%d after %u frames", rc, frames);
	sse_reader_done(&reader);
}

Test(fault, a_frame_is_read_whole_or_the_reader_says_that_it_was_not)
{
	heap_fail_each(read_once, NULL);
}
