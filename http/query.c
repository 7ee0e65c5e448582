/* SPDX-License-Identifier: Apache-2.0 */

/* Reads a query string as strict application/x-www-form-urlencoded. */
#include "http/query.h"

#include <errno.h>

#include "core/buf.h"
#include "core/utf8.h"
#include "http/target.h"

#define MAX_PAIRS 64

typedef int (*pair_fn)(struct str name, struct str value, void *arg, struct reason *why);

/* Appends the decoded text. */
static int decode(struct buf *out, struct str text, struct reason *why)
{
	size_t start = out->len;

	for (size_t i = 0; i < text.len; i++) {
		int byte = (unsigned char)text.at[i];

		if (byte == '+') {
			byte = ' ';
		} else if (byte == '%') {
			byte = percent_decode(str_from(text, i));
			i += 2;
		}
		if (byte < 0)
			return reason_set(why, -EINVAL, NULL,
					  "the query has a malformed %% escape");
		if (byte == 0)
			return reason_set(why, -EINVAL, NULL, "the query has a NUL character");
		buf_add_char(out, (char)byte);
	}
	if (out->err)
		return out->err;
	if (!utf8_is_valid(str_from(buf_str(out), start)))
		return reason_set(why, -EINVAL, NULL, "the query is not UTF-8");
	return 0;
}

static int decode_pair(struct buf *text, struct str pair, pair_fn on_pair, void *arg,
		       struct reason *why)
{
	struct str value = pair;
	struct str name = str_cut(&value, '=');
	size_t name_len;
	int rc;

	buf_reset(text);
	rc = decode(text, name, why);
	name_len = text->len;
	if (rc == 0)
		rc = decode(text, value, why);
	if (rc < 0)
		return rc;
	name = (struct str){ .at = buf_str(text).at, .len = name_len };
	return on_pair(name, str_from(buf_str(text), name_len), arg, why);
}

int http_query_each(struct str query,
		    int (*on_pair)(struct str name, struct str value, void *arg,
				   struct reason *why),
		    void *arg, struct reason *why)
{
	struct buf text;
	size_t pairs = 0;
	int rc = 0;

	buf_init(&text, query.len + 1);
	while (rc == 0 && query.at) {
		struct str pair = str_cut(&query, '&');

		if (pair.len == 0)
			continue;
		if (++pairs > MAX_PAIRS)
			rc = reason_set(why, -EINVAL, NULL, "the query has more than %d parameters",
					MAX_PAIRS);
		else
			rc = decode_pair(&text, pair, on_pair, arg, why);
	}
	buf_done(&text);
	return rc;
}
