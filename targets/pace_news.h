/* SPDX-License-Identifier: Apache-2.0 */

/* One line of text that a worker publishes about its paces. Pure. */
#ifndef TARGETS_PACE_NEWS_H
#define TARGETS_PACE_NEWS_H

#include "core/attributes.h"
#include "core/buf.h"
#include "core/uuid.h"
#include "targets/pace.h"

enum pace_news_kind {
	PACE_TOOK,    /* a token of each bucket */
	PACE_LEARNED, /* from an answer */
	PACE_FORGOT   /* the buckets of a channel; `paced` has only team and channel */
};

struct pace_news {
	enum pace_news_kind kind;
	struct uuid worker; /* who published it */
	struct paced paced;
	/* PACE_LEARNED: as in paces_learn(). The verdict keeps only what a pace learns from. */
	struct verdict verdict;
	int status;
};

/* A failure sticks in out->err. */
void pace_news_write(struct buf *out, const struct pace_news *news);

/* -EINVAL for a line that no worker writes. */
int pace_news_read(struct str line, struct pace_news *out) must_check;

#endif
