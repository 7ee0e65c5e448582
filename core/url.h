/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Splits http and https URLs with libcurl's parser, for settings, checks of targets and the address
 * guard. libcurl connects to those URLs, so it and our checks cannot read a URL differently. Pure:
 * no network, no clock.
 */
#ifndef CORE_URL_H
#define CORE_URL_H

#include <stdbool.h>

#include "core/attributes.h"
#include "core/str.h"

/* The parts as the URL spells them; they point into it. */
struct url_parts {
	struct str scheme;
	struct str host;  /* without brackets for IPv6 */
	struct str port;  /* empty when absent */
	struct str path;  /* from '/', may be empty */
	struct str query; /* after '?', may be empty */
};

/* Narrower than libcurl: scheme http or https in any case; a host of letters, digits, dots, hyphens
 * and underscores, or an IPv6 address in brackets; a port of 1 to 65535 or none; no user info,
 * fragment, backslash, control character or space. Scheme, host and port must be spelled as libcurl
 * understands them; only a host that is a number may be spelled in another way, as "127.1". False
 * with nothing written otherwise. */
bool url_split(struct str url, struct url_parts *out) must_check;

/* NULL when url_split() accepts the URL. Otherwise what is wrong with it, as the end of a sentence
 * about the URL. Repeats nothing of the URL. */
const char *url_fault(struct str url, struct url_parts *out) must_check;

#endif
