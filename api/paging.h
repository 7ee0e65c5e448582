/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The query parameters of a list, newest first: `limit`, and the cursor `before` with
 * `before_id`. Pure. A parameter that takes one value may come once.
 */
#ifndef API_PAGING_H
#define API_PAGING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/reason.h"
#include "core/str.h"
#include "core/uuid.h"

#define PAGING_MAX_ROWS 200 /* a larger `limit` counts as this */

/* How a list writes the ids of its rows. */
struct paging_ids {
	int (*parse)(struct str text, struct uuid *out);
	const char *expected; /* completes the sentence "before_id must be …" */
};

struct paging {
	const struct paging_ids *ids;
	/* The page begins with rows older than `before`, or as old and with a lower id. */
	int64_t before_us;
	struct uuid before_id;
	unsigned limit;
	bool has_before;
	bool has_before_id;
	bool has_limit;
};

/* The first page, of `limit` rows. */
void paging_init(struct paging *paging, unsigned limit, const struct paging_ids *ids);

/* Takes one parameter. 0; -EINVAL with *why; -ENOENT when it is none of the three. */
int paging_read(struct paging *paging, struct str name, struct str value,
		struct reason *why) must_check;

/* After the last parameter. */
void paging_finish(struct paging *paging);

/* For any parameter: -EINVAL with *why when it comes a second time. */
int parameter_once(bool *is_given, const char *name, struct reason *why) must_check;

/* An RFC 3339 time, or how long before now: "90s", "10m", "2h", "3d". 0, or -EINVAL with *why. */
int parameter_time(struct str text, const char *name, int64_t now_us, int64_t *out_us,
		   struct reason *why) must_check;

#endif
