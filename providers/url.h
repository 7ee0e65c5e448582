/* SPDX-License-Identifier: Apache-2.0 */

/* The URLs that channels send to, by rules narrower than RFC 3986. */
#ifndef PROVIDERS_URL_H
#define PROVIDERS_URL_H

#include <stdbool.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/str.h"

/* The parts of an http(s) URL, as they stand. */
struct url_parts {
	struct str scheme;
	struct str host;  /* without brackets for IPv6 */
	struct str port;  /* empty when absent */
	struct str path;  /* from '/', may be empty */
	struct str query; /* behind '?', may be empty */
};

/* The shape rules all share: scheme http or https in any case; a host of letters, digits, dots,
 * hyphens and underscores or an IPv6 address in brackets; a port of 1 to 65535 or none; no user
 * info, fragment, backslash, control character or space. False with nothing written otherwise. */
bool url_split(struct str url, struct url_parts *out) must_check;

/* The same: NULL when it is well, else what is wrong with it, to follow the name of its field.
 * Repeats nothing of it. */
const char *url_fault(struct str url, struct url_parts *out) must_check;

/* An address at a vendor: https, and the port absent or 443. Slashes at the end of the path are
 * left out: no vendor gives any, and they come from pasting. NULL, or what is wrong, as url_fault()
 * says it. */
const char *url_hook_fault(struct str url, struct url_parts *out) must_check;

/* Such an address with another query (or none). */
void url_write_hook(struct buf *out, const struct url_parts *parts, struct str query);

#endif
