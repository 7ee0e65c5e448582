/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One attempt: build, send, judge, move the delivery, store the result. The only code that sends.
 *
 * Happy path: the settings are opened for the moment the request is built, the answer judged, the
 * new state and the attempt stored in one transaction, and only then may the channel's next
 * delivery go out. So a crash repeats no more than the request that was under way.
 * Failure: what can never be built fails the delivery without a request. A result that cannot be
 * stored is tried again every tick; a cancelled request leaves no trace and is repeated by the next
 * owner.
 */
#include <errno.h>
#include <stdio.h>

#include "channels/queue.h"
#include "channels/seal.h"
#include "core/attributes.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/utf8.h"
#include "core/version.h"

#define DETAIL_MAX  1024
#define EXCERPT_MAX 900 /* of the answer's body; leaves room for the sentence before it */
#define SHORT_VALUE 4   /* a setting this short is no secret worth looking for */
#define SHORT_PIECE 8   /* nor is a piece of one that is shorter than this */

/* ---- storing the result ------------------------------------------------------------------ */

static const struct db_query store_result = {
	.sql = "UPDATE deliveries SET state = $2, attempts = $3, next_attempt_at = $4, "
	       "first_failed_at = $5, last_status = $6, last_error = $7, updated_at = $8, "
	       "delivered_at = $9 WHERE id = $1 AND state = 'pending'",
};
static const struct db_query store_attempt = {
	.sql = "INSERT INTO delivery_attempts (delivery_id, number, started_at, duration_us, "
	       "status, verdict, detail) VALUES ($1, $2, $3, $4, $5, $6, $7) "
	       "ON CONFLICT (delivery_id, number) DO NOTHING",
};
/* Whether the next one may go out under the same settings. */
static const struct db_query check_settings = {
	.sql = "SELECT c.updated_at FROM channels c JOIN teams t ON t.id = c.team_id "
	       "WHERE c.id = $1 AND t.deleted_at IS NULL",
};

static struct db_value time_or_null(int64_t us)
{
	return us == 0 ? db_null() : db_time(us);
}

static int run_result(struct db *db, struct record *record, const struct delivery *delivery)
{
	bool is_delivered = delivery->state == DELIVERY_DELIVERED;
	const struct db_value values[] = {
		db_uuid(&delivery->id),
		db_text(str_of(delivery_state_name(delivery->state))),
		db_int(delivery->attempts),
		db_time(delivery->next_attempt_us),
		time_or_null(delivery->first_failed_us),
		record->status ? db_int(record->status) : db_null(),
		db_text_or_null(str_of(record->error)),
		db_time(record->ended_us),
		time_or_null(is_delivered ? record->ended_us : 0),
	};

	return db_run(db, &store_result, values, ARRAY_LEN(values), NULL, NULL, &record->changed);
}

static int run_attempt(struct db *db, const struct record *record, const struct delivery *delivery)
{
	const struct db_value values[] = {
		db_uuid(&delivery->id),
		db_int(delivery->attempts),
		db_time(record->started_us),
		db_int(record->duration_us),
		record->status ? db_int(record->status) : db_null(),
		db_text(str_of(attempt_verdict_name(record->verdict))),
		db_text(buf_str(&record->detail)),
	};

	return db_run(db, &store_attempt, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

static int on_checked(const struct db_row *row, void *arg)
{
	struct record *record = arg;

	record->channel_is_there = true;
	record->channel_updated_us = row_time(row, 0);
	return 0;
}

static int run_record(struct db *db, struct store_job *job)
{
	struct record *record = container_of(job, struct record, job);
	const struct queue *queue = container_of(record, struct queue, record);
	const struct db_value channel = db_uuid(&queue->channel);
	int rc;

	record->changed = 0;
	record->channel_is_there = false;
	rc = run_result(db, record, queue->current);
	if (rc == 0 && record->has_attempt)
		rc = run_attempt(db, record, queue->current);
	if (rc == 0)
		rc = db_run(db, &check_settings, &channel, 1, on_checked, record, NULL);
	return rc < 0 ? rc : db_flush(db);
}

/* The result is stored: what the store said about row and channel decides how to go on. */
static void continue_queue(struct queue *queue)
{
	const struct record *record = &queue->record;
	struct delivery *delivery = queue->current;

	queue->current = NULL;
	if (!record->channel_is_there) {
		drop_start(queue);
		return;
	}
	if (record->changed == 0 || record->channel_updated_us != queue->settings.updated_us) {
		queue_reload(queue); /* somebody else has dropped the row or changed the channel */
		return;
	}
	if (delivery->state != DELIVERY_PENDING)
		queue_remove(queue, delivery);
	queue_settle(queue);
}

static void on_recorded(struct store_job *job, int rc)
{
	struct record *record = container_of(job, struct record, job);
	struct queue *queue = container_of(record, struct queue, record);
	struct engine *engine = queue->engine;

	engine->jobs--;
	record->is_running = false;
	if (rc == 0) {
		buf_done(&record->detail);
		continue_queue(queue);
	} else if (engine->stopping) {
		buf_done(&record->detail);
		queue_settle(queue); /* the row is still pending and will be sent again */
	} else if (rc != -ENOTCONN && rc != -EBUSY) {
		log_error("could not store the result of a delivery",
			  log_str("error", uv_strerror(rc)));
	}
	engine_serve(engine);
}

void record_start(struct queue *queue)
{
	struct engine *engine = queue->engine;
	struct record *record = &queue->record;

	record->job = (struct store_job){ .run = run_record, .on_done = on_recorded };
	if (queue->phase != QUEUE_RECORDING)
		queue_enter(queue, QUEUE_RECORDING);
	if (store_write(engine->options.store, &record->job) == 0) {
		record->is_running = true;
		engine->jobs++;
	} else if (engine->stopping) {
		buf_done(&record->detail);
		queue_settle(queue);
	}
}

/* ---- judging the answer ------------------------------------------------------------------ */

static bool holds(struct str text, struct str piece)
{
	return memmem(text.at, text.len, piece.at, piece.len) != NULL;
}

static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

/* Percent-decoded into `out`, which has room for as many bytes. */
static struct str decode_piece(struct str piece, char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < piece.len; i++) {
		uint8_t byte = (uint8_t)piece.at[i];

		if (byte == '%' && piece.len - i > 2 &&
		    hex_decode((struct str){ .at = piece.at + i + 1, .len = 2 }, &byte, 1))
			i += 2;
		out[len++] = (char)byte;
	}
	return (struct str){ .at = out, .len = len };
}

/* JSON, HTML and URLs spell only other characters in ways of their own, so each run of plain ones is
 * looked for alone. */
static bool repeats_run(struct str body, struct str piece)
{
	size_t start = 0;

	for (size_t i = 0; i <= piece.len; i++) {
		if (i < piece.len && is_plain(piece.at[i]))
			continue;
		if (i - start >= SHORT_PIECE &&
		    holds(body, (struct str){ .at = piece.at + start, .len = i - start }))
			return true;
		start = i + 1;
	}
	return false;
}

static bool repeats_piece(struct str body, struct str piece)
{
	char bytes[CONFIG_MAX_VALUE];
	struct str decoded;
	bool found;

	if (piece.len < SHORT_PIECE)
		return false;
	if (piece.len > sizeof(bytes))
		return true; /* not ours; better no excerpt than a secret */
	decoded = decode_piece(piece, bytes);
	found = holds(body, piece) || repeats_run(body, piece) || repeats_run(body, decoded) ||
		(decoded.len >= SHORT_PIECE && holds(body, decoded));
	explicit_bzero(bytes, decoded.len);
	return found;
}

static bool repeats_url(struct str body, const struct url_parts *parts)
{
	struct str path = parts->path;
	struct str query = parts->query;

	if (path.len > SHORT_VALUE && holds(body, path))
		return true;
	if (query.len > SHORT_VALUE && holds(body, query))
		return true;
	while (path.at) {
		if (repeats_piece(body, str_cut(&path, '/')))
			return true;
	}
	while (query.at) {
		struct str value = str_cut(&query, '&');
		struct str name = str_cut(&value, '=');

		if (repeats_piece(body, value.at ? value : name))
			return true;
	}
	return false;
}

/* What a destination sends back may repeat what it was sent, whole or in pieces and in a spelling of
 * its own; then nothing of it is kept. */
static bool repeats_a_setting(struct str body, const struct provider_config *config)
{
	for (size_t i = 0; i < config->count; i++) {
		struct str value = config->fields[i].value;
		struct url_parts parts;

		if (value.len <= SHORT_VALUE)
			continue;
		if (holds(body, value))
			return true;
		/* Not the host: an answer may well name it. */
		if (url_split(value, &parts) ? repeats_url(body, &parts)
					     : repeats_piece(body, value))
			return true;
	}
	return false;
}

static void write_detail(struct queue *queue, const struct answer *answer, const char *sentence)
{
	const struct engine *engine = queue->engine;
	struct buf *detail = &queue->record.detail;
	struct opened_config opened;
	struct buf excerpt;

	buf_init(detail, DETAIL_MAX);
	buf_add_text(detail, sentence);
	if (answer->body.len == 0 || queue->record.verdict == ATTEMPT_DELIVERED)
		return;
	if (config_open(&opened, queue->settings.provider, buf_str(&queue->settings.sealed),
			engine->options.key) < 0)
		return;
	/* Cleaning may join what control characters kept apart, so its result is searched, too. */
	buf_init(&excerpt, EXCERPT_MAX);
	utf8_clean(&excerpt, answer->body, EXCERPT_MAX, false);
	if (!repeats_a_setting(answer->body, &opened.config) &&
	    !repeats_a_setting(buf_str(&excerpt), &opened.config)) {
		buf_add_text(detail, ": ");
		buf_add_str(detail, buf_str(&excerpt));
	}
	buf_done(&excerpt);
	opened_config_done(&opened);
}

static void count_attempt(struct engine *engine, const struct record *record)
{
	metric_add(engine->metrics.verdicts[record->verdict], 1);
	metric_observe_us(engine->metrics.seconds, record->duration_us);
}

static void on_answer(const struct answer *answer, void *owner)
{
	struct queue *queue = owner;
	struct engine *engine = queue->engine;
	struct record *record = &queue->record;
	struct delivery *delivery = queue->current;
	struct verdict verdict;
	char sentence[80];

	queue->call = NULL;
	metric_set(engine->metrics.inflight, --engine->inflight);
	if (answer->fault == ANSWER_CANCELLED) {
		queue_discard(queue);
		queue_again(queue);
		engine_serve(engine);
		return;
	}
	record->ended_us = engine_now_us(engine);
	verdict = queue->settings.provider->judge(answer, record->ended_us);
	record->verdict = delivery_apply(delivery, &verdict, record->ended_us);
	record->has_attempt = true;
	record->duration_us = answer->duration_us;
	record->status = answer->status;
	answer_describe(answer, sentence);
	write_detail(queue, answer, sentence);
	record->error[0] = '\0';
	if (delivery->state == DELIVERY_FAILED && verdict.kind == VERDICT_RETRY)
		snprintf(record->error, sizeof(record->error),
			 "given up 24 hours after the event: %s", sentence);
	else if (delivery->state != DELIVERY_DELIVERED)
		snprintf(record->error, sizeof(record->error), "%s", sentence);
	count_attempt(engine, record);
	record_start(queue);
	engine_serve(engine);
}

/* ---- building and sending ---------------------------------------------------------------- */

/* Ends the delivery without a request. */
static void fail_unsent(struct queue *queue, const char *sentence)
{
	struct record *record = &queue->record;

	delivery_move(queue->current, DELIVERY_FAILED);
	record->has_attempt = false;
	record->status = 0;
	record->ended_us = engine_now_us(queue->engine);
	buf_init(&record->detail, 0);
	snprintf(record->error, sizeof(record->error), "%s", sentence);
	record_start(queue);
}

static int build_with(const struct queue *queue, const struct event *event,
		      const struct provider_config *config, struct outgoing *out)
{
	const struct delivery *delivery = queue->current;
	char id[UUID_TEXT_SIZE];
	const struct message message = {
		.body = { .at = delivery->payload, .len = delivery->payload_len },
		.event = event,
	};
	struct attempt attempt = {
		.number = delivery->attempts + 1,
		.now_us = queue->record.started_us,
		.old_secret = STR(""),
		.user_agent = "wrenn-events/" WRENN_EVENTS_VERSION,
	};

	uuid_format(&delivery->id, id);
	attempt.delivery_id = str_of(id);
	return queue->settings.provider->build(&message, config, &attempt, out);
}

static void log_unreadable(const struct queue *queue)
{
	char id[UUID_TEXT_SIZE];

	uuid_format(&queue->channel, id);
	metric_add(queue->engine->metrics.unreadable, 1);
	log_error("a channel's settings cannot be decrypted", log_str("channel_id", id));
}

/* Zero with *out built; -ENOMEM; or another negative with the sentence for the owner. */
static int build(const struct queue *queue, struct outgoing *out, const char **sentence)
{
	const struct delivery *delivery = queue->current;
	const struct settings *settings = &queue->settings;
	const struct str body = { .at = delivery->payload, .len = delivery->payload_len };
	struct opened_config opened;
	struct event *event;
	int rc;

	*sentence = "the channel's provider is not supported";
	if (!settings->provider)
		return -EINVAL;
	*sentence = "the channel's settings cannot be decrypted";
	if (settings->sealed.err ||
	    config_open(&opened, settings->provider, buf_str(&settings->sealed),
			queue->engine->options.key) < 0) {
		log_unreadable(queue);
		return -EBADMSG;
	}
	*sentence = "the stored event cannot be read";
	rc = event_parse(body, delivery->stream_id, &event, NULL);
	if (rc == 0) {
		*sentence = "the channel's settings give no request";
		rc = build_with(queue, event, &opened.config, out);
		event_unref(event);
	}
	opened_config_done(&opened);
	return rc;
}

static int send_built(struct queue *queue, struct outgoing *request)
{
	struct engine *engine = queue->engine;
	int rc = outbound_send(engine->options.outbound, request, REQUEST_MS, guard_allows,
			       engine->options.guard, on_answer, queue, &queue->call);

	if (rc < 0)
		return rc;
	metric_set(engine->metrics.inflight, ++engine->inflight);
	queue_enter(queue, QUEUE_SENDING);
	return 0;
}

static void send_current(struct queue *queue)
{
	const char *sentence;
	struct outgoing request;
	int rc;

	queue->record.started_us = engine_now_us(queue->engine);
	outgoing_init(&request);
	rc = build(queue, &request, &sentence);
	if (rc == 0) {
		delivery_move(queue->current, DELIVERY_SENDING);
		rc = send_built(queue, &request);
		if (rc < 0)
			delivery_move(queue->current, DELIVERY_PENDING);
	}
	if (rc == -ENOMEM) {
		queue_discard(queue);
		queue_again(queue);
	} else if (rc < 0) {
		fail_unsent(queue, sentence);
	}
	outgoing_done(&request);
}

void send_start(struct queue *queue)
{
	int64_t now_us = engine_now_us(queue->engine);
	int64_t wake_us;

	if (queue->is_lost) {
		queue_settle(queue);
		return;
	}
	/* Another worker may take the channel when the lease ends; a request must be over by then.
	 */
	if (queue->lease_until_us - now_us < LEASE_MARGIN_US) {
		queue_wait(queue, now_us + AGAIN_US);
		queue->needs_lease = true;
		return;
	}
	queue->current = delivery_pick(&queue->deliveries, now_us, &wake_us);
	if (!queue->current)
		queue_settle(queue);
	else
		send_current(queue);
}
