/* SPDX-License-Identifier: Apache-2.0 */

/* A vendor takes webhooks on port 443 only, so any other port is a mistake. */
#include "providers/url.h"

const char *url_hook_fault(struct str url, struct url_parts *out)
{
	struct url_parts parts;
	const char *fault = url_fault(url, &parts);

	if (fault)
		return fault;
	if (!str_eq_nocase(parts.scheme, STR("https")))
		return "does not begin with https://";
	if (parts.port.len && !str_is(parts.port, "443"))
		return "names a port other than 443";
	*out = parts;
	return NULL;
}

void url_trim_path(struct url_parts *parts)
{
	while (parts->path.len && parts->path.at[parts->path.len - 1] == '/')
		parts->path.len--;
}

void url_write_hook(struct buf *out, const struct url_parts *parts, struct str query)
{
	buf_add_text(out, "https://");
	buf_add_str(out, parts->host);
	if (parts->port.len) {
		buf_add_char(out, ':');
		buf_add_str(out, parts->port);
	}
	buf_add_str(out, parts->path);
	if (query.len) {
		buf_add_char(out, '?');
		buf_add_str(out, query);
	}
}
