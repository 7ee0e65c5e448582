/* SPDX-License-Identifier: Apache-2.0 */

/* Formats values as the API shows them: whole seconds, short texts, no empty members. */
#include "api/fields.h"

#include "core/json.h"
#include "core/rfc3339.h"
#include "core/utf8.h"

#define MAX_TEXT 1024

void field_add_time(struct buf *out, const char *name, int64_t us)
{
	char text[RFC3339_TEXT_SIZE];

	if (us == 0)
		return;
	rfc3339_format(us, 0, text);
	json_add_member(out, name, str_of(text));
}

void field_add_number(struct buf *out, const char *name, int64_t number)
{
	json_add_name(out, name);
	buf_add_i64(out, number);
}

void field_add_uuid(struct buf *out, const char *name, const struct uuid *id)
{
	char text[UUID_TEXT_SIZE];

	uuid_format(id, text);
	json_add_member(out, name, str_of(text));
}

void field_add_text(struct buf *out, const char *name, struct str text)
{
	if (text.len)
		json_add_member(out, name, utf8_cut(text, MAX_TEXT));
}
