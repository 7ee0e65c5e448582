/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From an event or a digest to a card. The wording is the contract's (d.5); nothing of it
 * depends on a vendor. Every slice of a card points into one of its own parts, so the message may
 * go away before it.
 */
#include "providers/card.h"

#include <assert.h>
#include <errno.h>

#include "core/rfc3339.h"
#include "core/utf8.h"

#define CARD_MAX_TEXT 262144 /* of one part: three times an event, for U+FFFD */
#define LINK_MAX_ID   512    /* bytes of an id; no page has a longer one */
#define CAP_FIRST     1024   /* what a value is cut to when the whole does not fit as it is */
#define CAP_LAST      16

static struct buf *add_part(struct card *card)
{
	assert(card->part_count < CARD_MAX_PARTS);
	struct buf *part = &card->parts[card->part_count++];

	buf_init(part, CARD_MAX_TEXT);
	return part;
}

static struct str keep(struct card *card, struct str raw)
{
	struct buf *part = add_part(card);

	text_clean(part, raw);
	return buf_str(part);
}

static void add_field(struct card *card, const char *label, const char *what,
		      struct text_value value)
{
	/* Blank counts as absent: vendors trim, and refuse what is then empty. */
	if (utf8_is_blank(value.head) && utf8_is_blank(value.tail))
		return;
	assert(card->field_count < CARD_MAX_FIELDS);
	card->fields[card->field_count++] =
		(struct card_field){ .label = label, .what = what, .value = value };
}

static void add_plain_field(struct card *card, const char *label, const char *what, struct str raw)
{
	add_field(card, label, what,
		  (struct text_value){ .head = keep(card, raw), .tail = STR("") });
}

/* ---- one event -------------------------------------------------------------------------- */

static const struct wording {
	const char *subject;
	const char *success;
	const char *error;
	const char *page; /* where a link leads; NULL: nowhere */
} wordings[EVENT_KINDS] = {
	[EVENT_CAPSULE_CREATE] = { "Capsule ", " created", " failed to create", "/capsules/" },
	[EVENT_CAPSULE_PAUSE] = { "Capsule ", " paused", " failed to pause", "/capsules/" },
	[EVENT_CAPSULE_RESUME] = { "Capsule ", " resumed", " failed to resume", "/capsules/" },
	[EVENT_CAPSULE_DESTROY] = { "Capsule ", " destroyed", " failed to destroy", "/capsules/" },
	[EVENT_SNAPSHOT_CREATE] = { "Template snapshot ", " created", " failed to create",
				    "/templates/" },
	[EVENT_SNAPSHOT_DELETE] = { "Template snapshot ", " deleted", " failed to delete",
				    "/templates/" },
	[EVENT_VOLUME_CREATE] = { "Volume ", " created", " failed to create", NULL },
	[EVENT_VOLUME_DELETE] = { "Volume ", " deleted", " failed to delete", NULL },
	[EVENT_HOST_UP] = { "Host ", " is up", " is up", "/hosts/" },
	[EVENT_HOST_DOWN] = { "Host ", " is down", " is down", "/hosts/" },
};

static struct str join(struct card *card, struct str first, const char *between, struct str second)
{
	struct buf *part = add_part(card);

	text_clean(part, first);
	buf_add_text(part, between);
	text_clean(part, second);
	return buf_str(part);
}

static void set_title(struct card *card, const struct event *event)
{
	const struct wording *words = &wordings[event->kind];

	if (!words->subject) {
		card->title.head = join(card, event->resource_type, " ", event->resource_id);
		if (utf8_is_blank(card->title.head))
			card->title.head = keep(card, event->kind_text);
		return;
	}
	card->title.head = join(card, str_of(words->subject), "", event->resource_id);
	card->title.tail = str_of(event->outcome == OUTCOME_ERROR ? words->error : words->success);
}

static void set_tone(struct card *card, const struct event *event)
{
	if (event->outcome == OUTCOME_ERROR)
		card->tone = TONE_BAD;
	else if (event->kind == EVENT_HOST_DOWN)
		card->tone = TONE_WARNING;
	else if (event->outcome == OUTCOME_SUCCESS || event->kind == EVENT_HOST_UP)
		card->tone = TONE_GOOD;
}

static struct str outcome_text(enum event_outcome outcome)
{
	if (outcome == OUTCOME_NONE)
		return STR("");
	return outcome == OUTCOME_ERROR ? STR("error") : STR("success");
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
		value.head = keep(card, event->actor_type);
	} else if (!has_id) {
		value.head = join(card, str_of(lead), "", event->actor_name);
	} else if (!has_name) {
		value.tail = join(card, str_of(lead), "", event->actor_id);
	} else {
		struct buf *tail = add_part(card);

		value.head = join(card, str_of(lead), "", event->actor_name);
		buf_add_text(tail, " (");
		text_clean(tail, event->actor_id);
		buf_add_char(tail, ')');
		value.tail = buf_str(tail);
	}
	return value;
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-._~", c));
}

/* What an address may hold and no markup gives a meaning to. */
static bool is_fit_for_base(char c)
{
	return is_unreserved(c) || (c && strchr(":/[]@!$()+,;=?%", c));
}

static void add_encoded(struct buf *out, struct str text, bool (*is_fit)(char c))
{
	for (size_t i = 0; i < text.len; i++) {
		if (is_fit(text.at[i]))
			buf_add_char(out, text.at[i]);
		else
			buf_addf(out, "%%%02X", (unsigned)(unsigned char)text.at[i]);
	}
}

static void set_link(struct card *card, struct str base, const struct event *event)
{
	const char *page = wordings[event->kind].page;
	struct str id = event->resource_id;

	if (base.len == 0 || !page || id.len == 0 || id.len > LINK_MAX_ID)
		return;
	struct buf *link = add_part(card);

	add_encoded(link, base, is_fit_for_base);
	buf_add_text(link, page);
	add_encoded(link, id, is_unreserved);
	card->link = buf_str(link);
}

static void make_from_event(struct card *card, const struct event *event, struct str link_base)
{
	set_title(card, event);
	set_tone(card, event);
	set_link(card, link_base, event);
	if (event->time_us) {
		char time[RFC3339_TEXT_SIZE];

		rfc3339_format(event->time_us, 0, time);
		card->time = keep(card, str_of(time));
	}
	if (!stream_id_is_zero(event->id)) {
		char id[STREAM_ID_TEXT_SIZE];

		stream_id_format(event->id, id);
		card->reference = keep(card, str_of(id));
	}
	add_plain_field(card, "Event", "event", event->kind_text);
	add_plain_field(card, "Outcome", "outcome", outcome_text(event->outcome));
	add_field(card, "Resource", "resource",
		  (struct text_value){
			  .head = join(card, event->resource_type, " ", event->resource_id),
			  .tail = STR("") });
	add_field(card, "Actor", "actor", describe_actor(card, event));
	add_plain_field(card, "Team", "team", event->team_text);
	add_plain_field(card, "Time", "time", event->timestamp);
	add_plain_field(card, "Error", "error", event->public_error);
	add_plain_field(card, "Reason", "reason", event->reason);
}

/* ---- a digest --------------------------------------------------------------------------- */

static void add_line(struct card *card, struct str head, struct str tail)
{
	assert(card->line_count < CARD_MAX_LINES);
	card->lines[card->line_count++] = (struct text_value){ .head = head, .tail = tail };
}

/* Gives how many failures the groups tell of, all of them in *told. */
static size_t add_groups(struct card *card, const struct digest *digest, size_t *told)
{
	size_t failed = 0;

	*told = 0;
	for (size_t i = 0; i < digest->group_count; i++) {
		const struct digest_group *group = &digest->groups[i];
		bool is_failure = str_is(group->outcome, "error");
		struct buf *part = add_part(card);

		buf_addf(part, "%zu ", group->count);
		text_clean(part, group->event);
		add_line(card, buf_str(part), is_failure ? STR(" failed") : STR(""));
		*told += group->count;
		failed += is_failure ? group->count : 0;
	}
	return failed;
}

static void add_failures(struct card *card, const struct digest *digest, size_t failed)
{
	for (size_t i = 0; i < digest->failure_count; i++) {
		const struct digest_failure *failure = &digest->failures[i];
		struct buf *part = add_part(card);

		buf_add_text(part, "Failed: ");
		text_clean(part, failure->event);
		buf_add_char(part, ' ');
		text_clean(part, failure->resource_id);
		if (!utf8_is_blank(failure->error)) {
			buf_add_text(part, ": ");
			text_clean(part, failure->error);
		}
		add_line(card, buf_str(part), STR(""));
	}
	if (failed > digest->failure_count && digest->failure_count > 0) {
		struct buf *part = add_part(card);

		buf_addf(part, "and %zu more failed", failed - digest->failure_count);
		add_line(card, buf_str(part), STR(""));
	}
}

static void make_from_digest(struct card *card, const struct digest *digest)
{
	struct buf *title = add_part(card);
	size_t told;
	size_t failed = add_groups(card, digest, &told);

	if (told < digest->total) {
		struct buf *part = add_part(card);

		buf_addf(part, "%zu others", digest->total - told);
		add_line(card, buf_str(part), STR(""));
	}
	add_failures(card, digest, failed);
	buf_addf(title, "%zu events", digest->total);
	if (failed)
		buf_addf(title, ": %zu failed", failed);
	card->title.head = buf_str(title);
	card->tone = failed ? TONE_BAD : TONE_NEUTRAL;
	add_plain_field(card, "Team", "team", digest->team_text);
	add_plain_field(card, "From", "time", digest->first);
	add_plain_field(card, "To", "time", digest->last);
}

/* ---- event or digest -------------------------------------------------------------------- */

int card_make(struct card *card, const struct message *message)
{
	card->title = (struct text_value){ .head = STR(""), .tail = STR("") };
	card->tone = TONE_NEUTRAL;
	card->link = STR("");
	card->time = STR("");
	card->reference = STR("");
	card->field_count = card->line_count = card->part_count = 0;
	if (message->event)
		make_from_event(card, message->event, message->link_base);
	else if (message->digest)
		make_from_digest(card, message->digest);
	else
		return -EINVAL;
	for (size_t i = 0; i < card->part_count; i++) {
		if (card->parts[i].err)
			return card->parts[i].err;
	}
	return 0;
}

void card_done(struct card *card)
{
	for (size_t i = 0; i < card->part_count; i++)
		buf_done(&card->parts[i]);
	card->part_count = 0;
}

const struct card_field *card_field_find(const struct card *card, const char *label)
{
	for (size_t i = 0; i < card->field_count; i++) {
		if (strcmp(card->fields[i].label, label) == 0)
			return &card->fields[i];
	}
	return NULL;
}

void card_write_text(struct buf *out, const struct card *card, const struct text_rule *rule)
{
	text_add(out, rule, "title", card->title, SIZE_MAX);
	buf_add_char(out, '\n');
	for (size_t i = 0; i < card->line_count; i++) {
		buf_add_char(out, '\n');
		text_add(out, rule, "line", card->lines[i], SIZE_MAX);
	}
	for (size_t i = 0; i < card->field_count; i++) {
		buf_addf(out, "\n%s: ", card->fields[i].label);
		text_add(out, rule, card->fields[i].what, card->fields[i].value, SIZE_MAX);
	}
	if (card->link.len) {
		buf_add_char(out, '\n');
		buf_add_str(out, card->link);
	}
}

void card_write_lines(struct buf *out, const struct card *card, const struct text_rule *rule,
		      size_t max)
{
	size_t start = out->len;

	for (size_t i = 0; i < card->line_count; i++) {
		size_t before = out->len;

		if (i)
			buf_add_char(out, '\n');
		text_add(out, rule, "line", card->lines[i], SIZE_MAX);
		if (text_size(str_from(buf_str(out), start), rule->unit) <= max)
			continue;
		out->len = before;
		if (rule->trims && rule->trims->count < TRIMS_MAX)
			rule->trims->items[rule->trims->count++] =
				(struct trim){ "lines", i, card->line_count };
		return;
	}
}

int card_fit(struct buf *body, const struct card *card, const struct text_rule *rule,
	     const struct card_sketch *sketch)
{
	struct text_rule tighter = *rule;

	assert(body->len == 0);
	for (;;) {
		if (tighter.trims)
			tighter.trims->count = 0;
		sketch->draw(body, card, &tighter);
		if (body->err == -ENOMEM)
			return -ENOMEM;
		if (!body->err && sketch->size(buf_str(body)) <= sketch->limit)
			return 0;
		if (tighter.cap <= CAP_LAST)
			return -E2BIG;
		tighter.cap = tighter.cap > CAP_FIRST ? CAP_FIRST : tighter.cap / 2;
		buf_reset(body);
	}
}
