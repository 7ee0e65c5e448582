/* SPDX-License-Identifier: Apache-2.0 */

/* Lists of rows and their shared bodies. */
#include "core/fresh_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct body *body_make(struct str text)
{
	struct body *body = malloc(sizeof(*body) + text.len);

	if (!body)
		return NULL;
	body->refs = 1;
	body->len = text.len;
	if (text.len)
		memcpy(body->bytes, text.at, text.len);
	return body;
}

struct body *body_ref(struct body *body)
{
	body->refs++;
	return body;
}

void body_unref(struct body *body)
{
	if (!body)
		return;
	assert(body->refs > 0);
	if (--body->refs == 0)
		free(body);
}

struct fresh_row *fresh_rows_add(struct fresh_rows *rows, const struct uuid *id,
				 struct stream_id stream_id, struct body *body)
{
	struct fresh_row *row = malloc(sizeof(*row));

	if (!row)
		return NULL;
	*row = (struct fresh_row){ .id = *id, .stream_id = stream_id, .body = body_ref(body) };
	if (rows->last)
		rows->last->next = row;
	else
		rows->first = row;
	rows->last = row;
	return row;
}

void fresh_rows_done(struct fresh_rows *rows)
{
	while (rows->first) {
		struct fresh_row *row = rows->first;

		rows->first = row->next;
		body_unref(row->body);
		free(row);
	}
	rows->last = NULL;
}
