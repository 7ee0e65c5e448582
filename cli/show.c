/* SPDX-License-Identifier: Apache-2.0 */

/* Objects as rows of name and value. */
#include "cli/show.h"

#include "cli/command.h"

#define VALUE_LIMIT (1024 * 1024)

static void add_scalar(struct buf *out, const cJSON *value)
{
	if (cJSON_IsString(value))
		buf_add_text(out, value->valuestring);
	else if (cJSON_IsBool(value))
		buf_add_text(out, cJSON_IsTrue(value) ? "yes" : "no");
	else if (cJSON_IsNull(value))
		buf_add_text(out, "none");
	else
		json_add_value(out, value);
}

static void add_name(struct buf *out, const char *name)
{
	for (; *name; name++)
		buf_add_char(out, *name == '_' ? ' ' : *name);
}

/* Lists in lists, and objects in objects, get brackets. */
static void add_nested(struct buf *out, const cJSON *value, unsigned depth)
{
	if (!cJSON_IsArray(value) && !cJSON_IsObject(value)) {
		add_scalar(out, value);
		return;
	}
	if (depth > 0)
		buf_add_char(out, '(');
	for (const cJSON *member = value->child; member; member = member->next) {
		if (member->string) {
			add_name(out, member->string);
			buf_add_char(out, ' ');
		}
		if (depth < JSON_MAX_DEPTH)
			add_nested(out, member, depth + 1);
		if (member->next)
			buf_add_text(out, ", ");
	}
	if (depth > 0)
		buf_add_char(out, ')');
}

void show_add_value(struct buf *out, const cJSON *value)
{
	add_nested(out, value, 0);
}

enum tone show_tone(struct str word)
{
	static const struct {
		const char *word;
		enum tone tone;
	} tones[] = {
		{ "enabled", TONE_GOOD },    { "healthy", TONE_GOOD },
		{ "delivered", TONE_GOOD },  { "success", TONE_GOOD },
		{ "accepted", TONE_GOOD },   { "pending", TONE_WARNING },
		{ "failing", TONE_WARNING }, { "probing", TONE_WARNING },
		{ "retry", TONE_WARNING },   { "warning", TONE_WARNING },
		{ "wait", TONE_WARNING },    { "disabled", TONE_BAD },
		{ "failed", TONE_BAD },      { "error", TONE_BAD },
		{ "failure", TONE_BAD },     { "dropped", TONE_BAD },
		{ "rejected", TONE_BAD },
	};

	for (size_t i = 0; i < ARRAY_LEN(tones); i++)
		if (str_is(word, tones[i].word))
			return tones[i].tone;
	return TONE_PLAIN;
}

void show_add(struct table *table, const cJSON *object, const char *without)
{
	struct buf name;
	struct buf value;

	table->keeps_tail = true;
	buf_init(&name, VALUE_LIMIT);
	buf_init(&value, VALUE_LIMIT);
	for (const cJSON *member = object->child; member; member = member->next) {
		buf_reset(&name);
		buf_reset(&value);
		add_name(&name, member->string);
		show_add_value(&value, member);
		if (value.len == 0 || (without && strcmp(member->string, without) == 0))
			continue;
		table_add(table, TONE_HEAD, buf_str(&name));
		table_add(table, show_tone(buf_str(&value)), buf_str(&value));
		table_end_row(table);
	}
	buf_done(&name);
	buf_done(&value);
}

int show_print(const cJSON *object, const char *without)
{
	struct table table;
	int code = EXIT_GOOD;

	table_init(&table);
	show_add(&table, object, without);
	if (!table_print(&table))
		code = command_fault(EXIT_FAILED, "out of memory");
	table_done(&table);
	return code;
}

int show_answer(const struct service *service)
{
	if (!service->as_json)
		return show_print(service->answer, NULL);
	service_print_json(service);
	return EXIT_GOOD;
}
