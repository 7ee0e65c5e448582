/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Spreadsheets run a cell that begins like a formula, and these texts are untrusted. Such a cell
 * gets an apostrophe in front, which tells spreadsheets that it is text.
 */
#include "audit/csv.h"

#include "core/id.h"
#include "core/rfc3339.h"
#include "core/utf8.h"

#define MAX_TEXT 1024

const char csv_header[] = "id,created_at,actor_type,actor_id,actor_name,resource_type,resource_id,"
			  "action,scope,status,severity,metadata\r\n";

static bool is_formula(struct str text)
{
	return text.len && memchr("=+-@\t\r\n", text.at[0], 7);
}

/* Every cell is quoted, and a quote inside is doubled. */
static void add_cell(struct buf *out, struct str text)
{
	buf_add_text(out, is_formula(text) ? "\"'" : "\"");
	while (text.at) {
		struct str piece = str_cut(&text, '"');

		buf_add_str(out, piece);
		if (text.at)
			buf_add_text(out, "\"\"");
	}
	buf_add_char(out, '"');
}

static void add_text_cell(struct buf *out, struct str text)
{
	buf_add_char(out, ',');
	add_cell(out, utf8_cut(text, MAX_TEXT));
}

void csv_add_row(struct page *page, const struct db_row *row)
{
	struct buf *out = &page->json;
	struct uuid id = row_uuid(row, 0);
	char id_text[ID_TEXT_SIZE];
	char time_text[RFC3339_TEXT_SIZE];

	id_format(ID_AUDIT, &id, id_text);
	rfc3339_format(row_time(row, 10), 6, time_text);
	add_cell(out, str_of(id_text));
	add_text_cell(out, str_of(time_text));
	for (int column = 1; column <= 7; column++)
		add_text_cell(out, row_text(row, column));
	add_text_cell(out, str_of(page_status(page, row_text(row, 8))));
	add_text_cell(out, row_text(row, 8));
	buf_add_char(out, ',');
	add_cell(out, page_metadata(row_text(row, 9)));
	buf_add_text(out, "\r\n");
}
