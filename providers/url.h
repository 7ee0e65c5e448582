/* SPDX-License-Identifier: Apache-2.0 */

/* The URLs of webhooks at vendors. core/url.h splits them. */
#ifndef PROVIDERS_URL_H
#define PROVIDERS_URL_H

#include "core/attributes.h"
#include "core/buf.h"
#include "core/str.h"
#include "core/url.h"

/* An address at a vendor: https, and the port absent or 443. Slashes at the end of the path are
 * left out: no vendor gives any, and they come from pasting. NULL, or what is wrong, as url_fault()
 * says it. */
const char *url_hook_fault(struct str url, struct url_parts *out) must_check;

/* Such an address with another query (or none). */
void url_write_hook(struct buf *out, const struct url_parts *parts, struct str query);

#endif
