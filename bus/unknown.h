/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Kinds of events that this version does not know. The log names each of them once, so that an
 * operator sees what an upgrade would bring. Private to bus/; the loop's thread only.
 */
#ifndef BUS_UNKNOWN_H
#define BUS_UNKNOWN_H

#include "core/str.h"
#include "core/stream_id.h"

#define UNKNOWN_MAX_KINDS 32 /* whose names a process keeps */

/* Counts the event, and warns once of each kind. A publisher may invent kinds, so after
 * UNKNOWN_MAX_KINDS names one last warning says that more are not named. */
void unknown_kind_note(struct str kind, struct stream_id id);

#endif
