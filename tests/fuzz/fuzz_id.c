/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any bytes as an id, a stream id, a UUID, a time or a duration. What is accepted has to be
 * written as a text that is accepted and means the same.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/id.h"
#include "core/rfc3339.h"
#include "core/stream_id.h"

/* Unlike assert(), cannot be compiled out and gives the fuzzer its crash. */
#define CHECK(fact)              \
	do {                     \
		if (!(fact))     \
			abort(); \
	} while (0)

static void check_id(struct str text)
{
	for (enum id_kind kind = 0; kind < ID_KINDS; kind++) {
		char out[ID_TEXT_SIZE];
		struct uuid id;

		if (id_parse(kind, text, &id) < 0)
			continue;
		id_format(kind, &id, out);
		CHECK(str_is(text, out));
	}
}

static void check_uuid(struct str text)
{
	char out[UUID_TEXT_SIZE];
	struct uuid id;
	struct uuid again;

	if (uuid_parse(text, &id) < 0)
		return;
	uuid_format(&id, out);
	CHECK(str_eq_nocase(text, str_of(out)));
	CHECK(uuid_parse(str_of(out), &again) == 0 && uuid_eq(&id, &again));
}

static void check_stream_id(struct str text)
{
	char out[STREAM_ID_TEXT_SIZE];
	struct stream_id id;
	struct stream_id again;

	if (stream_id_parse(text, &id) < 0)
		return;
	stream_id_format(id, out);
	CHECK(stream_id_parse(str_of(out), &again) == 0);
	CHECK(stream_id_compare(id, again) == 0);
	if (!stream_id_is_zero(id))
		CHECK(stream_id_compare(stream_id_previous(id), id) < 0);
}

static void check_formatted_time(int64_t us)
{
	char out[RFC3339_TEXT_SIZE];
	int64_t again = 0;

	rfc3339_format(us, 6, out);
	CHECK(rfc3339_parse(str_of(out), &again) == 0 && again == us);
	CHECK(rfc3339_parse_sql(str_of(out), &again) == 0 && again == us);
	rfc3339_format(us, 0, out);
	CHECK(rfc3339_parse(str_of(out), &again) == 0 && again <= us && us - again < 1000000);
}

static void check_time(struct str text)
{
	int64_t us;
	int64_t sql_us;

	if (rfc3339_parse_sql(text, &sql_us) == 0)
		check_formatted_time(sql_us);
	if (rfc3339_parse(text, &us) == 0)
		CHECK(rfc3339_parse_sql(text, &sql_us) == 0 && us == sql_us);
	if (http_date_parse(text, &us) == 0)
		check_formatted_time(us);
}

static void check_duration(struct str text)
{
	char out[40];
	int64_t ms;
	int64_t again;

	if (duration_parse(text, &ms) < 0)
		return;
	CHECK(ms >= 0 && ms % 1000 == 0);
	snprintf(out, sizeof(out), "%llds", (long long)(ms / 1000));
	CHECK(duration_parse(str_of(out), &again) == 0 && again == ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct str text = { .at = (const char *)bytes, .len = size };

	check_id(text);
	check_uuid(text);
	check_stream_id(text);
	check_time(text);
	check_duration(text);
	return 0;
}
