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

/* Up to this many members, comparing each with all others is faster than sorting. */
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

/* Sorts, because comparing each name with all others would take seconds for 64 KiB of short
 * names. */
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

/* The recursion is at most JSON_MAX_DEPTH deep: json_scan() has checked that. */
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

/* Reports a string that is not accepted by the name of its member, and a syntax error by its
 * position. */
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

/* A NUL, or half of a surrogate pair without the other half. Each escape has six bytes, as that of
 * U+FFFD has. */
static void replace_unreadable(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		struct str rest = { .at = text + i, .len = len - i };
		int unit, next;
		bool is_pair;

		if (text[i] != '\\')
			continue;
		unit = json_read_unit(rest);
		next = unit >= 0xd800 && unit <= 0xdbff ? json_read_unit(str_from(rest, 6)) : -1;
		is_pair = next >= 0xdc00 && next <= 0xdfff;
		if (unit == 0 || (unit >= 0xd800 && unit <= 0xdfff && !is_pair))
			memcpy(text + i, "\\ufffd", 6);
		i += is_pair ? 11 : 1; /* what a backslash escapes does not begin another escape */
	}
}

static bool may_be_unreadable(struct str text)
{
	if (text.len == 0)
		return false; /* there may be no address, which memmem() does not take */
	return memmem(text.at, text.len, "\\u0000", 6) || memmem(text.at, text.len, "\\ud", 3) ||
	       memmem(text.at, text.len, "\\uD", 3);
}

int json_parse_foreign(struct str text, size_t max_bytes, cJSON **out, struct reason *why)
{
	char *copy;
	int rc;

	if (text.len > max_bytes || !may_be_unreadable(text))
		return json_parse(text, max_bytes, out, why);
	copy = malloc(text.len);
	if (!copy)
		return reason_set(why, -ENOMEM, "", "out of memory");
	memcpy(copy, text.at, text.len);
	replace_unreadable(copy, text.len);
	rc = json_parse((struct str){ .at = copy, .len = text.len }, max_bytes, out, why);
	free(copy);
	return rc;
}

const cJSON *json_get(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *json_get_string(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(json_get(object, name));
}

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names;
}

/* "a, b and c" */
static void list_names(const char *const *names, char *out, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; names[i] && len < size; i++) {
		const char *separator = i == 0 ? "" : names[i + 1] ? ", " : " and ";

		len += (size_t)snprintf(out + len, size - len, "%s%s", separator, names[i]);
	}
}

int json_check_object(const cJSON *object, const char *const *names, const char *field,
		      struct reason *why)
{
	const char *what = *field ? field : "the body";
	char list[128];
	const cJSON *item;

	if (!cJSON_IsObject(object))
		return reason_set(why, -EINVAL, field, "%s must be a JSON object", what);
	cJSON_ArrayForEach(item, object)
	{
		if (is_one_of(item->string, names))
			continue;
		list_names(names, list, sizeof(list));
		return reason_set(why, -EINVAL, field, "%s has no member \"%.*s\", only %s", what,
				  STR_ARGS(utf8_cut(str_of(item->string), 64)), list);
	}
	return 0;
}

/* The length of the first character when it must be escaped; else 0. */
static size_t special_len(struct str text)
{
	unsigned char lead = (unsigned char)text.at[0];

	if (lead < 0x20 || lead == '"' || lead == '\\' || lead == 0x7f)
		return 1;
	if (lead == 0xc2) /* U+0080 to U+00BF */
		return text.len >= 2 && (unsigned char)text.at[1] < 0xa0 ? 2 : 0;
	if (lead != 0xe2)
		return 0;
	return str_starts(text, STR("\xe2\x80\xa8")) || str_starts(text, STR("\xe2\x80\xa9")) ? 3
											      : 0;
}

static void add_escape(struct buf *out, struct str text)
{
	static const char plain[] = "\"\\\b\f\n\r\t";
	static const char letters[] = "\"\\bfnrt";
	const char *found = text.at[0] ? strchr(plain, text.at[0]) : NULL;
	uint32_t code = 0;

	if (found) {
		buf_add_char(out, '\\');
		buf_add_char(out, letters[found - plain]);
	} else if (utf8_decode(text, &code) > 0) {
		buf_addf(out, "\\u%04x", (unsigned)code);
	}
}

void json_add_string(struct buf *out, struct str text)
{
	buf_add_char(out, '"');
	while (text.len) {
		size_t n = 0;
		size_t special = 0;

		while (n < text.len && (special = special_len(str_from(text, n))) == 0)
			n++;
		buf_add(out, text.at, n);
		text = str_from(text, n);
		if (special > 0 && text.len > 0) {
			add_escape(out, text);
			text = str_from(text, special);
		}
	}
	buf_add_char(out, '"');
}

/* Here quotes and backslashes are JSON's syntax, and only white space can be below U+0020. */
void json_add_parsed(struct buf *out, struct str json)
{
	while (json.len) {
		bool is_syntax = json.at[0] == '"' || json.at[0] == '\\';
		size_t special = is_syntax ? 0 : special_len(json);

		if (special == 0)
			buf_add_char(out, json.at[0]);
		else if ((unsigned char)json.at[0] >= 0x20)
			add_escape(out, json);
		json = str_from(json, special ? special : 1);
	}
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
