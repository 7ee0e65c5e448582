/* SPDX-License-Identifier: Apache-2.0 */

/* Entries that Redis trimmed before anybody committed them. Private to bus/. */
#ifndef BUS_TRIM_WARNING_H
#define BUS_TRIM_WARNING_H

#include <stddef.h>

/* Counts the entries, and warns, ten times a minute at most. */
void trim_warning_note(size_t count);

#endif
