/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Why an event did or did not reach each of the team's channels.
 *
 * Happy path: one read job gathers the team's channels, the event's delivery to each of them (its
 * id is made from both) and the note why it was suppressed. A delivery shows what the event was.
 * Without one the event is read from Redis. Then every channel gets its verdict.
 *
 * Failure: an event of another team, or one that neither the store nor Redis knows, is a 404. If
 * the store has nothing and Redis is away, it is a 503. After the store's job nothing of struct
 * views is used, because it may be closed before Redis answers.
 */
#include "views/explain.h"

#include <errno.h>
#include <stdio.h>

#include "bus/bus.h"
#include "core/channel_hold.h"
#include "core/id.h"
#include "core/json.h"
#include "core/utf8.h"
#include "ledger/ledger.h"
#include "views/call.h"

#define MAX_CHANNELS 200 /* the limit is 50, but other programs write the table, too */
#define NAME_SIZE    256
#define IS_DISABLED  "the channel is disabled%.*s; this waits until it is enabled"

/* One channel, and the store's row of the event for it. */
struct explained {
	struct uuid channel;
	char name[NAME_SIZE];
	unsigned kinds; /* one bit per enum event_kind */
	int64_t created_us;
	char disabled[NAME_SIZE + sizeof(IS_DISABLED)]; /* empty: the channel is not */
	bool has_row;
	struct uuid delivery;
	char state[16];
	int64_t now_us;
	char held[CHANNEL_HOLD_WORDS_SIZE]; /* "held until ..."; empty: it is not */
	int64_t delivered_us;
	char error[NAME_SIZE];
	bool has_digest;
	struct uuid digest;
	bool is_in_digest; /* that delivery is a digest; else it is for a newer event */
	struct channel_options *options; /* as they are now; NULL: none */
	int64_t options_us;              /* when they were changed */
	char filtered[128]; /* why the filter keeps the event out; empty: it does not */
};

struct summary {
	bool is_known;
	enum event_kind kind;
	char outcome[16];
	char resource[NAME_SIZE];
};

struct explanation {
	struct api_call call;
	struct redis *redis;
	struct stream_id event;
	char event_text[STREAM_ID_TEXT_SIZE];
	struct summary summary;
	char suppressed[16]; /* the reason; empty: it was not suppressed */
	enum event_kind suppressed_kind;
	size_t count;
	struct explained channels[MAX_CHANNELS];
};

/* ---- the store ------------------------------------------------------------------------------- */

static const struct db_query read_channels = {
	.sql = "SELECT c.id, c.name, c.event_types, c.created_at, CASE WHEN s.disabled_at "
	       "IS NOT NULL THEN COALESCE(': ' || s.disabled_reason, '') END, o.options, "
	       "o.updated_at FROM channels c LEFT JOIN channel_state s ON s.channel_id = c.id "
	       "LEFT JOIN channel_options o ON o.channel_id = c.id WHERE c.team_id = $1 "
	       "ORDER BY c.created_at, c.id LIMIT 200",
};
_Static_assert(MAX_CHANNELS == 200, "the LIMIT of read_channels");
static const struct db_query read_delivery = {
	.sql = "SELECT state, delivered_at, last_error, digest_id, id, "
	       "(SELECT c.event FROM deliveries c WHERE c.id = deliveries.digest_id), "
	       "CASE WHEN state = 'pending' AND held_until = next_attempt_at THEN held_until END "
	       "FROM deliveries WHERE id IN ($1, $2) AND team_id = $3",
};
static const struct db_query read_event = {
	.sql = "SELECT event, outcome, resource, payload FROM deliveries "
	       "WHERE id IN ($1, $2) AND team_id = $3",
};
static const struct db_query read_suppressed = {
	.sql = "SELECT event, reason FROM suppressed WHERE team_id = $1 AND stream_id = $2",
};

static void keep_text(char *out, size_t size, struct str text)
{
	snprintf(out, size, "%.*s", STR_ARGS(utf8_cut(text, size - 1)));
}

static void on_word(struct str word, void *arg)
{
	enum event_kind kind = event_kind_find_stored(word);

	if (kind != EVENT_UNKNOWN)
		*(unsigned *)arg |= 1u << kind;
}

static int on_channel(const struct db_row *row, void *arg)
{
	struct explanation *explanation = arg;
	struct explained *explained = &explanation->channels[explanation->count++];

	*explained = (struct explained){
		.channel = row_uuid(row, 0),
		.now_us = explanation->call.now_us,
		.created_us = row_time(row, 3),
	};
	keep_text(explained->name, sizeof(explained->name), row_text(row, 1));
	row_words(row, 2, on_word, &explained->kinds);
	if (!row_is_null(row, 4))
		snprintf(explained->disabled, sizeof(explained->disabled), IS_DISABLED,
			 STR_ARGS(utf8_cut(row_text(row, 4), NAME_SIZE)));
	explained->options_us = row_time(row, 6);
	/* As in the ledger, options that cannot be read let everything pass. */
	if (!row_is_null(row, 5) &&
	    channel_options_open(row_text(row, 5), &explained->options) == -ENOMEM)
		return -ENOMEM;
	return 0;
}

static void forget_channels(struct explanation *explanation)
{
	for (size_t i = 0; i < explanation->count; i++)
		channel_options_close(explanation->channels[i].options);
	explanation->count = 0;
}

static void apply_filters(struct explanation *explanation, const struct event *event)
{
	for (size_t i = 0; i < explanation->count; i++) {
		struct explained *explained = &explanation->channels[i];
		bool is_newer = explained->options_us / 1000 > (int64_t)event->id.ms;
		const char *rule = NULL;

		if (explained->options)
			rule = event_filter_refusal(&explained->options->filter, event);
		if (rule)
			snprintf(explained->filtered, sizeof(explained->filtered),
				 "the filter's rule for %s keeps it out%s", rule,
				 is_newer ? "; its options were changed after the event" : "");
	}
}

static int on_delivery(const struct db_row *row, void *arg)
{
	struct explained *explained = arg;

	explained->has_row = true;
	keep_text(explained->state, sizeof(explained->state), row_text(row, 0));
	explained->delivered_us = row_time(row, 1);
	keep_text(explained->error, sizeof(explained->error), row_text(row, 2));
	explained->has_digest = !row_is_null(row, 3);
	explained->digest = row_uuid(row, 3);
	explained->delivery = row_uuid(row, 4);
	explained->is_in_digest = row_is_null(row, 5) || str_is(row_text(row, 5), DIGEST_EVENT);
	if (row_time(row, 6) <= explained->now_us)
		return 0;
	return channel_hold_text(explained->options, row_time(row, 6), explained->now_us,
				 explained->held);
}

static int on_event(const struct db_row *row, void *arg)
{
	struct explanation *explanation = arg;
	struct summary *summary = &explanation->summary;
	struct event *event = NULL;
	int rc = event_parse(row_blob(row, 3), explanation->event, &event, NULL);

	summary->is_known = true;
	summary->kind = event_kind_find(row_text(row, 0));
	keep_text(summary->outcome, sizeof(summary->outcome), row_text(row, 1));
	keep_text(summary->resource, sizeof(summary->resource), row_text(row, 2));
	if (rc == 0)
		apply_filters(explanation, event);
	event_free(event);
	return rc == -ENOMEM ? rc : 0;
}

static int on_suppressed(const struct db_row *row, void *arg)
{
	struct explanation *explanation = arg;

	explanation->suppressed_kind = event_kind_find(row_text(row, 0));
	keep_text(explanation->suppressed, sizeof(explanation->suppressed), row_text(row, 1));
	return 0;
}

/* Older versions gave rows another id. */
struct delivery_key {
	struct uuid id;
	struct uuid old_id;
	struct db_value values[3];
};

static void make_key(const struct explanation *explanation, const struct explained *explained,
		     struct delivery_key *out)
{
	delivery_id_make(&explained->channel, explanation->event, &out->id);
	delivery_id_make_old(&explained->channel, explanation->event, &out->old_id);
	out->values[0] = db_uuid(&out->id);
	out->values[1] = db_uuid(&out->old_id);
	out->values[2] = db_uuid(&explanation->call.who.team);
}

/* Reads all deliveries in one round. */
static int read_deliveries(struct db *db, struct explanation *explanation)
{
	struct delivery_key key;
	int rc = 0;

	for (size_t i = 0; i < explanation->count && rc == 0; i++) {
		make_key(explanation, &explanation->channels[i], &key);
		rc = db_run(db, &read_delivery, key.values, 3, on_delivery,
			    &explanation->channels[i], NULL);
	}
	return rc < 0 ? rc : db_flush(db);
}

static int read_summary(struct db *db, struct explanation *explanation)
{
	struct delivery_key key;

	for (size_t i = 0; i < explanation->count; i++) {
		if (!explanation->channels[i].has_row)
			continue;
		make_key(explanation, &explanation->channels[i], &key);
		return db_run_now(db, &read_event, key.values, 3, on_event, explanation, NULL);
	}
	return 0;
}

static int run_explain(struct db *db, struct store_job *job)
{
	struct explanation *explanation = container_of(job, struct explanation, call.job);
	const struct db_value values[] = { db_uuid(&explanation->call.who.team),
					   db_text(str_of(explanation->event_text)) };
	int rc;

	forget_channels(explanation);
	explanation->suppressed[0] = '\0';
	explanation->summary = (struct summary){ .is_known = false };
	rc = db_run(db, &read_suppressed, values, 2, on_suppressed, explanation, NULL);
	if (rc == 0)
		rc = db_run_now(db, &read_channels, values, 1, on_channel, explanation, NULL);
	if (rc == 0)
		rc = read_deliveries(db, explanation);
	return rc < 0 ? rc : read_summary(db, explanation);
}

/* ---- verdicts -------------------------------------------------------------------------------- */

struct finding {
	const char *verdict;
	const char *detail; /* NULL: nothing to add */
};

static struct finding find_of_row(const struct explained *explained)
{
	if (strcmp(explained->state, "pending") == 0 && explained->disabled[0])
		return (struct finding){ "disabled", explained->disabled };
	if (explained->held[0])
		return (struct finding){ "held", explained->held };
	if (strcmp(explained->state, "folded") == 0 && !explained->is_in_digest)
		return (struct finding){ "folded",
					 "the message shows a newer state of the resource" };
	if (strcmp(explained->state, "folded") == 0)
		return (struct finding){ "folded", "it was sent as part of a digest" };
	return (struct finding){ explained->state, explained->error[0] ? explained->error : NULL };
}

static struct finding find_of_suppressed(const char *reason)
{
	if (strcmp(reason, "follow_up") == 0)
		return (struct finding){ "follow_up",
					 "channels heard of the request when it was accepted" };
	if (strcmp(reason, "repeat") == 0)
		return (struct finding){ "repeat",
					 "the same event was sent within the minute before" };
	if (strcmp(reason, "not_expected") == 0)
		return (struct finding){ "not_expected",
					 "it was sent before, or its rule was changed" };
	return (struct finding){ "accept", "channels hear of the request when it is completed" };
}

static struct finding find(const struct explanation *explanation, const struct explained *explained)
{
	if (explained->has_row)
		return find_of_row(explained);
	if (explained->created_us / 1000 > (int64_t)explanation->event.ms)
		return (struct finding){ "channel_newer", "the channel was made after the event" };
	if ((explained->kinds & 1u << explanation->summary.kind) == 0)
		return (struct finding){ "not_subscribed", NULL };
	if (explanation->suppressed[0])
		return find_of_suppressed(explanation->suppressed);
	if (explained->filtered[0])
		return (struct finding){ "filtered", explained->filtered };
	return (struct finding){ "unknown",
				 "there is no record: the event is not processed yet, too old, or "
				 "older than the subscription" };
}

static void write_channel(struct buf *out, const struct explanation *explanation,
			  const struct explained *explained)
{
	const struct finding finding = find(explanation, explained);
	char text[ID_TEXT_SIZE];

	buf_add_char(out, '{');
	id_format(ID_CHANNEL, &explained->channel, text);
	json_add_member(out, "channel_id", str_of(text));
	json_add_member(out, "name", str_of(explained->name));
	json_add_member(out, "verdict", str_of(finding.verdict));
	if (explained->has_row) {
		field_add_uuid(out, "delivery_id", &explained->delivery);
		field_add_time(out, "delivered_at", explained->delivered_us);
	}
	if (explained->has_row && explained->has_digest)
		field_add_uuid(out, "digest_id", &explained->digest);
	if (finding.detail)
		json_add_member(out, "detail", str_of(finding.detail));
	buf_add_char(out, '}');
}

static void write_explanation(struct buf *out, const struct explanation *explanation)
{
	const struct summary *summary = &explanation->summary;

	buf_add_text(out, "{\"event\":{");
	json_add_member(out, "id", str_of(explanation->event_text));
	json_add_member(out, "event", str_of(event_kind_name(summary->kind)));
	field_add_text(out, "outcome", str_of(summary->outcome));
	field_add_text(out, "resource", str_of(summary->resource));
	if (explanation->event.ms <= INT64_MAX / 1000)
		field_add_time(out, "published_at", (int64_t)explanation->event.ms * 1000);
	buf_add_text(out, "},\"channels\":[");
	for (size_t i = 0; i < explanation->count; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		write_channel(out, explanation, &explanation->channels[i]);
	}
	buf_add_text(out, "]}");
}

static void answer(struct explanation *explanation)
{
	struct api_call *call = &explanation->call;

	if (!explanation->summary.is_known && explanation->suppressed[0]) {
		explanation->summary.is_known = true;
		explanation->summary.kind = explanation->suppressed_kind;
	}
	if (!explanation->summary.is_known || explanation->summary.kind == EVENT_UNKNOWN) {
		api_call_refuse_text(call, HTTP_NOT_FOUND, NULL,
				     "there is no event of this id, or it is so old that no record "
				     "of it is left");
		return;
	}
	write_explanation(&call->json, explanation);
	api_call_answer(call, 200);
}

static void take_event(struct explanation *explanation, const struct event *event)
{
	struct summary *summary = &explanation->summary;

	if (stream_id_compare(event->id, explanation->event) != 0 ||
	    !uuid_eq(&event->team, &explanation->call.who.team))
		return;
	summary->is_known = true;
	summary->kind = event->kind;
	keep_text(summary->outcome, sizeof(summary->outcome), event_outcome_word(event->outcome));
	keep_text(summary->resource, sizeof(summary->resource), event->resource_id);
	apply_filters(explanation, event);
}

static void on_range(const struct bus_range *range, void *owner)
{
	struct explanation *explanation = owner;

	if (range->rc < 0 && !explanation->suppressed[0]) {
		api_call_fail(&explanation->call, range->rc);
		return;
	}
	for (size_t i = 0; i < range->count; i++)
		take_event(explanation, range->events[i]);
	answer(explanation);
}

static void on_explained(struct store_job *job, int rc)
{
	struct explanation *explanation = container_of(job, struct explanation, call.job);

	if (rc < 0) {
		api_call_fail(&explanation->call, rc);
		return;
	}
	if (explanation->summary.is_known || !explanation->redis) {
		answer(explanation);
		return;
	}
	rc = bus_range(explanation->redis, stream_id_previous(explanation->event), 1, NULL,
		       on_range, explanation);
	if (rc == 0)
		return;
	if (explanation->suppressed[0])
		answer(explanation);
	else
		api_call_fail(&explanation->call, rc);
}

static void end_explanation(struct api_call *call)
{
	forget_channels(container_of(call, struct explanation, call));
}

void view_explain(struct http_request *request, void *owner)
{
	struct stream_id event;
	struct explanation *explanation;
	struct api_call *call;

	if (stream_id_parse(http_request_param(request, 0), &event) < 0) {
		http_respond_fault(request, HTTP_INVALID_REQUEST, NULL,
				   "the event's id must look like 1779598928123-0");
		return;
	}
	call = api_call_new(owner, request, sizeof(*explanation));
	if (!call)
		return;
	explanation = container_of(call, struct explanation, call);
	call->done = end_explanation;
	explanation->redis = views_of(call)->redis;
	explanation->event = event;
	stream_id_format(event, explanation->event_text);
	call->job.run = run_explain;
	call->job.on_done = on_explained;
	api_call_submit(call, store_read_for_request);
}
