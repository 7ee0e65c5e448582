/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any bytes as a line about paces. Redis passes on whatever is published. What is accepted stays
 * within the bounds of a pace, and is written as a line that is accepted and means the same.
 */
#include <stdlib.h>
#include <string.h>

#include "targets/pace_news.h"

/* Unlike assert(), cannot be compiled out and gives the fuzzer its crash. */
#define CHECK(fact)              \
	do {                     \
		if (!(fact))     \
			abort(); \
	} while (0)

#define DAY_MS ((int64_t)24 * 3600 * 1000)

static void check_bounds(const struct pace_news *news)
{
	CHECK(news->kind <= PACE_FORGOT);
	CHECK(news->paced.provider || news->kind == PACE_FORGOT);
	CHECK(news->status >= 0);
	CHECK(news->verdict.retry_after_ms >= -1 && news->verdict.retry_after_ms <= DAY_MS);
	CHECK(news->verdict.pause_ms >= -1 && news->verdict.pause_ms <= DAY_MS);
	CHECK(news->paced.count <= PROVIDER_MAX_PACES);
	for (size_t i = 0; i < news->paced.count; i++) {
		const struct pace *pace = &news->paced.list[i];

		CHECK(strlen(pace->key) == sizeof(pace->key) - 1);
		CHECK(pace->interval_us >= 0 && pace->interval_us <= DAY_MS * 1000);
	}
}

static void check_written(const struct pace_news *news)
{
	struct pace_news again;
	struct buf line, second;

	buf_init(&line, 65536);
	buf_init(&second, 65536);
	pace_news_write(&line, news);
	CHECK(!line.err && pace_news_read(buf_str(&line), &again) == 0);
	pace_news_write(&second, &again);
	CHECK(!second.err && str_eq(buf_str(&line), buf_str(&second)));
	buf_done(&line);
	buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct str text = { .at = (const char *)bytes, .len = size };
	struct pace_news news;

	if (pace_news_read(text, &news) == 0) {
		check_bounds(&news);
		check_written(&news);
	}
	return 0;
}
