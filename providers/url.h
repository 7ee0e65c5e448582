/* SPDX-License-Identifier: Apache-2.0 */

/* The URLs of webhooks at vendors. core/url.h splits them. */
#ifndef PROVIDERS_URL_H
#define PROVIDERS_URL_H

#include "core/attributes.h"
#include "core/buf.h"
#include "core/str.h"
#include "core/url.h"

/* Splits an address at a vendor, or at a host that imitates one: https, and the port absent or 443.
 * NULL, or what is wrong, as in url_fault(). */
const char *url_hook_fault(struct str url, struct url_parts *out) must_check;

/* Removes slashes at the end of the path. No vendor's URL has them; they come from pasting. */
void url_trim_path(struct url_parts *parts);

/* Writes such an address with another query (or none). */
void url_write_hook(struct buf *out, const struct url_parts *parts, struct str query);

#endif
