/* SPDX-License-Identifier: Apache-2.0 */

/* One table of rules: how each reads an event, and which words it accepts. */
#include "core/event_filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/utf8.h"

#define SHOWN_MAX 64 /* bytes of a client's text in an error */

static struct str outcome_of(const struct event *event)
{
	if (event->outcome == OUTCOME_NONE)
		return STR("none");
	return event->outcome == OUTCOME_ERROR ? STR("error") : STR("success");
}

static struct str resource_of(const struct event *event)
{
	return event->resource_id;
}

static struct str template_of(const struct event *event)
{
	return event_metadata(event, "template");
}

static struct str reason_of(const struct event *event)
{
	return event->reason;
}

static struct str actor_of(const struct event *event)
{
	return event->actor_type;
}

static const char *const outcomes[] = { "success", "error", "none", NULL };
static const char *const actors[] = { "user", "api_key", "system", NULL };

static const struct filter_kind {
	const char *name;
	struct str (*of)(const struct event *event);
	const char *const *known; /* the accepted words; NULL: any */
	bool has_prefixes;        /* a word that ends in * is a prefix */
} rules[EVENT_FILTER_RULES] = {
	{ "outcome", outcome_of, outcomes, false }, { "resource", resource_of, NULL, true },
	{ "template", template_of, NULL, false },   { "reason", reason_of, NULL, false },
	{ "actor.type", actor_of, actors, false },
};

/* ---- reading ------------------------------------------------------------------------------- */

static void name_field(const struct filter_kind *rule, char field[48])
{
	snprintf(field, 48, "filter.%s", rule->name);
}

static bool is_known(const struct filter_kind *rule, struct str word)
{
	if (!rule->known)
		return true;
	for (size_t i = 0; rule->known[i]; i++) {
		if (str_is(word, rule->known[i]))
			return true;
	}
	return false;
}

static int refuse_word(const struct filter_kind *rule, struct str word, struct reason *why)
{
	struct str shown = utf8_cut(word, SHOWN_MAX);
	char field[48];

	name_field(rule, field);
	if (!rule->known)
		return reason_set(why, -EINVAL, field,
				  "%s takes words of 1 to %d bytes that are not blank", field,
				  EVENT_FILTER_MAX_WORD);
	return reason_set(why, -EINVAL, field, "%s must be %s, %s or %s, not \"%.*s\"", field,
			  rule->known[0], rule->known[1], rule->known[2], STR_ARGS(shown));
}

static int read_words(const struct filter_kind *rule, const cJSON *list,
		      struct event_filter_rule *out, struct reason *why)
{
	const cJSON *item;
	char field[48];
	int count = cJSON_GetArraySize(list);

	name_field(rule, field);
	if (!cJSON_IsArray(list) || count < 1 || count > EVENT_FILTER_MAX_WORDS)
		return reason_set(why, -EINVAL, field, "%s must be a list of 1 to %d words", field,
				  EVENT_FILTER_MAX_WORDS);
	cJSON_ArrayForEach(item, list)
	{
		struct str word = str_of(cJSON_IsString(item) ? item->valuestring : NULL);

		if (utf8_is_blank(word) || word.len > EVENT_FILTER_MAX_WORD ||
		    !is_known(rule, word))
			return refuse_word(rule, word, why);
		out->words[out->count++] = word;
	}
	return 0;
}

static int check_members(const cJSON *object, struct reason *why)
{
	const char *names[EVENT_FILTER_RULES + 1] = { NULL };

	for (size_t i = 0; i < EVENT_FILTER_RULES; i++)
		names[i] = rules[i].name;
	return json_check_object(object, names, "filter", why);
}

int event_filter_read(const cJSON *object, struct event_filter *out, struct reason *why)
{
	struct event_filter filter = { 0 };
	int rc = check_members(object, why);

	for (size_t i = 0; i < EVENT_FILTER_RULES && rc == 0; i++) {
		const cJSON *list = json_get(object, rules[i].name);

		if (list)
			rc = read_words(&rules[i], list, &filter.rules[i], why);
	}
	if (rc == 0)
		*out = filter;
	return rc;
}

static int check_word(const struct filter_kind *rule, struct str word, struct reason *why)
{
	const char *star = memchr(word.at, '*', word.len);
	struct str shown = utf8_cut(word, SHOWN_MAX);
	char field[48];

	if (!star || (rule->has_prefixes && star == word.at + word.len - 1))
		return 0;
	name_field(rule, field);
	if (rule->has_prefixes)
		return reason_set(why, -EINVAL, field,
				  "%s takes a * at the end of a word only, not \"%.*s\"", field,
				  STR_ARGS(shown));
	return reason_set(why, -EINVAL, field, "%s takes whole words, without a *, not \"%.*s\"",
			  field, STR_ARGS(shown));
}

int event_filter_check(const struct event_filter *filter, struct reason *why)
{
	int rc = 0;

	for (size_t i = 0; i < EVENT_FILTER_RULES; i++) {
		const struct event_filter_rule *rule = &filter->rules[i];

		for (size_t word = 0; word < rule->count && rc == 0; word++)
			rc = check_word(&rules[i], rule->words[word], why);
	}
	return rc;
}

/* ---- using it ------------------------------------------------------------------------------ */

static bool is_match(const struct filter_kind *rule, struct str word, struct str value)
{
	if (!rule->has_prefixes || word.at[word.len - 1] != '*')
		return str_eq(value, word);
	word.len--;
	return str_starts(value, word);
}

/* A host that is down has no outcome, but it counts as a failure. */
static bool is_failure(const struct filter_kind *rule, struct str word, const struct event *event)
{
	return rule->of == outcome_of && event->kind == EVENT_HOST_DOWN && str_is(word, "error");
}

static bool holds(const struct filter_kind *rule, const struct event_filter_rule *words,
		  const struct event *event)
{
	for (size_t i = 0; i < words->count; i++) {
		if (is_match(rule, words->words[i], rule->of(event)) ||
		    is_failure(rule, words->words[i], event))
			return true;
	}
	return words->count == 0;
}

const char *event_filter_refusal(const struct event_filter *filter, const struct event *event)
{
	for (size_t i = 0; i < EVENT_FILTER_RULES; i++) {
		if (!holds(&rules[i], &filter->rules[i], event))
			return rules[i].name;
	}
	return NULL;
}
