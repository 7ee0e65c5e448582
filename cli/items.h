/* SPDX-License-Identifier: Apache-2.0 */

/* The items of a list as the API wrote them, so that JSON lines keep every digit and escape. */
#ifndef CLI_ITEMS_H
#define CLI_ITEMS_H

#include <stdbool.h>

#include "core/str.h"

/* Finds the list in an answer: the answer itself, or its member "items". Returns the text after
 * its bracket, or an empty one. The answer must be valid JSON. */
struct str items_find(struct str answer);

/* Takes the next item off the list. Returns false at the end. */
bool items_next(struct str *list, struct str *out_item);

#endif
