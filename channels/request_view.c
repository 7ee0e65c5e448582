/* SPDX-License-Identifier: Apache-2.0 */

/* URLs and other headers hold credentials, so they are not shown. */
#include "channels/request_view.h"

#include "core/json.h"

static struct str header_of(const struct outgoing *out, struct str name)
{
	for (size_t i = 0; i < out->header_count; i++) {
		struct str value = buf_str(&out->headers[i]);
		struct str found = str_cut(&value, ':');

		if (str_eq_nocase(found, name))
			return str_trim(value);
	}
	return STR("");
}

static void add_number(struct buf *json, const char *name, size_t number)
{
	json_add_name(json, name);
	buf_add_u64(json, number);
}

static void add_measure(struct buf *json, const struct provider *provider,
			const struct outgoing *out)
{
	struct measure measure = { .unit = "UTF-8 bytes", .size = out->body.len };

	if (provider->measure)
		measure = provider->measure(out);
	add_number(json, "size", measure.size);
	json_add_member(json, "unit", str_of(measure.unit));
	if (measure.limit > 0)
		add_number(json, "limit", measure.limit);
}

void request_view_write(struct buf *json, const struct provider *provider,
			const struct outgoing *out)
{
	json_add_member(json, "provider", str_of(provider->name));
	json_add_member(json, "method", str_of(out->method));
	json_add_member(json, "content_type", header_of(out, STR("Content-Type")));
	json_add_member(json, "body", buf_str(&out->body));
	add_measure(json, provider, out);
}

void request_view_write_cuts(struct buf *json, const struct trims *trims)
{
	json_add_name(json, "cuts");
	buf_add_char(json, '[');
	for (size_t i = 0; i < trims->count; i++) {
		buf_add_text(json, i ? ",{" : "{");
		json_add_member(json, "field", str_of(trims->items[i].what));
		add_number(json, "kept", trims->items[i].kept);
		add_number(json, "of", trims->items[i].of);
		buf_add_char(json, '}');
	}
	buf_add_char(json, ']');
}
