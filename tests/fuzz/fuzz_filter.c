/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Query strings and cursors. The input is a header value up to the first line feed ("-" for none)
 * and the query after it. What is accepted must be usable: a cursor that survives being written
 * and read, a time limit within its bounds, a filter that answers for every kind.
 */
#include <errno.h>
#include <stdlib.h>

#include "sse/query.h"

#define NOW_MS INT64_C(1779598928123)

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_query(const struct stream_query *query)
{
	char text[STREAM_ID_TEXT_SIZE];
	struct stream_id again;

	stream_id_format(query->cursor, text);
	check(stream_id_parse(str_of(text), &again) == 0);
	check(stream_id_compare(again, query->cursor) == 0);
	check(query->start != START_NOW || stream_id_is_zero(query->cursor));
	check(query->timeout_s >= WAIT_MIN_S && query->timeout_s <= WAIT_MAX_S);
	for (unsigned kind = EVENT_UNKNOWN; kind < EVENT_KINDS; kind++)
		for (unsigned outcome = OUTCOME_NONE; outcome <= OUTCOME_ERROR; outcome++) {
			bool passes = filter_lets_through(query->filter, (enum event_kind)kind,
							  (enum event_outcome)outcome, STR("base"));

			check(query->filter || passes ||
			      event_kind_is_opt_in((enum event_kind)kind));
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str rest = { .at = (const char *)bytes, .len = len };
	struct str header = str_cut(&rest, '\n');
	struct reason why = { .text = "" };
	struct stream_query query;
	int rc;

	if (str_is(header, "-"))
		header = (struct str){ .at = NULL };
	rc = stream_query_parse(rest, header, NOW_MS, &query, &why);
	if (rc == 0) {
		check_query(&query);
		free(query.filter);
	} else {
		check(rc == -EINVAL && why.text[0]);
	}
	return 0;
}
