/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A digest as JSON and back. In between it is in the store, so the parser trusts nothing: it checks
 * every member's type, every count, every bound.
 */
#include <errno.h>

#include "core/json.h"
#include "core/utf8.h"
#include "providers/digest.h"

#define DIGEST_MAX_BYTES 65536
#define DIGEST_MAX_COUNT 1000000
#define DIGEST_MAX_TEXT  300 /* bytes of one text as written */

static void add_text(struct buf *out, const char *name, struct str value)
{
	struct buf clean;

	buf_init(&clean, DIGEST_MAX_TEXT);
	utf8_clean(&clean, value, DIGEST_MAX_TEXT, true);
	if (clean.err && !out->err)
		out->err = clean.err;
	json_add_member(out, name, buf_str(&clean));
	buf_done(&clean);
}

static void add_count(struct buf *out, const char *name, size_t count)
{
	json_add_name(out, name);
	buf_add_u64(out, count);
}

static void write_names(struct buf *out, const struct digest *digest)
{
	if (digest->name_count == 0)
		return;
	buf_add_text(out, ",\"names\":[");
	for (size_t i = 0; i < digest->name_count; i++) {
		const struct digest_name *name = &digest->names[i];

		buf_add_text(out, i ? ",{" : "{");
		add_text(out, "event", name->event);
		add_text(out, "outcome", name->outcome);
		add_text(out, "resource_id", name->resource_id);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

void digest_write(struct buf *out, const struct digest *digest)
{
	buf_add_char(out, '{');
	json_add_member(out, "event", STR(DIGEST_EVENT));
	add_text(out, "team_id", digest->team_text);
	add_text(out, "first", digest->first);
	add_text(out, "last", digest->last);
	add_count(out, "total", digest->total);
	buf_add_text(out, ",\"groups\":[");
	for (size_t i = 0; i < digest->group_count; i++) {
		const struct digest_group *group = &digest->groups[i];

		buf_add_text(out, i ? ",{" : "{");
		add_text(out, "event", group->event);
		add_text(out, "outcome", group->outcome);
		add_count(out, "count", group->count);
		buf_add_char(out, '}');
	}
	buf_add_text(out, "],\"failures\":[");
	for (size_t i = 0; i < digest->failure_count; i++) {
		const struct digest_failure *failure = &digest->failures[i];

		buf_add_text(out, i ? ",{" : "{");
		add_text(out, "event", failure->event);
		add_text(out, "resource_id", failure->resource_id);
		add_text(out, "error", failure->error);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
	write_names(out, digest);
	buf_add_char(out, '}');
}

static bool read_text(const cJSON *object, const char *name, struct str *out)
{
	const char *text = json_get_string(object, name);

	*out = str_of(text);
	return text;
}

static bool read_count(const cJSON *object, const char *name, size_t *out)
{
	const cJSON *number = json_get(object, name);

	if (!cJSON_IsNumber(number) || !(number->valuedouble >= 1) ||
	    number->valuedouble > DIGEST_MAX_COUNT)
		return false;
	*out = (size_t)number->valuedouble;
	return (double)*out == number->valuedouble;
}

static bool read_groups(const cJSON *list, struct digest *digest)
{
	const cJSON *item;
	size_t counted = 0;

	if (!cJSON_IsArray(list))
		return false;
	cJSON_ArrayForEach(item, list)
	{
		if (digest->group_count == DIGEST_MAX_GROUPS)
			return false;
		struct digest_group *group = &digest->groups[digest->group_count++];

		if (!read_text(item, "event", &group->event) ||
		    !read_text(item, "outcome", &group->outcome) ||
		    !read_count(item, "count", &group->count))
			return false;
		counted += group->count;
	}
	return counted <= digest->total;
}

static bool read_failures(const cJSON *list, struct digest *digest)
{
	const cJSON *item;

	if (!cJSON_IsArray(list))
		return false;
	cJSON_ArrayForEach(item, list)
	{
		if (digest->failure_count == DIGEST_MAX_FAILURES)
			return false;
		struct digest_failure *failure = &digest->failures[digest->failure_count++];

		if (!read_text(item, "event", &failure->event) ||
		    !read_text(item, "resource_id", &failure->resource_id) ||
		    !read_text(item, "error", &failure->error))
			return false;
	}
	return digest->failure_count <= digest->total;
}

/* Older versions wrote no names. */
static bool read_names(const cJSON *list, struct digest *digest)
{
	const cJSON *item;

	if (list && !cJSON_IsArray(list))
		return false;
	cJSON_ArrayForEach(item, list)
	{
		if (digest->name_count == DIGEST_MAX_NAMES)
			return false;
		struct digest_name *name = &digest->names[digest->name_count++];

		if (!read_text(item, "event", &name->event) ||
		    !read_text(item, "outcome", &name->outcome) ||
		    !read_text(item, "resource_id", &name->resource_id))
			return false;
	}
	return digest->name_count + digest->failure_count <= digest->total;
}

int digest_parse(struct str json, struct digest *out)
{
	struct digest digest = { .total = 0 };
	struct str event;
	int rc = json_parse(json, DIGEST_MAX_BYTES, &digest.tree, NULL);

	if (rc < 0)
		return rc == -ENOMEM ? rc : -EINVAL;
	if (!read_text(digest.tree, "event", &event) || !str_is(event, DIGEST_EVENT) ||
	    !read_text(digest.tree, "team_id", &digest.team_text) ||
	    !read_text(digest.tree, "first", &digest.first) ||
	    !read_text(digest.tree, "last", &digest.last) ||
	    !read_count(digest.tree, "total", &digest.total) ||
	    !read_groups(json_get(digest.tree, "groups"), &digest) ||
	    !read_failures(json_get(digest.tree, "failures"), &digest) ||
	    !read_names(json_get(digest.tree, "names"), &digest)) {
		cJSON_Delete(digest.tree);
		return -EINVAL;
	}
	*out = digest;
	return 0;
}

void digest_done(struct digest *digest)
{
	cJSON_Delete(digest->tree);
	digest->tree = NULL;
}
