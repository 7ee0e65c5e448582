/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The card of one event, or of a test notification. The title is a complete sentence for a push
 * notification. Fields do not repeat it: error and resource have a field only when the title had to
 * shorten them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/utf8.h"
#include "providers/card_parts.h"
#include "providers/trail.h"
#include "providers/words.h"

#define LINK_MAX_ID  512 /* bytes of an id; no page has a longer one */
#define NAME_POINTS  64  /* of a resource in the title: every vendor's title has room for both */
#define CAUSE_POINTS 100

/* ---- the title ----------------------------------------------------------------------------- */

/* A missed expectation may be about any resource. */
static const struct kind_words *subject_words(const struct event *event)
{
	return event->kind == EVENT_EXPECTATION_MISSED ? words_of_resource(event->resource_type)
						       : words_of_kind(event->kind);
}

/* Returns the text as a title shows it, and whether it is complete. */
static struct str shorten(struct card *card, struct str text, size_t max, bool *is_whole)
{
	const struct text_rule rule = { .unit = UNIT_CODE_POINTS,
					.escape = text_escape_none,
					.cap = SIZE_MAX };
	struct buf *part;

	*is_whole = text_size(text, UNIT_CODE_POINTS) <= max;
	if (*is_whole)
		return text;
	part = card_part(card);
	text_add(part, &rule, "", (struct text_value){ .head = text, .tail = STR("") }, max);
	return buf_str(part);
}

/* ", 17 min late"; nothing when the event does not say so. */
static void add_lateness(struct buf *verb, const struct event *event)
{
	struct str late_s = event_metadata(event, "late_s");
	char span[WORDS_SPAN_SIZE];
	long seconds = late_s.len && late_s.len < 10 ? strtol(late_s.at, NULL, 10) : 0;

	if (event->kind != EVENT_EXPECTATION_MISSED || seconds <= 0)
		return;
	words_of_span(seconds * INT64_C(1000000), span);
	buf_addf(verb, ", %s late", span);
}

static struct str verb_of(struct card *card, const struct message *message)
{
	const struct event *event = message->event;
	int64_t took_us = event_stream_us(event) - message->accepted_us;
	char span[WORDS_SPAN_SIZE];
	struct buf *verb;

	if (words_are_of_request(event))
		return str_of(words_of_outcome(event));
	verb = card_part(card);
	buf_add_text(verb, words_of_outcome(event));
	if (message->accepted_us && took_us >= 1000000) {
		words_of_span(took_us, span);
		buf_addf(verb, " after %s", span);
	}
	add_lateness(verb, event);
	return buf_str(verb);
}

static struct str subject_of(struct card *card, const struct event *event)
{
	struct str subject;

	if (words_of_kind(event->kind)->lead)
		return card_keep(card, event->resource_id);
	subject = card_join(card, event->resource_type, " ", event->resource_id);
	return utf8_is_blank(subject) ? card_keep(card, event->kind_text) : subject;
}

static void set_title(struct card *card, const struct message *message, struct str subject,
		      bool *is_whole)
{
	const char *lead = subject_words(message->event)->lead;

	card->title.lead = str_of(lead ? lead : "");
	card->title.name = shorten(card, subject, NAME_POINTS, is_whole);
	if (lead)
		card->title.verb = verb_of(card, message);
}

/* The title after its colon: the error, else the reason in words. */
static void set_cause(struct card *card, const struct event *event, struct str error,
		      bool *is_whole)
{
	*is_whole = true;
	if (!utf8_is_blank(error))
		card->title.cause = shorten(card, error, CAUSE_POINTS, is_whole);
	else
		card->title.cause = words_of_reason(event->reason);
}

/* ---- tone ---------------------------------------------------------------------------------- */

static void set_tone(struct card *card, const struct event *event)
{
	if (event->outcome == OUTCOME_ERROR) {
		card->tone = TONE_BAD;
		card->status = event->kind == EVENT_EXPECTATION_MISSED ? "Overdue" : "Failed";
	} else if (event->kind == EVENT_HOST_DOWN) {
		card->tone = TONE_BAD;
		card->status = "Down";
	} else if (event->kind == EVENT_HOST_UP) {
		card->tone = TONE_GOOD;
		card->status = "Up";
	} else if (event->outcome == OUTCOME_SUCCESS && !words_are_of_request(event)) {
		card->tone = TONE_GOOD;
		card->status = "Success";
	}
}

/* ---- fields -------------------------------------------------------------------------------- */

/* The code, so that it can be searched for; after its words, unless the title has them. */
static void add_reason(struct card *card, const struct event *event)
{
	struct str words = words_of_reason(event->reason);
	struct buf *part;

	if (words.len == 0 || card->title.cause.at == words.at) {
		card_add_text_field(card, "Reason", "reason", event->reason);
		return;
	}
	part = card_part(card);
	buf_add_str(part, words);
	buf_add_text(part, " (");
	text_clean(part, event->reason);
	buf_add_char(part, ')');
	card_add_field(card, "Reason", "reason",
		       (struct text_value){ .head = buf_str(part), .tail = STR("") });
}

/* Where a failure happened. The event may lack it by the operator's choice. */
static void add_host(struct card *card, const struct event *event)
{
	struct str id = event_metadata(event, "host_id");
	struct str ip = event_metadata(event, "host_ip");
	struct buf *tail;

	if (event->outcome != OUTCOME_ERROR)
		return;
	if (utf8_is_blank(id) || utf8_is_blank(ip)) {
		card_add_text_field(card, "Host", "host", utf8_is_blank(id) ? ip : id);
		return;
	}
	tail = card_part(card);
	buf_add_text(tail, " (");
	text_clean(tail, ip);
	buf_add_char(tail, ')');
	card_add_field(card, "Host", "host",
		       (struct text_value){ .head = card_keep(card, id), .tail = buf_str(tail) });
}

/* "name (id)", "name", "id", the same after "api_key ", or the type. Only the name may be cut. */
static struct text_value describe_actor(struct card *card, const struct event *event)
{
	struct text_value value = { .head = STR(""), .tail = STR("") };
	const char *lead = event->actor == ACTOR_API_KEY ? "api_key " : "";
	bool has_name = !utf8_is_blank(event->actor_name);
	bool has_id = !utf8_is_blank(event->actor_id);

	if ((event->actor != ACTOR_USER && event->actor != ACTOR_API_KEY) ||
	    (!has_name && !has_id)) {
		value.head = card_keep(card, event->actor_type);
	} else if (!has_id) {
		value.head = card_join(card, str_of(lead), "", event->actor_name);
	} else if (!has_name) {
		value.tail = card_join(card, str_of(lead), "", event->actor_id);
	} else {
		struct buf *tail = card_part(card);

		value.head = card_join(card, str_of(lead), "", event->actor_name);
		buf_add_text(tail, " (");
		text_clean(tail, event->actor_id);
		buf_add_char(tail, ')');
		value.tail = buf_str(tail);
	}
	return value;
}

/* "created → paused → destroyed, 3 min 12 s in all" */
static void add_history(struct card *card, const struct message *message)
{
	const struct message_life *life = message->life;
	char trail[TRAIL_SIZE] = "";
	char span[WORDS_SPAN_SIZE];
	struct buf *part;
	int64_t age_us;

	if (!life || life->began_us == 0)
		return;
	part = card_part(card);
	age_us = event_stream_us(message->event) - life->began_us;
	snprintf(trail, sizeof(trail), "%.*s", STR_ARGS(life->trail));
	trail_add(trail, message->event);
	buf_add_text(part, trail);
	if (age_us >= 1000000) {
		words_of_span(age_us, span);
		buf_addf(part, ", %s in all", span);
	}
	card_add_field(card, "History", "history",
		       (struct text_value){ .head = buf_str(part), .tail = STR("") });
}

static void set_link(struct card *card, struct str base, const struct event *event)
{
	const char *page = subject_words(event)->page;
	struct str id = event->resource_id;

	if (base.len && page && id.len && id.len <= LINK_MAX_ID)
		card_set_link(card, base, page, id);
}

static void set_footer(struct card *card, const struct event *event)
{
	char id[STREAM_ID_TEXT_SIZE];

	if (stream_id_is_zero(event->id)) {
		card->footer = card_keep(card, event->kind_text);
		return;
	}
	stream_id_format(event->id, id);
	card->footer = card_join(card, event->kind_text, " \xc2\xb7 ", str_of(id)); /* U+00B7 */
}

/* ---- the test notification ----------------------------------------------------------------- */

/* Its facts are the message's: the event is the same for every team (contract c.7). */
static void make_test(struct card *card, const struct message_test *test)
{
	card->title.verb = STR("Wrenn can reach this channel");
	if (!test)
		return;
	card_add_text_field(card, "Channel", "channel", test->channel);
	card_add_team(card, test->team_name, test->team);
	card_add_text_field(card, "Sent by", "actor", test->sent_by);
}

/* ---- an event ------------------------------------------------------------------------------ */

static void make_event(struct card *card, const struct message *message)
{
	const struct event *event = message->event;
	struct str subject = subject_of(card, event);
	struct str error = card_keep(card, event->public_error);
	bool has_subject;
	bool has_error;

	set_title(card, message, subject, &has_subject);
	set_cause(card, event, error, &has_error);
	set_tone(card, event);
	set_link(card, message->link_base, event);
	if (!has_error)
		card_add_field(card, "Error", "error",
			       (struct text_value){ .head = error, .tail = STR("") });
	add_reason(card, event);
	if (!has_subject)
		card_add_field(card, "Resource", "resource",
			       (struct text_value){ .head = subject, .tail = STR("") });
	if (event->kind == EVENT_EXPECTATION_MISSED)
		card_add_text_field(card, "Rule", "rule", event_metadata(event, "rule"));
	else
		card_add_text_field(card, "Template", "template",
				    event_metadata(event, "template"));
	add_host(card, event);
	card_add_field(card, "Actor", "actor", describe_actor(card, event));
	card_add_team(card, message->team_name, event->team_text);
	card_add_text_field(card, "Instead of", "note", message->note);
	add_history(card, message);
}

void card_make_from_event(struct card *card, const struct message *message)
{
	const struct event *event = message->event;

	if (event->kind == EVENT_CHANNEL_TEST)
		make_test(card, message->test);
	else
		make_event(card, message);
	card->time_us = event->time_us;
	card_add_time_field(card, "Time", event->time_us, event->timestamp);
	set_footer(card, event);
}
