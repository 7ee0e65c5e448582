/* SPDX-License-Identifier: Apache-2.0 */

/* Finds the word that a person meant to type, so that an error can name it. */
#ifndef CORE_SUGGEST_H
#define CORE_SUGGEST_H

#include <stddef.h>

/* Zero it, set `typed`, consider each word that is allowed. Then `meant` is the nearest one. */
struct suggestion {
	const char *typed;
	const char *meant; /* NULL: none is near */
	size_t distance;
};

/* A word is near if few letters are wrong, missing, too many or exchanged with their neighbour, or
 * if it begins with what was typed. */
void suggest_consider(struct suggestion *suggestion, const char *word);

#endif
