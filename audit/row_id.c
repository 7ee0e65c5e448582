/* SPDX-License-Identifier: Apache-2.0 */

#include "audit/row_id.h"

#include "core/str.h"

static const struct uuid row_space = { { 0x02, 0x94, 0xa4, 0x78, 0x84, 0x22, 0x42, 0xbc, 0xb9, 0xca,
					 0x83, 0xcb, 0xb9, 0xdd, 0xbc, 0xd7 } };

void row_id_make(struct stream_id event, struct uuid *out)
{
	char text[STREAM_ID_TEXT_SIZE];

	stream_id_format(event, text);
	uuid_v8(event, &row_space, str_of(text), out);
}

void row_id_make_old(struct stream_id event, struct uuid *out)
{
	char text[STREAM_ID_TEXT_SIZE];

	stream_id_format(event, text);
	uuid_v5(&row_space, str_of(text), out);
}

bool row_id_event(const struct uuid *row, struct stream_id *event)
{
	struct uuid id;

	*event = uuid_v8_entry(row);
	row_id_make(*event, &id);
	return uuid_eq(&id, row);
}
