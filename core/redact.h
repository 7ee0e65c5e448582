/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The second safeguard of secrets (the first is struct secret): finds text that looks like a secret
 * before it is shown, and replaces it with "[redacted]".
 */
#ifndef CORE_REDACT_H
#define CORE_REDACT_H

#include "core/str.h"

/* Copies text, and replaces whatever looks like an API key, the token after "Bearer", a session or
 * CSRF cookie, or the user info, path and query of a URL. Only scheme, host and port of a URL stay.
 * Writes at most `size` bytes, cut between code points, without a NUL. Returns their number. The
 * whole text is searched before the cut, so no part of a secret remains. */
size_t redact_text(struct str text, char *out, size_t size);

#endif
