/* SPDX-License-Identifier: Apache-2.0 */

/* One table of options: the member's name, and how its value is read. The value itself is stored
 * and shown as the client wrote it. */
#include "core/channel_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/id.h"
#include "core/suggest.h"

static int read_filter(const cJSON *value, struct channel_options *out, struct reason *why)
{
	return event_filter_read(value, &out->filter, why);
}

static int check_filter(const struct channel_options *options, struct reason *why)
{
	return event_filter_check(&options->filter, why);
}

static int read_fallback(const cJSON *value, struct channel_options *out, struct reason *why)
{
	static const char *const names[] = { "channel_id", "after_minutes", NULL };
	const cJSON *channel = json_get(value, "channel_id");
	const cJSON *minutes = json_get(value, "after_minutes");
	struct fallback_option fallback = { .is_set = true };

	if (json_check_object(value, names, "fallback", why) < 0)
		return -EINVAL;
	if (!cJSON_IsString(channel) ||
	    id_parse(ID_CHANNEL, str_of(channel->valuestring), &fallback.channel) < 0)
		return reason_set(why, -EINVAL, "fallback.channel_id",
				  "fallback.channel_id must be the id of a channel, ch-...");
	if (!cJSON_IsNumber(minutes) || minutes->valuedouble < 1 ||
	    minutes->valuedouble > FALLBACK_MAX_MINUTES ||
	    minutes->valuedouble != (double)(unsigned)minutes->valuedouble)
		return reason_set(why, -EINVAL, "fallback.after_minutes",
				  "fallback.after_minutes must be a whole number from 1 to %d",
				  FALLBACK_MAX_MINUTES);
	fallback.after_minutes = (unsigned)minutes->valuedouble;
	out->fallback = fallback;
	return 0;
}

static int read_living(const cJSON *value, struct channel_options *out, struct reason *why)
{
	if (!cJSON_IsTrue(value))
		return reason_set(why, -EINVAL, "living", "living must be true or false");
	out->is_living = true;
	return 0;
}

static int read_quiet(const cJSON *value, struct channel_options *out, struct reason *why)
{
	return quiet_hours_read(value, &out->quiet, why);
}

static int check_quiet(const struct channel_options *options, struct reason *why)
{
	return quiet_hours_check(&options->quiet, why);
}

static int read_snooze(const cJSON *value, struct channel_options *out, struct reason *why)
{
	return snooze_read(value, &out->snooze, why);
}

static const struct option {
	const char *name;
	/* 0, or -EINVAL with *why, and then *out is as before. */
	int (*read)(const cJSON *value, struct channel_options *out, struct reason *why);
	/* A further check, for requests only; NULL: none. */
	int (*check)(const struct channel_options *options, struct reason *why);
	bool has_endpoint; /* only that one changes it */
} table[] = {
	{ "filter", read_filter, check_filter, false }, { "fallback", read_fallback, NULL, false },
	{ "living", read_living, NULL, false },         { "quiet", read_quiet, check_quiet, false },
	{ "snooze", read_snooze, NULL, true },
};

/* ---- reading ------------------------------------------------------------------------------- */

static bool is_nothing(const cJSON *value)
{
	return !value || cJSON_IsNull(value) || cJSON_IsFalse(value) ||
	       (cJSON_IsObject(value) && !value->child);
}

/* The request's value for the option; NULL: none. */
static const cJSON *named(const cJSON *request, const struct option *option)
{
	return option->has_endpoint ? NULL : json_get(request, option->name);
}

/* Clients send members that we do not know, and they are ignored (contract c.2). But one that is
 * nearly an option is a slip, and to ignore it would leave the channel without the option. */
static int refuse_misspelled(const cJSON *request, struct reason *why)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, request)
	{
		struct suggestion suggestion = { .typed = item->string };

		for (size_t i = 0; i < ARRAY_LEN(table); i++)
			suggest_consider(&suggestion, table[i].name);
		if (suggestion.meant && suggestion.distance > 0)
			return reason_set(why, -EINVAL, suggestion.meant,
					  "a channel has no option \"%s\"; did you mean %s?",
					  item->string, suggestion.meant);
	}
	return 0;
}

int channel_options_read(const cJSON *request, struct channel_options *out, struct reason *why)
{
	int rc = refuse_misspelled(request, why);

	*out = (struct channel_options){ .tree = NULL };
	for (size_t i = 0; i < ARRAY_LEN(table) && rc == 0; i++) {
		const cJSON *value = named(request, &table[i]);

		if (is_nothing(value))
			continue;
		rc = table[i].read(value, out, why);
		if (rc == 0 && table[i].check)
			rc = table[i].check(out, why);
	}
	return rc;
}

static int parse(struct str stored, cJSON **out)
{
	int rc = json_parse(stored, CHANNEL_OPTIONS_MAX_BYTES, out, NULL);

	if (rc == 0 && !cJSON_IsObject(*out)) {
		cJSON_Delete(*out);
		*out = NULL;
		return -EINVAL;
	}
	return rc == 0 || rc == -ENOMEM ? rc : -EINVAL;
}

int channel_options_open(struct str stored, struct channel_options **out)
{
	struct channel_options *options = calloc(1, sizeof(*options));
	int rc = options ? parse(stored, &options->tree) : -ENOMEM;

	if (rc < 0) {
		free(options);
		return rc;
	}
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const cJSON *value = json_get(options->tree, table[i].name);

		if (!is_nothing(value))
			(void)table[i].read(value, options, NULL);
	}
	*out = options;
	return 0;
}

void channel_options_close(struct channel_options *options)
{
	if (options)
		cJSON_Delete(options->tree);
	free(options);
}

/* ---- storing and showing ------------------------------------------------------------------- */

bool channel_options_are_named(const cJSON *request)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (named(request, &table[i]))
			return true;
	}
	return false;
}

static int put(cJSON *options, const char *name, const cJSON *value)
{
	cJSON *copy;

	cJSON_DeleteItemFromObjectCaseSensitive(options, name);
	if (is_nothing(value))
		return 0;
	copy = cJSON_Duplicate(value, true);
	if (copy && cJSON_AddItemToObject(options, name, copy))
		return 0;
	cJSON_Delete(copy);
	return -ENOMEM;
}

int channel_options_merge(struct str stored, const cJSON *request, struct buf *out)
{
	cJSON *options = NULL;
	int rc = parse(stored.len ? stored : STR("{}"), &options);

	for (size_t i = 0; i < ARRAY_LEN(table) && rc == 0; i++) {
		const cJSON *value = named(request, &table[i]);

		if (value)
			rc = put(options, table[i].name, value);
	}
	if (rc == 0 && options->child)
		json_add_value(out, options);
	cJSON_Delete(options);
	return rc < 0 ? rc : out->err;
}

static int put_snooze(cJSON *options, const struct snooze *snooze)
{
	cJSON *value = NULL;
	struct buf json;
	int rc;

	buf_init(&json, CHANNEL_OPTIONS_MAX_BYTES);
	snooze_write(&json, snooze);
	rc = json.err ? json.err
		      : json_parse(buf_str(&json), CHANNEL_OPTIONS_MAX_BYTES, &value, NULL);
	if (rc == 0)
		rc = put(options, "snooze", value);
	cJSON_Delete(value);
	buf_done(&json);
	return rc;
}

int channel_options_set_snooze(struct str stored, const struct snooze *snooze, struct buf *out)
{
	cJSON *options = NULL;
	int rc = parse(stored.len ? stored : STR("{}"), &options);

	if (rc == 0)
		rc = put_snooze(options, snooze);
	if (rc == 0 && options->child)
		json_add_value(out, options);
	cJSON_Delete(options);
	return rc < 0 ? rc : out->err;
}

static void write_option(struct buf *out, const struct option *option, const cJSON *value)
{
	if (is_nothing(value))
		return;
	json_add_name(out, option->name);
	json_add_value(out, value);
}

void channel_options_write(const cJSON *request, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		write_option(out, &table[i], named(request, &table[i]));
}

/* Stored text that is not an object shows nothing. */
int channel_options_show(struct str stored, struct buf *out)
{
	cJSON *options = NULL;
	int rc = stored.len ? parse(stored, &options) : 0;

	for (size_t i = 0; i < ARRAY_LEN(table) && rc == 0; i++)
		write_option(out, &table[i], json_get(options, table[i].name));
	cJSON_Delete(options);
	return rc == -ENOMEM ? rc : out->err;
}
