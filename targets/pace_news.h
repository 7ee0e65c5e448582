/* SPDX-License-Identifier: Apache-2.0 */

/* What one worker publishes about its paces, as one line of text. Pure. */
#ifndef TARGETS_PACE_NEWS_H
#define TARGETS_PACE_NEWS_H

#include "core/attributes.h"
#include "core/buf.h"
#include "core/uuid.h"
#include "targets/pace.h"

enum pace_news_kind {
	PACE_TOOK,    /* a token of each bucket */
	PACE_LEARNED, /* from an answer */
	PACE_FORGOT   /* the buckets of a channel; `paced` names the user only */
};

struct pace_news {
	enum pace_news_kind kind;
	struct uuid worker; /* who published it */
	struct paced paced;
	/* PACE_LEARNED: as in paces_learn(). The verdict keeps only what a pace learns from. */
	struct verdict verdict;
	int status;
};

/* `out` fails as every buffer does. */
void pace_news_write(struct buf *out, const struct pace_news *news);

/* -EINVAL for what no worker writes. */
int pace_news_read(struct str line, struct pace_news *out) must_check;

#endif
