/* SPDX-License-Identifier: Apache-2.0 */

/*
 * JSON in and out. Reading: size, UTF-8 and grammar are checked first (core/json_scan.h), then
 * cJSON builds the tree, then names are checked for repeats. Writing appends to a buffer, whose
 * own sticky error is the only failure.
 */
#include "core/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/json_scan.h"
#include "core/utf8.h"

/* Up to this many members comparing each with each is quicker than sorting. */
#define FEW_MEMBERS 12

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int refuse_repeat(struct reason *why, const char *name)
{
	return reason_set(why, -EINVAL, name, "member \"%s\" occurs twice", name);
}

static int check_few_names(const cJSON *object, struct reason *why)
{
	for (const cJSON *a = object->child; a; a = a->next) {
		for (const cJSON *b = a->next; b; b = b->next) {
			if (strcmp(a->string, b->string) == 0)
				return refuse_repeat(why, a->string);
		}
	}
	return 0;
}

/* Sorts, because comparing each with each would let 64 KiB of short names cost seconds. */
static int check_many_names(const cJSON *object, size_t count, struct reason *why)
{
	int rc = 0;
	size_t at = 0;
	const char **names = malloc(count * sizeof(*names));

	if (!names)
		return -ENOMEM;
	for (const cJSON *member = object->child; member; member = member->next)
		names[at++] = member->string;
	qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 1; i < count && rc == 0; i++) {
		if (strcmp(names[i - 1], names[i]) == 0)
			rc = refuse_repeat(why, names[i]);
	}
	free(names);
	return rc;
}

/* Recursion is no deeper than JSON_MAX_DEPTH, which json_scan() has made sure of. */
static int check_names(const cJSON *item, struct reason *why)
{
	int rc = 0;
	size_t count = 0;

	for (const cJSON *child = item->child; child && rc == 0; child = child->next) {
		count++;
		if (child->child)
			rc = check_names(child, why);
	}
	if (rc < 0 || !cJSON_IsObject(item))
		return rc;
	return count <= FEW_MEMBERS ? check_few_names(item, why)
				    : check_many_names(item, count, why);
}

/* A text that cannot be taken is told by the name of its member, a fault of the form by its place. */
static int refuse_fault(struct reason *why, const struct json_fault *fault)
{
	struct str member = utf8_cut(fault->member, sizeof(why->field) - 1);
	char name[sizeof(why->field)];

	if (member.len == 0)
		return reason_set(why, -EINVAL, "", "not JSON we accept: %s at byte %zu",
				  fault->what, fault->offset);
	memcpy(name, member.at, member.len);
	name[member.len] = '\0';
	return reason_set(why, -EINVAL, name, "%s has %s in it, which is not accepted", name,
			  fault->what);
}

int json_parse(struct str text, size_t max_bytes, cJSON **out, struct reason *why)
{
	struct json_fault fault;

	if (text.len > max_bytes)
		return reason_set(why, -E2BIG, "", "JSON longer than %zu bytes", max_bytes);
	if (!utf8_is_valid(text))
		return reason_set(why, -EINVAL, "", "not JSON: invalid UTF-8");
	if (!json_scan(text, &fault))
		return refuse_fault(why, &fault);

	cJSON *tree = cJSON_ParseWithLength(text.at, text.len);
	if (!tree)
		return reason_set(why, -ENOMEM, "", "out of memory");

	int rc = check_names(tree, why);
	if (rc < 0) {
		cJSON_Delete(tree);
		return rc;
	}
	*out = tree;
	return 0;
}

const cJSON *json_get(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *json_get_string(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(json_get(object, name));
}

static void add_escape(struct buf *out, char c)
{
	static const char plain[] = "\"\\\b\f\n\r\t";
	static const char letters[] = "\"\\bfnrt";
	const char *found = c ? strchr(plain, c) : NULL;

	if (found) {
		buf_add_char(out, '\\');
		buf_add_char(out, letters[found - plain]);
	} else {
		buf_addf(out, "\\u%04x", (unsigned)(unsigned char)c);
	}
}

static bool is_line_separator(struct str text)
{
	return str_starts(text, STR("\xe2\x80\xa8")) || str_starts(text, STR("\xe2\x80\xa9"));
}

/* How many bytes at the start can be copied as they are. */
static size_t count_plain(struct str text)
{
	size_t n = 0;

	while (n < text.len && (unsigned char)text.at[n] >= 0x20 && text.at[n] != '"' &&
	       text.at[n] != '\\' &&
	       !(text.at[n] == '\xe2' && is_line_separator(str_from(text, n))))
		n++;
	return n;
}

void json_add_string(struct buf *out, struct str text)
{
	buf_add_char(out, '"');
	while (text.len) {
		size_t n = count_plain(text);

		buf_add(out, text.at, n);
		text = str_from(text, n);
		if (text.len == 0)
			break;
		if (is_line_separator(text)) {
			buf_add_text(out, text.at[2] == '\xa8' ? "\\u2028" : "\\u2029");
			text = str_from(text, 3);
		} else {
			add_escape(out, text.at[0]);
			text = str_from(text, 1);
		}
	}
	buf_add_char(out, '"');
}

void json_add_member(struct buf *out, const char *name, struct str value)
{
	json_add_name(out, name);
	json_add_string(out, value);
}

void json_add_name(struct buf *out, const char *name)
{
	char last = out->len ? out->bytes[out->len - 1] : '{';

	if (last != '{' && last != '[')
		buf_add_char(out, ',');
	json_add_string(out, str_of(name));
	buf_add_char(out, ':');
}

static void add_number(struct buf *out, double number)
{
	char text[32];

	if (!isfinite(number)) {
		buf_add_text(out, "null");
		return;
	}
	/* 15 digits are enough for most numbers and 17 for all. */
	snprintf(text, sizeof(text), "%.15g", number);
	if (strtod(text, NULL) != number)
		snprintf(text, sizeof(text), "%.17g", number);
	buf_add_text(out, text);
}

static void add_nested(struct buf *out, const cJSON *value, char open, char close)
{
	buf_add_char(out, open);
	for (const cJSON *child = value->child; child; child = child->next) {
		if (child->string)
			json_add_name(out, child->string);
		else if (child != value->child)
			buf_add_char(out, ',');
		json_add_value(out, child);
	}
	buf_add_char(out, close);
}

void json_add_value(struct buf *out, const cJSON *value)
{
	if (cJSON_IsObject(value))
		add_nested(out, value, '{', '}');
	else if (cJSON_IsArray(value))
		add_nested(out, value, '[', ']');
	else if (cJSON_IsString(value))
		json_add_string(out, str_of(value->valuestring));
	else if (cJSON_IsNumber(value))
		add_number(out, value->valuedouble);
	else if (cJSON_IsBool(value))
		buf_add_text(out, cJSON_IsTrue(value) ? "true" : "false");
	else
		buf_add_text(out, "null");
}
