/* SPDX-License-Identifier: Apache-2.0 */

/* The parameters of the list of deliveries, and of `recover`. Pure. */
#ifndef VIEWS_LIST_QUERY_H
#define VIEWS_LIST_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/api.h"
#include "core/attributes.h"
#include "core/reason.h"
#include "core/str.h"

#define VIEW_MAX_VALUES 16 /* of each filter */

struct view_words {
	size_t count;
	struct str values[VIEW_MAX_VALUES]; /* constants */
};

struct list_query {
	struct paging paging;
	int64_t since_us;
	int64_t until_us;
	struct view_words states;
	struct view_words events;
};

/* Reads the raw query string of a list. 0, or -EINVAL with *why. */
int list_query_parse(struct str query, int64_t now_us, struct list_query *out,
		     struct reason *why) must_check;

struct recover_query {
	int64_t since_us;
	int64_t until_us;
	bool failed;
	bool dropped;
};

/* Reads the body of `recover`, which may be empty. */
int recover_query_parse(struct str body, int64_t now_us, struct recover_query *out,
			struct reason *why) must_check;

#endif
