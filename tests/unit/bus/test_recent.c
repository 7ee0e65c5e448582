/* SPDX-License-Identifier: Apache-2.0 */

/* The ring of the last entries that were read. */
#include "bus/recent.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void add(struct recent_entries *recent, unsigned ms)
{
	char id[32];
	redisReply text = { .type = REDIS_REPLY_STRING, .str = id };
	redisReply fields = { .type = REDIS_REPLY_ARRAY };
	redisReply *elements[] = { &text, &fields };
	redisReply entry = { .type = REDIS_REPLY_ARRAY, .elements = 2, .element = elements };

	text.len = (size_t)snprintf(id, sizeof(id), "%u-0", ms);
	cr_assert_eq(recent_add(recent, &entry), 0);
}

Test(recent, keeps_the_last_ones_in_order)
{
	static struct recent_entries recent;

	for (unsigned ms = 1; ms <= RECENT_MAX + 2; ms++) {
		add(&recent, ms);
		cr_expect_eq(recent.count, ms < RECENT_MAX ? ms : RECENT_MAX);
		cr_expect_eq(recent_oldest(&recent).ms, ms <= RECENT_MAX ? 1 : ms - RECENT_MAX + 1);
		cr_expect_eq(recent_newest(&recent).ms, ms);
	}
	recent_cut(&recent, (struct stream_id){ .ms = RECENT_MAX - 3 });
	cr_expect_eq(recent.count, RECENT_MAX - 5);
	cr_expect_eq(recent_oldest(&recent).ms, 3);
	cr_expect_eq(recent_newest(&recent).ms, RECENT_MAX - 3);
}
