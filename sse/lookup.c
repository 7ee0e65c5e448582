/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Capsule look-ups.
 *
 * Happy path: a flush gathers the items that listeners need, one job reads their rows on a reader
 * thread (one pipeline, one round trip), and the loop finishes the items. Failure: no row, a
 * damaged row, a store that is away or full, or two seconds over: the item goes out with null. A
 * late job ends by itself and its answer is dropped. The thread never touches items, only the job's
 * own copies of ids.
 */
#include "sse/lookup.h"

#include <errno.h>
#include <stdlib.h>

#include "core/errno_text.h"
#include "core/log.h"
#include "sse/capsule.h"
#include "sse/turn.h"

struct want {
	struct item *item;   /* held; only the loop uses it, and `topic` */
	struct topic *topic; /* pinned */
	struct uuid capsule;
	struct uuid team;
	const char *status; /* contract b.4; NULL: as stored */
	struct buf json;    /* only the thread uses it until the job is done; empty: no row */
};

struct capsule_lookup {
	struct store_job job;
	struct deadline limit;
	struct sse *sse;
	bool late; /* its items have gone out without it */
	size_t count;
	struct want wants[LOOKUP_MAX_WANTS];
};

/* ---- on the reader's thread -------------------------------------------------------------- */

static int on_row(const struct db_row *row, void *arg)
{
	struct want *want = arg;

	buf_reset(&want->json);
	capsule_write_row(&want->json, row, &want->capsule, want->status);
	return 0;
}

static int ask(struct db *db, struct want *want)
{
	const struct db_value values[] = { db_uuid(&want->capsule), db_uuid(&want->team) };

	return db_run(db, &capsule_query, values, ARRAY_LEN(values), on_row, want, NULL);
}

static int ask_all(struct db *db, struct capsule_lookup *lookup)
{
	int rc = 0;
	int flushed;

	for (size_t i = 0; i < lookup->count; i++)
		buf_reset(&lookup->wants[i].json);
	for (size_t i = 0; i < lookup->count && rc == 0; i++)
		rc = ask(db, &lookup->wants[i]);
	flushed = db_flush(db);
	return rc < 0 ? rc : flushed;
}

/* A damaged row fails the whole pipeline. The other capsules must still get their rows. */
static int ask_each(struct db *db, struct capsule_lookup *lookup)
{
	for (size_t i = 0; i < lookup->count; i++) {
		struct want *want = &lookup->wants[i];
		int rc;
		int flushed;

		buf_reset(&want->json);
		rc = ask(db, want);
		flushed = db_flush(db);
		rc = rc < 0 ? rc : flushed;
		if (rc < 0)
			buf_reset(&want->json);
		if (rc < 0 && rc != -EBADMSG)
			return rc;
	}
	return 0;
}

static int run(struct db *db, struct store_job *job)
{
	struct capsule_lookup *lookup = container_of(job, struct capsule_lookup, job);
	int rc = ask_all(db, lookup);

	return rc == -EBADMSG ? ask_each(db, lookup) : rc;
}

/* ---- on the loop ------------------------------------------------------------------------- */

static void wake(struct topic *topic)
{
	if (!list_is_empty(&topic->others) || !list_is_empty(&topic->front_line))
		turn_mark(topic);
}

static void finish(struct sse *sse, struct want *want, struct str sandbox)
{
	struct item *item = want->item;
	size_t old_cost = item_cost(item);

	if (item_finish(item, sandbox, &sse->scratch) < 0)
		turn_lose(sse);
	history_recount(&sse->history, item, old_cost);
	wake(want->topic);
	wake(&sse->history.all);
	want->topic->pins--;
	if (topic_is_unused(want->topic))
		turn_mark(want->topic);
	item_unref(item);
	want->item = NULL;
}

/* Finishes every item: with its row, or with null for this failure (LOOKUP_ROW: none). */
static void finish_all(struct capsule_lookup *lookup, enum lookup_result failure)
{
	struct sse *sse = lookup->sse;

	for (size_t i = 0; i < lookup->count; i++) {
		struct want *want = &lookup->wants[i];
		bool has_row = failure == LOOKUP_ROW && want->json.len > 0 && !want->json.err;
		enum lookup_result result = failure;

		if (failure == LOOKUP_ROW && !has_row)
			result = LOOKUP_NONE;
		metric_add(sse->metrics.lookups[result], 1);
		finish(sse, want, has_row ? buf_str(&want->json) : STR("null"));
	}
	deadline_stop(&lookup->limit);
}

static void lookup_free(struct capsule_lookup *lookup)
{
	for (size_t i = 0; i < lookup->count; i++)
		buf_done(&lookup->wants[i].json);
	free(lookup);
}

static void note_health(struct sse *sse, int rc)
{
	if (rc < 0 && !sse->lookups.failing)
		log_warn("cannot look up capsules, live events go out without them",
			 log_str("error", errno_text(rc)));
	else if (rc == 0 && sse->lookups.failing)
		log_info("capsules can be looked up again");
	sse->lookups.failing = rc < 0;
}

static void on_done(struct store_job *job, int rc)
{
	struct capsule_lookup *lookup = container_of(job, struct capsule_lookup, job);
	struct sse *sse = lookup->sse;

	note_health(sse, rc);
	if (!lookup->late)
		finish_all(lookup, rc < 0 ? LOOKUP_FAILED : LOOKUP_ROW);
	lookup_free(lookup);
	sse->lookups.running--;
	sse->pending--;
	live_release(sse);
}

void on_lookup_limit(struct deadline *deadline, void *owner)
{
	struct capsule_lookup *lookup = container_of(deadline, struct capsule_lookup, limit);

	(void)owner;
	lookup->late = true;
	finish_all(lookup, LOOKUP_LATE);
}

static bool start(struct capsule_lookup *lookup)
{
	struct sse *sse = lookup->sse;

	if (sse->lookups.running >= LOOKUP_MAX_RUNNING ||
	    store_read(sse->options.store, &lookup->job) < 0)
		return false;
	deadline_start(&sse->lookup_limits, &lookup->limit);
	sse->lookups.running++;
	sse->pending++;
	return true;
}

void lookup_submit(struct sse *sse)
{
	struct capsule_lookup *lookup = sse->lookups.gathering;

	sse->lookups.gathering = NULL;
	if (!lookup || start(lookup))
		return;
	finish_all(lookup, LOOKUP_FAILED);
	lookup_free(lookup);
}

static struct capsule_lookup *gathering(struct sse *sse)
{
	struct capsule_lookup *lookup = sse->lookups.gathering;

	if (lookup && lookup->count < LOOKUP_MAX_WANTS)
		return lookup;
	lookup_submit(sse);
	lookup = calloc(1, sizeof(*lookup));
	if (!lookup)
		return NULL;
	lookup->job.run = run;
	lookup->job.on_done = on_done;
	lookup->sse = sse;
	deadline_init(&lookup->limit);
	sse->lookups.gathering = lookup;
	turn_wake(sse);
	return lookup;
}

static void want(struct sse *sse, struct item *item)
{
	struct capsule_lookup *lookup = gathering(sse);
	struct want *new;

	if (!lookup) {
		turn_lose(sse);
		return;
	}
	new = &lookup->wants[lookup->count++];
	new->item = item_ref(item);
	new->topic = item->topic;
	new->topic->pins++;
	new->capsule = item->capsule;
	new->team = item->team;
	/* An event that a later one followed no longer proves the status. One of this very batch
	 * does: it describes the moment of its arrival. */
	if (!item->superseded || item->batch == sse->history.batch)
		new->status = item->implied_status;
	buf_init(&new->json, CAPSULE_MAX_BYTES);
	item->state = ITEM_LOOKING;
}

void lookup_want_from(struct sse *sse, struct item *first, enum item_chain chain,
		      const struct filter *filter, unsigned most)
{
	for (struct item *item = first; item && most > 0; item = item->next[chain], most--)
		if (item->state == ITEM_BARE &&
		    filter_lets_through(filter, (enum event_kind)item->kind,
					(enum event_outcome)item->outcome, item_resource(item)))
			want(sse, item);
}
