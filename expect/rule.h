/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One rule of a team: after X without Y for the same resource within T. As JSON:
 * {"after":{"event":"host.down"},"without":{"event":["host.up"]},"within_s":600}. Each side may
 * also have `outcome` and `filter`. {"request":"template.snapshot.create"} as `after` means the
 * request, which is not an event. {"form":"host"} is short for a rule.
 */
#ifndef EXPECT_RULE_H
#define EXPECT_RULE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/event.h"
#include "core/event_filter.h"
#include "core/reason.h"
#include "core/str.h"

#define EXPECT_NAME_SIZE    65 /* 64 characters and a NUL */
#define EXPECT_MAX_BYTES    32768
#define EXPECT_MIN_WITHIN_S 60
#define EXPECT_MAX_WITHIN_S 604800

/* The events of one side. */
struct expect_side {
	unsigned kinds;              /* one bit per enum event_kind */
	enum event_outcome outcome;  /* OUTCOME_NONE: any */
	struct event_filter *filter; /* NULL: none */
	const cJSON *filter_json;    /* the same */
};

struct expect_rule {
	cJSON *tree; /* owns the texts of filters; NULL: the caller owns them */
	char name[EXPECT_NAME_SIZE];
	bool is_of_request; /* X is the request for a snapshot, and `after` is empty */
	struct expect_side after;
	struct expect_side without;
	int64_t within_ms;
	int64_t changed_us; /* wall clock; 0: not stored */
};

/* Lower-case letters, digits, hyphens, dots and underscores, 1 to 64 of them. */
bool expect_name_is_good(struct str name);

/* Parses what a client sent, forms included. The tree must outlive the rule. 0; -ENOMEM; -EINVAL
 * with the member in *why. expect_rule_done() is needed after 0 only. */
int expect_rule_read(const cJSON *object, struct expect_rule *out, struct reason *why) must_check;
/* The same for the text that expect_rule_write() wrote. */
int expect_rule_parse(struct str json, struct expect_rule *out) must_check;
void expect_rule_done(struct expect_rule *rule);

/* Appends after, without and within_s, as members of an object that the caller opens. */
void expect_rule_write(struct buf *out, const struct expect_rule *rule);

bool expect_rule_arms(const struct expect_rule *rule, const struct event *event);
bool expect_rule_meets(const struct expect_rule *rule, const struct event *event);

/* "sandbox", "snapshot", "host" or "volume". */
const char *expect_rule_resource_type(const struct expect_rule *rule);

#endif
