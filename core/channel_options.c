/* SPDX-License-Identifier: Apache-2.0 */

/* One table of options: the member's name, and how its value is read. The value itself is stored
 * and shown as the client wrote it. */
#include "core/channel_options.h"

#include <errno.h>
#include <stdlib.h>

#include "core/id.h"

static int read_filter(const cJSON *value, struct channel_options *out, struct reason *why)
{
	return event_filter_read(value, &out->filter, why);
}

static int read_fallback(const cJSON *value, struct channel_options *out, struct reason *why)
{
	const cJSON *channel = json_get(value, "channel_id");
	const cJSON *minutes = json_get(value, "after_minutes");
	struct fallback_option fallback = { .is_set = true };

	if (!cJSON_IsObject(value))
		return reason_set(why, -EINVAL, "fallback",
				  "fallback must be an object with channel_id and after_minutes");
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

static const struct option {
	const char *name;
	/* 0, or -EINVAL with *why, and then *out is as before. */
	int (*read)(const cJSON *value, struct channel_options *out, struct reason *why);
} table[] = {
	{ "filter", read_filter },
	{ "fallback", read_fallback },
	{ "living", read_living },
};

/* ---- reading ------------------------------------------------------------------------------- */

static bool is_nothing(const cJSON *value)
{
	return !value || cJSON_IsNull(value) || cJSON_IsFalse(value) ||
	       (cJSON_IsObject(value) && !value->child);
}

int channel_options_read(const cJSON *object, struct channel_options *out, struct reason *why)
{
	int rc = 0;

	*out = (struct channel_options){ .tree = NULL };
	for (size_t i = 0; i < ARRAY_LEN(table) && rc == 0; i++) {
		const cJSON *value = json_get(object, table[i].name);

		if (!is_nothing(value))
			rc = table[i].read(value, out, why);
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
		if (json_get(request, table[i].name))
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
		const cJSON *value = json_get(request, table[i].name);

		if (value)
			rc = put(options, table[i].name, value);
	}
	if (rc == 0 && options->child)
		json_add_value(out, options);
	cJSON_Delete(options);
	return rc < 0 ? rc : out->err;
}

void channel_options_write(const cJSON *request, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const cJSON *value = json_get(request, table[i].name);

		if (is_nothing(value))
			continue;
		json_add_name(out, table[i].name);
		json_add_value(out, value);
	}
}

/* What is no object shows nothing. */
int channel_options_show(struct str stored, struct buf *out)
{
	cJSON *options = NULL;
	int rc = stored.len ? parse(stored, &options) : 0;

	if (rc == 0)
		channel_options_write(options, out);
	cJSON_Delete(options);
	return rc == -ENOMEM ? rc : out->err;
}
