/* SPDX-License-Identifier: Apache-2.0 */

/* Many events in one message (storm control). */
#ifndef PROVIDERS_DIGEST_H
#define PROVIDERS_DIGEST_H

#include <stddef.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/str.h"

struct cJSON;

#define DIGEST_MAX_GROUPS   16
#define DIGEST_MAX_FAILURES 10
#define DIGEST_MAX_NAMES    200
#define DIGEST_EVENT        "notification.digest" /* deliveries.event of a digest */

/* Its JSON is fixed when the row of the delivery is made: docs/notes/providers.md. All texts point
 * into that JSON's tree. */
struct digest {
	struct str team_text; /* team-... */
	struct str first;     /* RFC 3339 times of the earliest and latest event */
	struct str last;
	size_t total; /* events in it */
	size_t group_count;
	struct digest_group {
		struct str event;   /* "capsule.destroy" */
		struct str outcome; /* "success", "error", "requested" or empty */
		size_t count;
	} groups[DIGEST_MAX_GROUPS]; /* failures first, then the largest */
	size_t failure_count;
	struct digest_failure {
		struct str event;
		struct str resource_id;
		struct str error;        /* may be empty */
	} failures[DIGEST_MAX_FAILURES]; /* the earliest */
	/* After quiet hours: the names of all events that did not fail. Else empty. */
	size_t name_count;
	struct digest_name {
		struct str event;
		struct str outcome;
		struct str resource_id;
	} names[DIGEST_MAX_NAMES];
	struct cJSON *tree;
};

/* Appends the JSON of a digest. */
void digest_write(struct buf *out, const struct digest *digest);
/* 0, -EINVAL, -ENOMEM; digest_done() is needed after 0 only. */
int digest_parse(struct str json, struct digest *out) must_check;
void digest_done(struct digest *digest);

#endif
