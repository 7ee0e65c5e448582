/* SPDX-License-Identifier: Apache-2.0 */

/* Cells are kept as ranges of one text until all widths are known. */
#include "cli/table.h"

#include <errno.h>

#include "cli/output.h"
#include "core/attributes.h"
#include "core/utf8.h"

#define LIMIT (64 * 1024 * 1024)
#define GAP   2 /* blanks between columns */

struct table_cell {
	size_t start;
	size_t len;
	size_t columns;
	enum tone tone;
};

static const char *const colours[TONE_TONES] = {
	[TONE_HEAD] = "\033[1m",
	[TONE_GOOD] = "\033[32m",
	[TONE_WARNING] = "\033[33m",
	[TONE_BAD] = "\033[31m",
};

void table_init(struct table *table)
{
	*table = (struct table){ .column = 0 };
	buf_init(&table->text, LIMIT);
	buf_init(&table->cells, LIMIT);
	buf_init(&table->row_end, LIMIT);
}

void table_done(struct table *table)
{
	buf_done(&table->text);
	buf_done(&table->cells);
	buf_done(&table->row_end);
}

void table_add(struct table *table, enum tone tone, struct str text)
{
	struct table_cell cell = { .start = table->text.len, .tone = tone };

	if (table->column == TABLE_MAX_COLUMNS)
		return;
	output_escape(&table->text, text, false);
	cell.len = table->text.len - cell.start;
	cell.columns = utf8_columns(
		(struct str){ .at = buf_str(&table->text).at + cell.start, .len = cell.len });
	if (cell.columns > table->widths[table->column])
		table->widths[table->column] = cell.columns;
	table->column++;
	buf_add(&table->cells, &cell, sizeof(cell));
}

void table_end_row(struct table *table)
{
	size_t count = table->cells.len / sizeof(struct table_cell);

	buf_add(&table->row_end, &count, sizeof(count));
	table->column = 0;
}

void table_add_head(struct table *table, const char *const *titles)
{
	for (; *titles; titles++)
		table_add(table, TONE_HEAD, str_of(*titles));
	table_end_row(table);
}

static void add_blanks(struct buf *out, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_add_char(out, ' ');
}

static void write_cell(const struct table *table, const struct table_cell *cell, size_t columns,
		       const char *colour, struct buf *out)
{
	struct str text = { .at = table->text.bytes + cell->start, .len = cell->len };

	if (colour)
		buf_add_text(out, colour);
	if (cell->columns <= columns) {
		buf_add_str(out, text);
	} else {
		buf_add_str(out, utf8_cut_columns(text, columns - 1));
		buf_add_text(out, "…");
	}
	if (colour)
		buf_add_text(out, "\033[0m");
}

/* The columns that the last cell of a row may take, at least one. */
static size_t left_after(size_t used, size_t columns)
{
	if (columns == 0)
		return LIMIT;
	return columns > used + 1 ? columns - used : 1;
}

static void write_row(const struct table *table, const struct table_cell *cells, size_t count,
		      size_t columns, bool coloured, struct buf *out)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		bool is_last = i + 1 == count;
		size_t most = is_last && !table->keeps_tail ? left_after(used, columns) : LIMIT;

		if (cells[i].len)
			write_cell(table, &cells[i], most, coloured ? colours[cells[i].tone] : NULL,
				   out);
		if (!is_last)
			add_blanks(out, table->widths[i] + GAP - cells[i].columns);
		used += table->widths[i] + GAP;
	}
	while (out->len && out->bytes[out->len - 1] == ' ')
		out->len--;
	buf_add_char(out, '\n');
}

void table_write(const struct table *table, size_t columns, bool coloured, struct buf *out)
{
	const struct table_cell *cells = (const void *)table->cells.bytes;
	const size_t *ends = (const void *)table->row_end.bytes;
	size_t first = 0;

	if (table->text.err || table->cells.err || table->row_end.err)
		out->err = -ENOMEM;
	for (size_t i = 0; i < table->row_end.len / sizeof(*ends) && !out->err; i++) {
		write_row(table, cells + first, ends[i] - first, columns, coloured, out);
		first = ends[i];
	}
}

bool table_print(const struct table *table)
{
	struct buf out;
	bool good;

	buf_init(&out, LIMIT);
	table_write(table, output_columns(), output_is_coloured(), &out);
	good = !out.err;
	fwrite(buf_str(&out).at, 1, buf_str(&out).len, stdout);
	buf_done(&out);
	return good;
}
