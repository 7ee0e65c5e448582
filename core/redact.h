/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The second net under secrets (the first is struct secret): finds what looks like one in a
 * text that is about to be shown, and writes "[redacted]" in its place.
 */
#ifndef CORE_REDACT_H
#define CORE_REDACT_H

#include "core/str.h"

/* Copies text without what looks like an API key, the token after "Bearer", a session or CSRF
 * cookie, or the user info, path and query of a URL; of a URL only scheme, host and port are left.
 * Writes at most `size` bytes, cut between code points, without a NUL. Returns their number.
 * The whole text is looked at before the cut, so no part of a secret survives it. */
size_t redact_text(struct str text, char *out, size_t size);

#endif
