/* SPDX-License-Identifier: Apache-2.0 */

/* docs/configuration.md has a row for every setting of the table, with its default, and for no
 * other. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "config/table.h"

#define ORIGINS "WRENN_EVENTS_ORIGIN_"

static char document[65536];

static void read_document(void)
{
	FILE *file = fopen("docs/configuration.md", "r");

	cr_assert_not_null(file);
	document[fread(document, 1, sizeof(document) - 1, file)] = '\0';
	fclose(file);
}

/* The next row of a table: "| `NAME`, ... | meaning | default |". False at the end. */
static bool next_row(struct str *rest, struct str *row)
{
	while (rest->at) {
		*row = str_cut(rest, '\n');
		if (str_starts(*row, STR("| `")))
			return true;
	}
	return false;
}

static struct str first_cell(struct str row)
{
	row = str_from(row, 2);
	return str_cut(&row, '|');
}

/* "| default |" ends a row; without its spaces and the quotes of code. */
static struct str default_cell(struct str row)
{
	size_t end = row.len;
	size_t from;

	while (end > 0 && strchr("| `", row.at[end - 1]))
		end--;
	from = end;
	while (from > 0 && !strchr("|`", row.at[from - 1]))
		from--;
	while (from < end && row.at[from] == ' ')
		from++;
	return (struct str){ .at = row.at + from, .len = end - from };
}

static bool has_code(struct str text, const char *code)
{
	char quoted[128];

	snprintf(quoted, sizeof(quoted), "`%s`", code);
	return memmem(text.at, text.len, quoted, strlen(quoted)) != NULL;
}

Test(document, has_one_row_for_every_setting_with_its_default, .init = read_document)
{
	for (size_t i = 0; i < settings_count; i++) {
		const char *expected = settings[i].fallback;
		struct str rest = str_of(document);
		unsigned rows = 0;
		struct str row;

		while (next_row(&rest, &row)) {
			if (!has_code(first_cell(row), settings[i].name))
				continue;
			rows++;
			cr_expect(!expected || str_is(default_cell(row), expected),
				  "%s: \"%.*s\" instead of \"%s\"", settings[i].name,
				  STR_ARGS(default_cell(row)), expected);
		}
		cr_expect_eq(rows, 1, "%s has %u rows", settings[i].name, rows);
	}
}

static bool is_known(struct str name)
{
	return setting_find(name) < settings_count || str_is(name, ORIGINS "<PROVIDER>");
}

Test(document, has_no_row_for_what_is_no_setting, .init = read_document)
{
	struct str rest = str_of(document);
	struct str row;

	while (next_row(&rest, &row)) {
		struct str cell = first_cell(row);

		while (cell.at) {
			struct str name;

			str_cut(&cell, '`');
			name = str_cut(&cell, '`');
			cr_expect(!name.at || name.len == 0 || name.at[0] < 'A' ||
					  name.at[0] > 'Z' || is_known(name),
				  "%.*s", STR_ARGS(name));
		}
	}
}
