/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation fails in turn: what fails says so, and what says 0 is whole. */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/event.h"
#include "core/exchange.h"
#include "core/json.h"
#include "tests/support/heap.h"

static const char payload[] =
	"{\"event\":\"capsule.destroy\",\"timestamp\":\"2026-05-24T05:02:07Z\","
	"\"team_id\":\"team-0x5yg3bfyrehlas5fmd3rslxq\",\"outcome\":\"error\","
	"\"actor\":{\"type\":\"user\",\"id\":\"u\\u0000-1\",\"name\":\"A \\u00e9\"},"
	"\"resource\":{\"id\":\"cl-1\",\"type\":\"capsule\"},\"error\":\"it \\\"broke\\\"\","
	"\"metadata\":{\"z\":\"1\",\"reason\":\"r\",\"host_ip\":\"10.0.0.1\"},"
	"\"sandbox\":{\"a\":[1,2,{\"b\":null}]}}";

static void expect_code(int rc, const char *what)
{
	cr_expect_eq(rc, heap_was_met() ? -ENOMEM : 0, "%s: %d", what, rc);
}

static struct event *parse(void)
{
	struct reason why = { .text = "" };
	struct event *event = NULL;
	int rc = event_parse(str_of(payload), (struct stream_id){ 7, 3 }, &event, &why);

	expect_code(rc, why.text);
	return rc == 0 ? event : NULL;
}

static void parse_event(void *arg)
{
	(void)arg;
	event_free(parse());
}

Test(fault, an_event_is_parsed_or_there_was_no_memory)
{
	heap_fail_each(parse_event, NULL);
}

/* arg: one of the writers of an event. */
struct writing {
	void (*write)(struct buf *out, const struct event *event);
	struct event *event;
	struct buf whole;
};

static void write_event(void *arg)
{
	struct writing *writing = arg;
	struct buf out;

	buf_init(&out, 65536);
	writing->write(&out, writing->event);
	expect_code(out.err, "an event is written");
	if (out.err == 0)
		cr_expect(str_eq(buf_str(&out), buf_str(&writing->whole)));
	buf_done(&out);
}

Test(fault, an_event_is_written_whole_or_there_was_no_memory)
{
	static void (*const writers[])(struct buf *, const struct event *) = {
		event_write_frame,
		event_write_body,
		event_write_body_without_host,
	};
	struct event *event = parse();

	for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
		struct writing writing = { .write = writers[i], .event = event };

		buf_init(&writing.whole, 65536);
		writers[i](&writing.whole, event);
		cr_assert_eq(writing.whole.err, 0);
		heap_fail_each(write_event, &writing);
		buf_done(&writing.whole);
	}
	event_free(event);
}

static void parse_json(void *arg)
{
	cJSON *tree = NULL;
	struct buf out;
	int rc = json_parse(str_of(arg), 65536, &tree, NULL);

	expect_code(rc, arg);
	buf_init(&out, 65536);
	if (rc == 0) {
		json_add_value(&out, tree);
		expect_code(out.err, arg);
	}
	buf_done(&out);
	cJSON_Delete(tree);
}

Test(fault, json_is_read_and_written_or_there_was_no_memory)
{
	heap_fail_each(parse_json,
		       "{\"a\":[1,2.5,\"x\\u00e9\",{\"b\":null,\"c\":true}],\"d\":\"\"}");
}

static void fill_request(void *arg)
{
	struct outgoing out;

	(void)arg;
	outgoing_init(&out);
	buf_add_text(&out.url, "https://example.test/a");
	buf_add_text(&out.body, payload);
	outgoing_header(&out, "Content-Type", STR("application/json"));
	outgoing_header(&out, "User-Agent", STR("wrenn-events"));
	expect_code(outgoing_error(&out), "a request");
	outgoing_done(&out);
}

Test(fault, a_request_says_that_it_is_not_whole)
{
	heap_fail_each(fill_request, NULL);
}
