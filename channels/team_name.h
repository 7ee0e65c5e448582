/* SPDX-License-Identifier: Apache-2.0 */

/* The name of a team, for messages that are made while a request waits. */
#ifndef CHANNELS_TEAM_NAME_H
#define CHANNELS_TEAM_NAME_H

#include "core/attributes.h"
#include "core/buf.h"
#include "core/uuid.h"
#include "store/store.h"

#define TEAM_NAME_MAX 256 /* bytes; the rest is cut */

/* Replaces what `out` holds; by nothing if there is no such team. For store jobs. */
int team_name_read(struct db *db, const struct uuid *team, struct buf *out) must_check;

#endif
