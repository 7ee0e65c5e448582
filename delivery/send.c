/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One turn of a channel: picks what is due, builds it and sends it.
 *
 * Happy path: the pace has a token, the settings are decrypted to build the first request, and
 * judge.c gets the answer. Failure: a delivery that can never be built fails without a request. The
 * queue waits when the pace has no token, the lease ends soon, or the settings cannot be decrypted:
 * the key may come back, or an owner may replace them.
 */
#include "delivery/send.h"

#include <errno.h>
#include <stdio.h>

#include "core/attributes.h"
#include "core/event.h"
#include "core/id.h"
#include "core/log.h"
#include "delivery/attempt.h"
#include "delivery/judge.h"
#include "delivery/queue.h"
#include "targets/targets.h"

#define REQUEST_MS      10000
#define PACED_ROWS      4 /* stay in memory while the channel waits for its pace */
#define LEASE_MARGIN_US (INT64_C(12) * 1000000) /* with less left nothing is sent */
#define LOOK_AGAIN_US   (INT64_C(30) * 1000000) /* longer waits read the settings again */

/* Logs once for the same settings. */
static void log_unreadable(struct queue *queue)
{
	char id[UUID_TEXT_SIZE];

	if (queue->unreadable_us == queue->settings.updated_us)
		return;
	queue->unreadable_us = queue->settings.updated_us;
	uuid_format(&queue->channel, id);
	metric_add(queue->engine->metrics.unreadable, 1);
	log_error("a channel's settings cannot be decrypted", log_str("channel_id", id));
}

/* ---- sending ----------------------------------------------------------------------------- */

/* A payload holds an event or a digest. */
struct content {
	struct event *event;
	struct digest digest;
	bool has_digest;
};

static int read_content(const struct provider *provider, const struct delivery *delivery,
			struct content *out)
{
	const struct str body = body_str(delivery->body);
	int rc;

	*out = (struct content){ .event = NULL };
	if (provider->sends_body && delivery->is_fresh)
		return 0;
	if (!delivery->is_digest)
		return event_parse(body, delivery->stream_id, &out->event, NULL);
	rc = digest_parse(body, &out->digest);
	out->has_digest = rc == 0;
	return rc;
}

static void drop_content(struct content *content)
{
	if (content->event)
		event_free(content->event);
	if (content->has_digest)
		digest_done(&content->digest);
}

static struct message_life life_of(const struct living *living)
{
	if (!living)
		return (struct message_life){ .replaces = STR("") };
	return (struct message_life){ .replaces = str_of(living->message_id),
				      .trail = str_of(living->trail),
				      .began_us = living->began_us };
}

static int send_content(struct queue *queue, const struct content *content,
			const struct provider_config *config)
{
	const struct delivery_options *options = &queue->engine->options;
	const struct delivery *delivery = queue->current;
	bool is_plain = delivery->is_plain || queue->settings.is_plain_only;
	const struct message_life life = life_of(delivery->living);
	struct attempt_order order = {
		.provider = queue->settings.provider,
		.config = config,
		.delivery = &delivery->id,
		.message = { .body = body_str(delivery->body),
			     .event = content->event,
			     .digest = content->has_digest ? &content->digest : NULL,
			     .accepted_us = delivery->accepted_us,
			     .team_name = str_of(queue->settings.team_name),
			     .life = delivery->living ? &life : NULL,
			     .form = is_plain ? FORM_PLAIN : FORM_RICH },
		.attempt = { .number = delivery->attempts + 1,
			     .before = delivery->attempts_before,
			     .now_us = queue->record.turn.started_us },
		.timeout_ms = REQUEST_MS,
	};
	struct old_secrets old;
	char instead_of[ID_TEXT_SIZE];
	int rc;

	if (delivery->note) {
		id_format(ID_CHANNEL, &delivery->instead_of, instead_of);
		order.message.instead_of = str_of(instead_of);
		order.message.note = str_of(delivery->note);
	}

	settings_old_secrets(&queue->settings, options->key, engine_now_us(queue->engine), &old);
	order.attempt.old_secret_count = old.count;
	memcpy(order.attempt.old_secrets, old.values, sizeof(old.values));
	rc = attempt_send(&options->route, &order, judge_answer, queue, &queue->call);
	old_secrets_done(&old);
	return rc;
}

/* Zero when the request left; -ENOMEM; -EKEYREJECTED when the settings do not decrypt; or another
 * negative, with a sentence for the owner. */
static int send_opened(struct queue *queue, const char **sentence)
{
	struct settings *settings = &queue->settings;
	struct content content;
	int rc;

	*sentence = "the channel's provider is not supported";
	if (!settings->provider)
		return -EINVAL;
	rc = settings_open(settings, queue->engine->options.key);
	if (rc < 0)
		return rc == -ENOMEM ? rc : -EKEYREJECTED;
	*sentence = "the stored event cannot be read";
	rc = read_content(settings->provider, queue->current, &content);
	if (rc == 0) {
		*sentence = "the channel's settings give no request";
		rc = send_content(queue, &content, &settings->opened.config);
	}
	drop_content(&content);
	return rc;
}

/* ---- what follows ------------------------------------------------------------------------ */

static void take_slot(struct queue *queue)
{
	struct delivery_engine *engine = queue->engine;

	delivery_move(queue->current, DELIVERY_SENDING);
	share_take(engine->shares, &queue->seat, engine_mono_us(engine));
	metric_set(engine->metrics.inflight, shares_held(engine->shares));
	queue_enter(queue, QUEUE_SENDING);
}

/* Ends the delivery without a request. */
static void fail_unsent(struct queue *queue, const char *sentence)
{
	struct turn *turn = &queue->record.turn;

	delivery_move(queue->current, DELIVERY_FAILED);
	turn->ended_us = engine_now_us(queue->engine);
	snprintf(turn->error, sizeof(turn->error), "%s", sentence);
	queue_enter(queue, QUEUE_JUDGED);
}

/* Everything stays pending, and the settings are read again later. */
static void wait_for_settings(struct queue *queue)
{
	log_unreadable(queue);
	queue->current = NULL;
	queue_discard(queue);
	queue->more = true;
	queue_wait(queue, engine_mono_us(queue->engine) + LOOK_AGAIN_US);
}

/* The backlog could not be folded just now. */
static void wait_for_fold(struct queue *queue)
{
	queue->current = NULL;
	queue_discard(queue);
	queue_again(queue);
}

static void send_current(struct queue *queue)
{
	const char *sentence;
	int rc;

	queue->record = (struct record){ .turn.started_us = engine_now_us(queue->engine) };
	rc = send_opened(queue, &sentence);
	if (rc == 0) {
		take_slot(queue);
	} else if (rc == -ENOMEM) {
		queue_discard(queue);
		queue_again(queue);
	} else if (rc == -EKEYREJECTED) {
		wait_for_settings(queue);
	} else {
		fail_unsent(queue, sentence);
	}
}

/* ---- lease and pace ---------------------------------------------------------------------- */

/* Another worker may take the channel when the lease ends. A request must end before that. */
static bool waits_for_lease(struct queue *queue)
{
	int64_t mono_us = engine_mono_us(queue->engine);

	if (queue->lease_until_us - mono_us >= LEASE_MARGIN_US)
		return false;
	queue_wait(queue, mono_us + AGAIN_US);
	queue->needs_lease = true;
	queue->engine->seeks_renewals = true;
	return true;
}

static bool waits_for_pace(struct queue *queue)
{
	struct delivery_engine *engine = queue->engine;
	struct settings *settings = &queue->settings;
	int64_t mono_us = engine_mono_us(engine);
	int64_t next_us;

	if (!settings->provider)
		return false;
	settings_find_paces(settings, &queue->channel, engine->options.key);
	next_us = paces_take(engine->options.paces, &settings->paced, mono_us);
	if (next_us == 0)
		return false;
	queue->current = NULL;
	/* Until then, a newer state may come and replace this one. */
	if (next_us - mono_us > PACED_US || settings->is_living)
		queue_discard(queue);
	else
		queue_trim(queue, PACED_ROWS);
	/* This worker gets no message about a change made through another worker. */
	if (next_us - mono_us > LOOK_AGAIN_US)
		next_us = mono_us + LOOK_AGAIN_US;
	queue_wait_exactly(queue, next_us);
	return true;
}

void send_start(struct queue *queue)
{
	int64_t wake_us;

	/* Quiet hours begin while rows wait for their turn. */
	if (queue->settings.hold.changes_us <= engine_now_us(queue->engine))
		queue->is_stale = true;
	if (queue->is_lost || queue->is_stale || queue->has_failed_results) {
		queue_settle(queue);
		return;
	}
	if (waits_for_lease(queue))
		return;
	queue->current = delivery_pick(&queue->deliveries, &queue->hold,
				       engine_now_us(queue->engine), &wake_us);
	if (!queue->current)
		queue_settle(queue);
	else if (delivery_is_late(queue->current))
		wait_for_fold(queue);
	else if (!waits_for_pace(queue))
		send_current(queue);
}
