/* SPDX-License-Identifier: Apache-2.0 */

/* config/example.env has every setting of the table with its default, and nothing else.
 * docs/configuration.md has the row of each. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "config/table.h"

static char example[65536];

static void read_text_of(const char *path)
{
	FILE *file = fopen(path, "r");

	cr_assert_not_null(file);
	example[fread(example, 1, sizeof(example) - 1, file)] = '\0';
	fclose(file);
}

static void read_example(void)
{
	read_text_of("config/example.env");
}

static void read_document(void)
{
	read_text_of("docs/configuration.md");
}

/* "NAME=VALUE", also of a line that is commented out; the empty slice for prose. */
static struct str setting_of(struct str line)
{
	if (line.len && line.at[0] == '#')
		line = str_from(line, 1);
	return line.len && line.at[0] >= 'A' && line.at[0] <= 'Z' && memchr(line.at, '=', line.len)
		       ? line
		       : STR("");
}

/* The value shown for a setting; `at` is NULL when the example does not have it. */
static struct str shown_value(const char *name, unsigned *times)
{
	struct str rest = str_of(example);
	struct str found = { .at = NULL };

	for (*times = 0; rest.at;) {
		struct str value = setting_of(str_cut(&rest, '\n'));

		if (str_is(str_cut(&value, '='), name)) {
			found = value;
			(*times)++;
		}
	}
	return found;
}

Test(example, has_every_setting_once_with_its_default, .init = read_example)
{
	unsigned times;

	for (size_t i = 0; i < settings_count; i++) {
		struct str value = shown_value(settings[i].name, &times);

		cr_expect_eq(times, 1, "%s is there %u times", settings[i].name, times);
		if (settings[i].fallback)
			cr_expect(str_is(value, settings[i].fallback),
				  "%s is shown as \"%.*s\", its default is \"%s\"",
				  settings[i].name, STR_ARGS(value), settings[i].fallback);
	}
}

Test(example, has_no_setting_that_is_not_there, .init = read_example)
{
	struct str rest = str_of(example);

	while (rest.at) {
		struct str value = setting_of(str_cut(&rest, '\n'));
		struct str name = str_cut(&value, '=');

		cr_expect(name.len == 0 || setting_find(name) < settings_count, "%.*s",
			  STR_ARGS(name));
	}
}

Test(document, has_the_row_of_every_setting, .init = read_document)
{
	char row[2048];

	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings[i];

		cr_assert(setting->meaning && (setting->fallback || setting->unset), "%s",
			  setting->name);
		snprintf(row, sizeof(row), "| `%s` | %s | %s%s%s |\n", setting->name,
			 setting->meaning, setting->fallback ? "`" : "",
			 setting->fallback ? setting->fallback : setting->unset,
			 setting->fallback ? "`" : "");
		cr_expect(strstr(example, row), "docs/configuration.md lacks: %s", row);
	}
}
