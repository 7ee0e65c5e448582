/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Walks the event's texts and names. It leaves the names of the event's own members alone, and
 * the few words that nobody writes (kind, outcome, types, times). So a secret that happens to be
 * such a word changes no event.
 */
#include "channels/mask.h"

#include <ctype.h>
#include <string.h>

#include "core/str.h"
#include "core/url.h"

#define MASK         "[masked]"
#define SHORT_SECRET 6  /* a credential of this length or less could be any word */
#define LONG_TOKEN   16 /* a token of this length is part of no other word */

static const char *const members[] = { "event",    "timestamp", "team_id",  "outcome", "actor",
				       "resource", "error",     "metadata", "sandbox", NULL };
static const char *const party_members[] = { "type", "id", "name", NULL };
static const char *const vocabulary[] = { "event", "timestamp", "team_id", "outcome", NULL };
static const char *const party_vocabulary[] = { "type", NULL };

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++) {
		if (strcmp(name, *names) == 0)
			return true;
	}
	return false;
}

/* ---- credentials in one text --------------------------------------------------------------- */

/* Names of rooms, chats and servers give no access, nor does an address without a path. */
static bool is_credential(const char *field, struct str value)
{
	static const char *const harmless[] = { "chat_id", "room_id", "homeserver_url", NULL };
	struct url_parts parts;

	if (value.len < SHORT_SECRET || is_one_of(field, harmless))
		return false;
	return !url_split(value, &parts) || parts.path.len > 1 || parts.query.len > 0;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* True when the value at `at` is not part of a longer word. */
static bool is_whole(const char *text, const char *at, struct str value)
{
	struct url_parts parts;

	if (value.len >= LONG_TOKEN && !url_split(value, &parts))
		return true;
	return (at == text || !is_word(at[-1])) && !is_word(at[value.len]);
}

/* Writes a mask that is never longer than the value. Returns its end. */
static char *write_mask(char *to, size_t len)
{
	if (len < strlen(MASK)) {
		memset(to, '*', len);
		return to + len;
	}
	memcpy(to, MASK, strlen(MASK));
	return to + strlen(MASK);
}

/* Masks every occurrence in one pass. */
static void mask_value(char *text, struct str value)
{
	const char *end = text + strlen(text);
	const char *from = text; /* not copied yet */
	const char *at = text;
	char *to = text;

	while ((at = memmem(at, (size_t)(end - at), value.at, value.len)) != NULL) {
		if (!is_whole(text, at, value)) {
			at++;
			continue;
		}
		memmove(to, from, (size_t)(at - from));
		to = write_mask(to + (at - from), value.len);
		at += value.len;
		from = at;
	}
	memmove(to, from, (size_t)(end - from) + 1);
}

static void mask_text(char *text, const struct provider_config *config)
{
	for (size_t i = 0; i < config->count; i++) {
		if (is_credential(config->fields[i].name, config->fields[i].value))
			mask_value(text, config->fields[i].value);
	}
}

/* ---- credentials in a JSON tree ------------------------------------------------------------ */

static void mask_tree(cJSON *tree, const struct provider_config *config)
{
	cJSON *child;

	if (cJSON_IsString(tree))
		mask_text(tree->valuestring, config);
	cJSON_ArrayForEach(child, tree)
	{
		if (child->string)
			mask_text(child->string, config);
		mask_tree(child, config);
	}
}

static void mask_party(cJSON *party, const struct provider_config *config)
{
	cJSON *child;

	cJSON_ArrayForEach(child, party)
	{
		if (!is_one_of(child->string, party_members))
			mask_text(child->string, config);
		if (!is_one_of(child->string, party_vocabulary))
			mask_tree(child, config);
	}
}

void mask_event(cJSON *event, const struct provider_config *config)
{
	cJSON *child;

	cJSON_ArrayForEach(child, event)
	{
		bool is_party = cJSON_IsObject(child) && (strcmp(child->string, "actor") == 0 ||
							  strcmp(child->string, "resource") == 0);

		if (!is_one_of(child->string, members))
			mask_text(child->string, config);
		if (is_party)
			mask_party(child, config);
		else if (!is_one_of(child->string, vocabulary))
			mask_tree(child, config);
	}
}
