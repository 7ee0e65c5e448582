/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads the body of a request that makes, changes or tests a channel. The contract (c.3) gives
 * the order of the checks, so that clients always see the same fault first. Messages repeat names
 * and kinds, never a value of the config.
 */
#include "channels/draft.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "core/crypto.h"
#include "core/json.h"
#include "core/utf8.h"

static int wrong_shape(struct reason *why, const char *message)
{
	return reason_set(why, -EINVAL, "", "%s", message);
}

/* ---- step 1: the shape ----------------------------------------------------------------- */

/* The first member that is no string, or NULL. */
static const cJSON *find_no_string(const cJSON *container)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, container)
	{
		if (!cJSON_IsString(item))
			return item;
	}
	return NULL;
}

/* Quotes are right around a number or a boolean only. */
static int name_no_string(const cJSON *wrong, struct reason *why)
{
	struct str name = utf8_cut(str_of(wrong->string), 64);

	if (cJSON_IsNumber(wrong) || cJSON_IsBool(wrong))
		return reason_set(why, -EINVAL, "",
				  "config must be an object of strings: put %.*s in quotes",
				  STR_ARGS(name));
	return reason_set(why, -EINVAL, "",
			  "config must be an object of strings: %.*s must be a string",
			  STR_ARGS(name));
}

static int check_config(const cJSON *config, struct reason *why)
{
	const cJSON *wrong = find_no_string(config);

	if (!cJSON_IsObject(config))
		return wrong_shape(why, "config is required and must be an object of strings");
	return wrong ? name_no_string(wrong, why) : 0;
}

static int check_shape(const cJSON *tree, unsigned parts, struct reason *why)
{
	const cJSON *events = json_get(tree, "events");
	int rc = 0;

	if (!cJSON_IsObject(tree))
		return wrong_shape(why, "the body must be a JSON object");
	if (parts & DRAFT_NAME && !json_get_string(tree, "name"))
		return wrong_shape(why, "name is required and must be a string");
	if (parts & DRAFT_PROVIDER && !json_get_string(tree, "provider"))
		return wrong_shape(why, "provider is required and must be a string");
	if (parts & DRAFT_CONFIG)
		rc = check_config(json_get(tree, "config"), why);
	if (rc == 0 && parts & DRAFT_EVENTS && (!cJSON_IsArray(events) || find_no_string(events)))
		return wrong_shape(why, "events is required and must be an array of strings");
	return rc;
}

/* ---- step 2: the name ------------------------------------------------------------------ */

/* Only ASCII counts as white space here. The pattern refuses everything else. */
static struct str trim_name(struct str raw)
{
	while (raw.len > 0 && isspace((unsigned char)raw.at[0]))
		raw = str_from(raw, 1);
	while (raw.len > 0 && isspace((unsigned char)raw.at[raw.len - 1]))
		raw.len--;
	return raw;
}

bool channel_name_clean(struct str raw, char out[CHANNEL_NAME_SIZE])
{
	struct str name = trim_name(raw);

	if (name.len == 0 || name.len >= CHANNEL_NAME_SIZE)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = name.at[i] == ' ' ? '-' : (unsigned char)name.at[i];
		bool is_word = c < 0x80 && isalnum(c);

		if (!is_word && (i == 0 || !strchr("._-", c)))
			return false;
		out[i] = (char)tolower(c);
	}
	out[name.len] = '\0';
	return true;
}

/* ---- steps 3 and 4: provider and events -------------------------------------------------- */

static int read_name(struct draft *draft, struct reason *why)
{
	if (channel_name_clean(str_of(json_get_string(draft->tree, "name")), draft->name))
		return 0;
	return reason_set(why, -EINVAL, "name",
			  "name must be 1 to 64 letters, digits, dots, underscores or "
			  "hyphens and begin with a letter or digit");
}

static int read_provider(struct draft *draft, struct reason *why)
{
	draft->provider = provider_find(str_of(json_get_string(draft->tree, "provider")));
	if (draft->provider)
		return 0;
	return reason_set(why, -EINVAL, "provider", "provider is not one of those offered");
}

static bool has_event(const struct draft *draft, struct str name)
{
	for (size_t i = 0; i < draft->event_count; i++) {
		if (str_eq(draft->events[i], name))
			return true;
	}
	return false;
}

/* Retired names are stored in old rows, but requests may not use them (contract a.4). */
static bool is_acceptable(struct str word, unsigned parts)
{
	enum event_kind kind = event_kind_find_stored(word);

	if (kind == EVENT_UNKNOWN)
		return parts & DRAFT_UNKNOWN_EVENTS && !utf8_is_blank(word);
	return event_kind_is_subscribable(event_kind_find(word));
}

static int read_events(struct draft *draft, unsigned parts, struct reason *why)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, json_get(draft->tree, "events"))
	{
		struct str word = str_of(item->valuestring);

		if (!is_acceptable(word, parts))
			return event_kind_refuse(word, "events", event_kind_is_subscribable, why);
		if (has_event(draft, word))
			continue;
		if (draft->event_count == CHANNEL_MAX_EVENTS)
			return reason_set(why, -EINVAL, "events",
					  "events may name at most %d kinds", CHANNEL_MAX_EVENTS);
		draft->events[draft->event_count++] = word;
	}
	if (draft->event_count == 0)
		return reason_set(why, -EINVAL, "events", "events must name at least one kind");
	return 0;
}

/* ---- steps 5 and 7: the config ----------------------------------------------------------- */

bool provider_signs(const struct provider *provider)
{
	for (size_t i = 0; i < PROVIDER_MAX_FIELDS && provider->fields[i].name; i++) {
		if (strcmp(provider->fields[i].name, "secret") == 0)
			return true;
	}
	return false;
}

static void set_field(struct draft *draft, const char *name, struct str value)
{
	draft->config.fields[draft->config.count].name = name;
	draft->config.fields[draft->config.count].value = value;
	draft->config.count++;
}

/* White space of any script, and invisible characters, which come along when people paste. */
static bool is_unseen(uint32_t code)
{
	return code <= ' ' || code == 0x7f || (code >= 0x80 && code <= 0xa0) || code == 0x1680 ||
	       (code >= 0x2000 && code <= 0x200f) || (code >= 0x2028 && code <= 0x202f) ||
	       (code >= 0x205f && code <= 0x206f) || code == 0x3000 || code == 0xfeff;
}

static struct str trim_setting(struct str value)
{
	struct str rest = value;
	size_t end = 0; /* of the last visible character, in `value` */
	bool is_begun = false;

	while (rest.len) {
		uint32_t code;
		size_t n = utf8_decode(rest, &code);
		bool is_seen = n == 0 || !is_unseen(code);

		rest = str_from(rest, n ? n : 1);
		if (!is_seen && !is_begun) {
			value = rest;
			continue;
		}
		is_begun = true;
		if (is_seen)
			end = value.len - rest.len;
	}
	value.len = end;
	return value;
}

static void keep_stored(struct draft *draft, const struct provider_config *stored, const char *name)
{
	struct str value = config_value(stored, name);

	if (value.len > 0)
		set_field(draft, name, value);
}

/* Drops fields that the provider does not know. A stored value that stays is not checked again,
 * because it may be older than a rule. */
int draft_take_config(struct draft *draft, const struct provider *provider,
		      const struct provider_config *stored, struct reason *why)
{
	const struct provider_field *fields = provider->fields;
	const cJSON *config = json_get(draft->tree, "config");
	const char *kept = NULL;
	int rc;

	assert(provider);
	draft->provider = provider;
	draft->config.count = 0;
	for (size_t i = 0; i < PROVIDER_MAX_FIELDS && fields[i].name; i++) {
		struct str value = trim_setting(str_of(json_get_string(config, fields[i].name)));
		bool is_kept = value.len == 0 && stored && provider_signs(provider);

		if (is_kept && fields[i].need == FIELD_OPTIONAL) {
			kept = fields[i].name;
			continue;
		}
		if (is_kept)
			value = config_value(stored, fields[i].name);
		if (value.len > CONFIG_MAX_VALUE)
			return reason_set(why, -EINVAL, fields[i].name,
					  "%s is longer than %d bytes", fields[i].name,
					  CONFIG_MAX_VALUE);
		if (value.len > 0)
			set_field(draft, fields[i].name, value);
	}
	rc = provider->check(&draft->config, why);
	if (rc == 0 && kept)
		keep_stored(draft, stored, kept);
	return rc;
}

static int read_parts(struct draft *draft, unsigned parts, struct reason *why)
{
	int rc = check_shape(draft->tree, parts, why);

	if (rc == 0 && parts & DRAFT_NAME)
		rc = read_name(draft, why);
	if (rc == 0 && parts & DRAFT_PROVIDER)
		rc = read_provider(draft, why);
	if (rc == 0 && parts & DRAFT_EVENTS)
		rc = read_events(draft, parts, why);
	if (rc == 0 && parts & DRAFT_OPTIONS)
		rc = channel_options_read(draft->tree, &draft->options, why);
	if (rc == 0 && parts & DRAFT_CONFIG && parts & DRAFT_PROVIDER)
		rc = draft_take_config(draft, draft->provider, NULL, why);
	return rc;
}

int draft_parse(struct str body, unsigned parts, struct draft *out, struct reason *why)
{
	int rc;

	*out = (struct draft){ .tree = NULL };
	rc = body_parse(body, &out->tree, why);
	if (rc < 0)
		return rc;
	rc = read_parts(out, parts, why);
	if (rc < 0)
		draft_done(out);
	return rc;
}

/* ---- secrets --------------------------------------------------------------------------- */

void draft_complete_secret(struct draft *draft)
{
	uint8_t noise[(CHANNEL_SECRET_SIZE - 1) / 2];

	if (!provider_signs(draft->provider) || config_value(&draft->config, "secret").len > 0)
		return;
	random_bytes(noise, sizeof(noise));
	hex_encode(noise, sizeof(noise), draft->secret);
	explicit_bzero(noise, sizeof(noise));
	set_field(draft, "secret", str_of(draft->secret));
}

static void wipe_strings(cJSON *config)
{
	cJSON *item;

	cJSON_ArrayForEach(item, config)
	{
		if (cJSON_IsString(item))
			explicit_bzero(item->valuestring, strlen(item->valuestring));
	}
}

void draft_done(struct draft *draft)
{
	wipe_strings(cJSON_GetObjectItemCaseSensitive(draft->tree, "config"));
	cJSON_Delete(draft->tree);
	explicit_bzero(draft->secret, sizeof(draft->secret));
	draft->tree = NULL;
	draft->config.count = 0;
}
