/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The heap copy of struct secret and its wiping. The bytes never move while the secret lives, so no
 * copy remains; a secret is overwritten before it is freed or replaced.
 */
#include "core/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int secret_set(struct secret *s, struct str value)
{
	/* One byte more than needed, so that an empty value is not NULL. */
	char *copy = malloc(value.len + 1);
	if (!copy)
		return -ENOMEM;
	if (value.len)
		memcpy(copy, value.at, value.len);
	copy[value.len] = '\0';

	secret_done(s); /* only now: `value` may point into the old one */
	s->hidden = copy;
	s->len = value.len;
	return 0;
}

void secret_done(struct secret *s)
{
	if (s->hidden)
		explicit_bzero(s->hidden, s->len);
	free(s->hidden);
	*s = (struct secret){ .hidden = NULL };
}
