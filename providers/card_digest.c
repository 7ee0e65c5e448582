/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The card of a digest: "48 capsules destroyed, 2 failed". The lines name the failures, those with
 * the same error together, and count the other events by kind unless the title does. Failures come
 * first, because a push notification shows only the beginning, and then hosts that are down.
 */
#include <ctype.h>

#include "core/rfc3339.h"
#include "core/utf8.h"
#include "providers/card_parts.h"
#include "providers/words.h"

/* NULL for a kind without words, such as one of a newer version. */
static const struct kind_words *find_words(struct str event)
{
	const struct kind_words *words = words_of_kind(event_kind_find(event));

	return words->lead ? words : NULL;
}

static bool is_failure(const struct digest_group *group)
{
	return str_is(group->outcome, "error");
}

/* It has no outcome, but somebody must act on it. */
static bool is_down(const struct digest_group *group)
{
	return !is_failure(group) && event_kind_find(group->event) == EVENT_HOST_DOWN;
}

static bool is_well(const struct digest_group *group)
{
	return !is_failure(group) && !is_down(group);
}

static size_t count_of(const struct digest *digest,
		       bool (*is_meant)(const struct digest_group *group))
{
	size_t events = 0;

	for (size_t i = 0; i < digest->group_count; i++)
		events += is_meant(&digest->groups[i]) ? digest->groups[i].count : 0;
	return events;
}

static const char *outcome_of(const struct kind_words *words, const struct digest_group *group)
{
	if (is_failure(group))
		return words->failed;
	return words->requested && str_is(group->outcome, "requested") ? words->requested
								       : words->many_done;
}

/* "48 capsules destroyed", "2 capsules: start requested", "2 capsules failed to destroy", "3 x.y",
 * "3 x.y failed" */
static void add_count(struct buf *out, const struct digest_group *group, size_t count)
{
	const struct kind_words *words = find_words(group->event);

	buf_addf(out, "%zu ", count);
	if (words) {
		buf_add_text(out, count == 1 ? words->one : words->many);
		buf_add_text(out, outcome_of(words, group));
		return;
	}
	text_clean(out, group->event);
	if (is_failure(group))
		buf_add_text(out, " failed");
}

/* ---- the title ----------------------------------------------------------------------------- */

/* True if all events have the same kind, with words of its own, and all that did not fail have one
 * outcome. The last group has that outcome, because failures come first. */
static bool has_one_kind(const struct digest *digest)
{
	const struct digest_group *groups = digest->groups;
	size_t counted = 0;

	for (size_t i = 0; i < digest->group_count; i++) {
		const struct digest_group *last = &groups[digest->group_count - 1];

		if (!str_eq(groups[i].event, last->event) ||
		    (!is_failure(&groups[i]) && !str_eq(groups[i].outcome, last->outcome)))
			return false;
		counted += groups[i].count;
	}
	return digest->group_count && counted == digest->total && find_words(groups[0].event);
}

static void set_title(struct card *card, const struct digest *digest, size_t failed)
{
	struct buf *title = card_part(card);
	size_t done = digest->total - failed;
	size_t down = count_of(digest, is_down);
	bool is_short = has_one_kind(digest);

	if (is_short)
		add_count(title, &digest->groups[digest->group_count - 1], done ? done : failed);
	else
		buf_addf(title, "%zu events", digest->total);
	if (failed && !(is_short && done == 0))
		buf_addf(title, ", %zu failed", failed);
	if (down && !is_short)
		buf_addf(title, ", %zu %s down", down, down == 1 ? "host" : "hosts");
	card->title.verb = buf_str(title);
}

/* ---- lines --------------------------------------------------------------------------------- */

static bool is_in(const struct digest_name *name, const struct digest_group *group)
{
	return str_eq(name->event, group->event) && str_eq(name->outcome, group->outcome);
}

/* How often the event of this name is in the digest; 0 when an earlier one was counted. */
static size_t count_name(const struct digest *digest, size_t index)
{
	const struct digest_name *name = &digest->names[index];
	size_t count = 0;

	for (size_t i = 0; i < digest->name_count; i++) {
		const struct digest_name *other = &digest->names[i];

		if (!str_eq(other->resource_id, name->resource_id) ||
		    !str_eq(other->event, name->event) || !str_eq(other->outcome, name->outcome))
			continue;
		if (i < index)
			return 0;
		count++;
	}
	return count;
}

/* "web-1, web-2 (3 times) and 2 more", after `before`; nothing when the group has no names. */
static void add_group_names(struct buf *out, const struct digest *digest,
			    const struct digest_group *group, const char *before)
{
	size_t named = 0;

	for (size_t i = 0; i < digest->name_count; i++) {
		size_t count = is_in(&digest->names[i], group) ? count_name(digest, i) : 0;

		if (count == 0)
			continue;
		named += count;
		buf_add_text(out, before);
		before = ", ";
		if (utf8_is_blank(digest->names[i].resource_id))
			buf_add_text(out, "no name");
		else
			text_clean(out, digest->names[i].resource_id);
		if (count > 1)
			buf_addf(out, " (%zu times)", count);
	}
	if (named && named < group->count)
		buf_addf(out, " and %zu more", group->count - named);
}

static bool is_alike(const struct digest_failure *a, const struct digest_failure *b)
{
	return str_eq(a->event, b->event) && str_eq(a->error, b->error);
}

static bool is_named(const struct digest *digest, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (is_alike(&digest->failures[i], &digest->failures[index]))
			return true;
	}
	return false;
}

static void add_names(struct buf *out, const struct digest *digest, size_t first)
{
	for (size_t i = first; i < digest->failure_count; i++) {
		if (!is_alike(&digest->failures[i], &digest->failures[first]))
			continue;
		if (i > first)
			buf_add_text(out, ", ");
		text_clean(out, digest->failures[i].resource_id);
	}
}

/* "Capsules web-1, web-2 failed to destroy: the host did not answer" */
static void add_failure(struct card *card, const struct digest *digest, size_t first)
{
	const struct digest_failure *failure = &digest->failures[first];
	const struct kind_words *words = find_words(failure->event);
	bool is_many = false;
	struct buf *part = card_part(card);

	for (size_t i = first + 1; i < digest->failure_count; i++)
		is_many |= is_alike(&digest->failures[i], failure);
	if (words && is_many) {
		buf_add_char(part, (char)toupper((unsigned char)words->many[0]));
		buf_addf(part, "%s ", words->many + 1);
	} else if (words) {
		buf_add_text(part, words->lead);
	} else {
		text_clean(part, failure->event);
		buf_add_char(part, ' ');
	}
	add_names(part, digest, first);
	buf_add_text(part, words ? words->failed : " failed");
	if (!utf8_is_blank(failure->error)) {
		buf_add_text(part, ": ");
		text_clean(part, failure->error);
	}
	card_add_line(card, buf_str(part), STR(""));
}

static void add_failures(struct card *card, const struct digest *digest, size_t failed)
{
	for (size_t i = 0; i < digest->failure_count; i++) {
		if (!is_named(digest, i))
			add_failure(card, digest, i);
	}
	if (failed > digest->failure_count && digest->failure_count > 0) {
		struct buf *part = card_part(card);

		buf_addf(part, "and %zu more failed", failed - digest->failure_count);
		card_add_line(card, buf_str(part), STR(""));
	}
}

/* The title counts them. */
static void add_only_names(struct card *card, const struct digest *digest, size_t failed)
{
	for (size_t i = 0; i < digest->group_count; i++) {
		struct buf *part = card_part(card);

		add_group_names(part, digest, &digest->groups[i], failed ? "The others: " : "");
		if (part->len)
			card_add_line(card, buf_str(part), STR(""));
	}
}

static void add_groups(struct card *card, const struct digest *digest,
		       bool (*is_meant)(const struct digest_group *group))
{
	for (size_t i = 0; i < digest->group_count; i++) {
		const struct digest_group *group = &digest->groups[i];
		struct buf *part;

		if (!is_meant(group))
			continue;
		part = card_part(card);
		add_count(part, group, group->count);
		add_group_names(part, digest, group, ": ");
		card_add_line(card, buf_str(part), STR(""));
	}
}

static void add_others(struct card *card, size_t count)
{
	struct buf *part = card_part(card);

	if (count == 0)
		return;
	buf_addf(part, count == 1 ? "%zu other" : "%zu others", count);
	card_add_line(card, buf_str(part), STR(""));
}

static void add_lines(struct card *card, const struct digest *digest, size_t failed)
{
	if (has_one_kind(digest)) {
		add_failures(card, digest, failed);
		add_only_names(card, digest, failed);
		return;
	}
	/* Otherwise each of them is named below. */
	if (failed > digest->failure_count)
		add_groups(card, digest, is_failure);
	add_failures(card, digest, failed);
	add_groups(card, digest, is_down);
	add_groups(card, digest, is_well);
	add_others(card,
		   digest->total - failed - count_of(digest, is_down) - count_of(digest, is_well));
}

/* ---- the card ------------------------------------------------------------------------------ */

/* The page that lists the resources of all events, or the first page. */
static void set_link(struct card *card, struct str base, const struct digest *digest)
{
	const char *page = NULL;

	if (base.len == 0)
		return;
	for (size_t i = 0; i < digest->group_count; i++) {
		const struct kind_words *words = find_words(digest->groups[i].event);
		const char *other = words && words->page ? words->page : "/";

		if (page && strcmp(page, other) != 0)
			other = "/";
		page = other;
	}
	card_set_link(card, base, page ? page : "/", STR(""));
	if (card->link.len)
		card->link.len--; /* the slash at its end */
}

static void add_time(struct card *card, const char *label, struct str text)
{
	int64_t time_us;

	if (rfc3339_parse(text, &time_us) < 0)
		time_us = 0;
	card_add_time_field(card, label, time_us, text);
}

void card_make_from_digest(struct card *card, const struct message *message)
{
	const struct digest *digest = message->digest;
	size_t failed = count_of(digest, is_failure);

	set_title(card, digest, failed);
	set_link(card, message->link_base, digest);
	if (failed || count_of(digest, is_down)) {
		card->tone = TONE_BAD;
		card->status = failed ? "Failed" : "Down";
	}
	add_lines(card, digest, failed);
	card_add_team(card, message->team_name, digest->team_text);
	card_add_text_field(card, "Instead of", "note", message->note);
	add_time(card, "From", digest->first);
	add_time(card, "To", digest->last);
}
