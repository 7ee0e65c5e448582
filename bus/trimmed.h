/* SPDX-License-Identifier: Apache-2.0 */

/* Entries that Redis trimmed before anybody committed them. Private to bus/. */
#ifndef BUS_TRIMMED_H
#define BUS_TRIMMED_H

#include <stddef.h>

/* Counts them, and warns, ten times a minute at most. */
void trimmed_note(size_t count);

#endif
