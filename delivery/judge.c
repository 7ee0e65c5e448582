/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From an answer to the result of its delivery.
 *
 * Happy path: the provider judges, the delivery moves, the pace learns, and the record gets all
 * that is stored afterwards. Failure: a cancelled request leaves no trace; the next owner of the
 * channel repeats it. If the answer names another setting that cannot be stored, it is an ordinary
 * failure, tried again later.
 */
#include "delivery/judge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "delivery/clock.h"
#include "delivery/excerpt.h"
#include "delivery/queue.h"

#define DETAIL_MAX 1024

/* ---- another setting --------------------------------------------------------------------- */

static bool set_field(struct provider_config *config, const char *field, struct str value)
{
	for (size_t i = 0; i < config->count; i++) {
		if (strcmp(config->fields[i].name, field) == 0) {
			config->fields[i].value = value;
			return true;
		}
	}
	return false;
}

/* Puts the sealed settings with the new value into the record. */
static int rebind(struct queue *queue, const struct verdict *verdict)
{
	struct turn *turn = &queue->record.turn;
	struct opened_config opened;
	struct reason why;
	const uint8_t *key = queue->engine->options.key;
	int rc = config_open(&opened, queue->settings.provider, buf_str(&queue->settings.sealed),
			     key);

	if (rc < 0)
		return rc;
	buf_init(&turn->rebound, SEALED_CONFIG_MAX);
	if (!verdict->field || !set_field(&opened.config, verdict->field, str_of(verdict->value)) ||
	    queue->settings.provider->check(&opened.config, &why) < 0)
		rc = -EINVAL;
	else
		config_seal(&turn->rebound, &opened.config, key);
	if (rc == 0)
		rc = turn->rebound.err;
	if (rc < 0)
		buf_done(&turn->rebound);
	/* It always grows, so that every worker sees the change. */
	turn->rebound_us = turn->ended_us;
	if (turn->rebound_us <= queue->settings.updated_us)
		turn->rebound_us = queue->settings.updated_us + 1;
	opened_config_done(&opened);
	return rc;
}

/* ---- what owners read ---------------------------------------------------------------------- */

static bool is_good(enum attempt_verdict verdict)
{
	return verdict == ATTEMPT_DELIVERED || verdict == ATTEMPT_ACCEPTED;
}

static void write_detail(struct queue *queue, const struct answer *answer, const char *sentence)
{
	const uint8_t *key = queue->engine->options.key;
	struct turn *turn = &queue->record.turn;
	struct excerpt_secrets secrets;
	struct old_secrets old;

	buf_init(&turn->detail, DETAIL_MAX);
	buf_add_text(&turn->detail, sentence);
	/* An answer that names a setting repeats a secret. */
	if (is_good(turn->verdict) || turn->verdict == ATTEMPT_REBOUND ||
	    settings_open(&queue->settings, key) < 0)
		return;
	secrets.config = &queue->settings.opened.config;
	settings_old_secrets(&queue->settings, key, engine_now_us(queue->engine), &old);
	secrets.old_secrets = old.values;
	secrets.old_secret_count = old.count;
	excerpt_add(&turn->detail, answer->body, &secrets);
	old_secrets_done(&old);
}

static void write_error(struct queue *queue, const struct verdict *verdict, const char *sentence)
{
	const struct delivery *delivery = queue->current;
	struct turn *turn = &queue->record.turn;
	bool gave_up = delivery->state == DELIVERY_FAILED && verdict->kind == VERDICT_RETRY;
	const char *lead = gave_up ? "given up 24 hours after the event: " : "";

	if (turn->is_split)
		lead = "refused, its events go out by themselves: ";
	turn->error[0] = '\0';
	if (delivery->state != DELIVERY_DELIVERED)
		snprintf(turn->error, sizeof(turn->error), "%s%s", lead, sentence);
}

/* ---- the verdict --------------------------------------------------------------------------- */

static bool is_edit(const struct queue *queue)
{
	return queue->current->living && queue->current->living->message_id[0];
}

/* The message that shows the delivery now; empty when the answer names none. */
static void find_message(struct queue *queue, const struct answer *answer)
{
	const struct living *living = queue->current->living;
	char *id = queue->record.turn.message_id;

	id[0] = '\0';
	if (is_edit(queue))
		memcpy(id, living->message_id, sizeof(living->message_id));
	else if (living && !queue->settings.provider->edit->read_id(answer, id))
		id[0] = '\0';
}

/* Settings that no longer decrypt say nothing about the host: the vendor's words count. */
static struct verdict ask_provider(struct queue *queue, const struct answer *answer)
{
	struct settings *settings = &queue->settings;
	int64_t now_us = queue->record.turn.ended_us;

	if (is_edit(queue))
		return settings->provider->edit->judge(answer, now_us);
	if (settings_open(settings, queue->engine->options.key) < 0)
		return settings->provider->judge(answer, now_us);
	return provider_judge(settings->provider, &settings->opened.config, answer, now_us);
}

static bool carries_others(const struct delivery *delivery)
{
	return delivery->is_digest || (delivery->living && delivery->living->carries);
}

static struct verdict judge(struct queue *queue, const struct answer *answer)
{
	struct verdict verdict = ask_provider(queue, answer);
	bool was_plain = queue->current->is_plain || queue->settings.is_plain_only;
	bool is_refused_twice = verdict.kind == VERDICT_REFORM && was_plain;

	/* Change the form once, a setting a few times and only to a value that can be stored. */
	if (is_refused_twice)
		verdict.kind = verdict.is_unknown ? VERDICT_RETRY : VERDICT_REJECT;
	/* A destination that refuses a digest may accept its events one by one. */
	queue->record.turn.is_split = carries_others(queue->current) &&
				      (verdict.kind == VERDICT_REJECT || is_refused_twice);
	if (queue->record.turn.is_split)
		verdict.kind = VERDICT_REJECT;
	if (verdict.kind == VERDICT_REBIND &&
	    (queue->current->rebounds >= DELIVERY_REBOUNDS || rebind(queue, &verdict) < 0))
		verdict.kind = VERDICT_RETRY;
	return verdict;
}

/* The vendor's own refusal is about this message. A host that imitates the vendor may lack the
 * form. */
static bool has_learned_plain(struct queue *queue, const struct verdict *verdict)
{
	const struct settings *settings = &queue->settings;

	return verdict->kind == VERDICT_DELIVERED && queue->current->is_plain &&
	       !settings->is_plain_only && settings->is_open &&
	       provider_is_imitated(settings->provider, &settings->opened.config);
}

/* If a destination without a pace of its own asks for a second pause because of one event, it may
 * mean that event only. Newer ones must not wait for hours. */
static bool is_wish_for_one(const struct queue *queue, const struct verdict *verdict)
{
	return !queue->settings.provider->paces && !verdict->is_throttled &&
	       queue->current->waits > 1;
}

static void learn(struct queue *queue, const struct verdict *verdict)
{
	struct delivery_engine *engine = queue->engine;
	const struct settings *settings = &queue->settings;
	struct verdict lesson = *verdict;
	int status = queue->record.turn.status;

	if (is_wish_for_one(queue, verdict))
		lesson.retry_after_ms = -1;
	/* The destination is right, but the message to edit is gone. */
	if (verdict->kind == VERDICT_REPOST)
		status = 0;
	paces_learn(engine->options.paces, &settings->paced, &lesson, status,
		    engine_mono_us(engine));
}

static void end_request(struct queue *queue)
{
	struct delivery_engine *engine = queue->engine;

	queue->call = NULL;
	share_give_back(engine->shares, &queue->seat, engine_mono_us(engine));
	metric_set(engine->metrics.inflight, shares_held(engine->shares));
}

void judge_answer(const struct answer *answer, void *owner)
{
	struct queue *queue = owner;
	struct delivery_engine *engine = queue->engine;
	struct turn *turn = &queue->record.turn;
	struct verdict verdict;
	char sentence[VERDICT_TEXT_SIZE];
	int64_t since_us;

	end_request(queue);
	if (answer->fault == ANSWER_CANCELLED) {
		queue_discard(queue);
		queue_again(queue);
		return;
	}
	clock_look(engine);
	turn->ended_us = engine_now_us(engine);
	verdict = judge(queue, answer);
	since_us = clock_since_us(engine, queue->current->since_us);
	turn->verdict = delivery_apply(queue->current, &verdict, since_us, turn->ended_us);
	turn->has_attempt = true;
	turn->learns_plain = has_learned_plain(queue, &verdict);
	find_message(queue, answer);
	turn->duration_us = answer->duration_us;
	turn->status = answer->status;
	verdict_describe(queue->settings.provider, answer, &verdict, sentence);
	write_detail(queue, answer, sentence);
	write_error(queue, &verdict, sentence);
	turn->said = verdict;
	turn->is_success = is_good(turn->verdict);
	uuid_v4(&turn->audit_id);
	learn(queue, &verdict);
	attempt_metrics_count(&engine->attempts, queue->settings.provider, turn->verdict,
			      turn->duration_us);
	queue_enter(queue, QUEUE_JUDGED);
}
