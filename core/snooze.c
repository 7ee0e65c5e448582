/* SPDX-License-Identifier: Apache-2.0 */

/* A short list of resources, searched from its beginning. */
#include "core/snooze.h"

#include <errno.h>

#include "core/rfc3339.h"

static int refuse(struct reason *why)
{
	return reason_set(why, -EINVAL, "snooze",
			  "snooze must be an object with a time (until), and at most %d resources, "
			  "each with its time",
			  SNOOZE_MAX_RESOURCES);
}

static bool read_time(const cJSON *item, int64_t *out_us)
{
	return cJSON_IsString(item) && rfc3339_parse(str_of(item->valuestring), out_us) == 0;
}

int snooze_read(const cJSON *object, struct snooze *out, struct reason *why)
{
	const cJSON *until = json_get(object, "until");
	const cJSON *resources = json_get(object, "resources");
	struct snooze snooze = { .count = 0 };
	const cJSON *item;

	if (!cJSON_IsObject(object) || (until && !read_time(until, &snooze.until_us)) ||
	    (resources && !cJSON_IsObject(resources)))
		return refuse(why);
	cJSON_ArrayForEach(item, resources)
	{
		struct snoozed_resource *resource = &snooze.resources[snooze.count];

		if (snooze.count == SNOOZE_MAX_RESOURCES || !read_time(item, &resource->until_us))
			return refuse(why);
		resource->id = str_of(item->string);
		snooze.count++;
	}
	*out = snooze;
	return 0;
}

static size_t find(const struct snooze *snooze, struct str resource)
{
	size_t i = 0;

	while (i < snooze->count && !str_eq(snooze->resources[i].id, resource))
		i++;
	return i;
}

int64_t snooze_until(const struct snooze *snooze, struct str resource)
{
	size_t i = resource.len ? find(snooze, resource) : snooze->count;
	int64_t until_us = i < snooze->count ? snooze->resources[i].until_us : 0;

	return snooze->until_us > until_us ? snooze->until_us : until_us;
}

static void forget_ended(struct snooze *snooze, int64_t now_us)
{
	size_t kept = 0;

	if (snooze->until_us <= now_us)
		snooze->until_us = 0;
	for (size_t i = 0; i < snooze->count; i++) {
		if (snooze->resources[i].until_us > now_us)
			snooze->resources[kept++] = snooze->resources[i];
	}
	snooze->count = kept;
}

int snooze_set(struct snooze *snooze, struct str resource, int64_t until_us, int64_t now_us)
{
	size_t i = find(snooze, resource);

	if (resource.len == 0)
		snooze->until_us = until_us;
	else if (i < snooze->count)
		snooze->resources[i].until_us = until_us;
	forget_ended(snooze, now_us);
	if (resource.len == 0 || until_us <= now_us || find(snooze, resource) < snooze->count)
		return 0;
	if (snooze->count == SNOOZE_MAX_RESOURCES)
		return -E2BIG;
	snooze->resources[snooze->count++] =
		(struct snoozed_resource){ .id = resource, .until_us = until_us };
	return 0;
}

static void add_time(struct buf *out, int64_t us)
{
	char text[RFC3339_TEXT_SIZE];

	rfc3339_format(us, 0, text);
	json_add_string(out, str_of(text));
}

void snooze_write(struct buf *out, const struct snooze *snooze)
{
	buf_add_char(out, '{');
	if (snooze->until_us) {
		json_add_name(out, "until");
		add_time(out, snooze->until_us);
	}
	for (size_t i = 0; i < snooze->count; i++) {
		if (i == 0) {
			json_add_name(out, "resources");
			buf_add_char(out, '{');
		} else {
			buf_add_char(out, ',');
		}
		json_add_string(out, snooze->resources[i].id);
		buf_add_char(out, ':');
		add_time(out, snooze->resources[i].until_us);
	}
	buf_add_text(out, snooze->count ? "}}" : "}");
}
