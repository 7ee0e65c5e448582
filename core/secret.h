/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A value that must appear in no log, error or response. It is a struct, so it cannot be
 * handed to a log field, a printf or a string function by accident; whoever needs the bytes
 * says so with secret_reveal(), which is easy to search for.
 */
#ifndef CORE_SECRET_H
#define CORE_SECRET_H

#include "core/attributes.h"
#include "core/str.h"

struct secret {
	char *hidden; /* owned; wiped before it is freed */
	size_t len;
};

/* Copies. The struct is zeroed or holds an older secret, which is wiped. 0, or -ENOMEM with nothing
 * changed. */
int secret_set(struct secret *s, struct str value) must_check;

/* Wipes and frees; the secret is then empty. Safe to call twice. */
void secret_done(struct secret *s);

static inline struct str secret_reveal(const struct secret *s)
{
	return (struct str){ .at = s->hidden ? s->hidden : "", .len = s->len };
}

#endif
