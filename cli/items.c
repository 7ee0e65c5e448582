/* SPDX-License-Identifier: Apache-2.0 */

/* Walks over values of JSON that json_parse_foreign() has accepted. */
#include "cli/items.h"

static struct str skip_blanks(struct str text)
{
	while (text.len && strchr(" \t\r\n", text.at[0]))
		text = str_from(text, 1);
	return text;
}

/* The bytes of a string with its quotes. */
static size_t string_len(struct str text)
{
	size_t at = 1;

	while (at < text.len && text.at[at] != '"')
		at += text.at[at] == '\\' ? 2 : 1;
	return at < text.len ? at + 1 : text.len;
}

/* The bytes of an object or an array with its brackets. */
static size_t nested_len(struct str text)
{
	size_t depth = 0;
	size_t at = 0;

	while (at < text.len) {
		char c = text.at[at];

		depth += c == '{' || c == '[';
		if (c == '}' || c == ']')
			depth--;
		at += c == '"' ? string_len(str_from(text, at)) : 1;
		if (depth == 0)
			return at;
	}
	return text.len;
}

/* Cuts the first value off the text. */
static struct str take_value(struct str *text)
{
	struct str value = skip_blanks(*text);
	size_t len = 0;

	if (value.len && value.at[0] == '"')
		len = string_len(value);
	else if (value.len && (value.at[0] == '{' || value.at[0] == '['))
		len = nested_len(value);
	else
		while (len < value.len && !strchr(",:]} \t\r\n", value.at[len]))
			len++;
	*text = skip_blanks(str_from(value, len));
	value.len = len;
	return value;
}

static bool take_byte(struct str *text, char c)
{
	*text = skip_blanks(*text);
	if (text->len == 0 || text->at[0] != c)
		return false;
	*text = skip_blanks(str_from(*text, 1));
	return true;
}

struct str items_find(struct str answer)
{
	if (take_byte(&answer, '['))
		return answer;
	if (!take_byte(&answer, '{'))
		return STR("");
	while (answer.len && answer.at[0] == '"') {
		struct str name = take_value(&answer);

		take_byte(&answer, ':');
		if (str_is(name, "\"items\"") && take_byte(&answer, '['))
			return answer;
		take_value(&answer);
		take_byte(&answer, ',');
	}
	return STR("");
}

bool items_next(struct str *list, struct str *out_item)
{
	*list = skip_blanks(*list);
	if (list->len == 0 || list->at[0] == ']')
		return false;
	*out_item = take_value(list);
	take_byte(list, ',');
	return out_item->len > 0;
}
