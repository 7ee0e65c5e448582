/* SPDX-License-Identifier: Apache-2.0 */

/* The event wrenn.expectation.missed: the expected event of a wait did not come in time, or came
 * late. */
#ifndef EXPECT_NOTICE_H
#define EXPECT_NOTICE_H

#include <stdint.h>

#include "core/buf.h"
#include "core/event.h"
#include "core/str.h"
#include "core/uuid.h"
#include "expect/rule.h"

struct expect_notice {
	const struct uuid *team;
	const struct expect_rule *rule;
	struct str resource;
	int64_t since_ms;
	int64_t due_ms;
	int64_t arrived_ms; /* 0: it has not */
};

/* Appends the compact JSON of contract a.3. */
void expect_notice_write(struct buf *out, const struct expect_notice *notice, int64_t now_ms);

/* When the wait of such an event was due; 0 when the event does not say. */
int64_t expect_notice_due_ms(const struct event *event);

#endif
