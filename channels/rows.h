/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The rows of `channels` as the endpoints need them: made, shown, removed, each change with its
 * audit row in the same transaction.
 */
#ifndef CHANNELS_ROWS_H
#define CHANNELS_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/audit.h"
#include "channels/draft.h"
#include "core/attributes.h"
#include "core/identity.h"
#include "core/uuid.h"
#include "store/store.h"

#define CHANNELS_PER_TEAM 50

/* A channel about to be stored. */
struct new_channel {
	struct uuid id;
	struct uuid team;
	const struct draft *draft;
	struct str sealed; /* the config, encrypted */
	int64_t created_us;
};

/* Who changes something, when, and how that is audited. */
struct change {
	const struct identity *who;
	enum audit_mode audit_mode;
	int64_t now_us;
};

enum insert_result { CHANNEL_STORED, CHANNEL_NAME_TAKEN, CHANNEL_TOO_MANY, CHANNEL_NO_TEAM };

/* Stores it unless *result says why not; then nothing was written. */
int channel_insert(struct db *db, const struct new_channel *channel, const struct change *change,
		   enum insert_result *result) must_check;

/* Removes the team's channel with its state, drops what was waiting for it, writes the audit row.
 * Without such a channel nothing is written and *removed is false. */
int channel_delete(struct db *db, const struct uuid *id, const struct change *change,
		   bool *removed) must_check;

/* Appends the team's channels as a JSON array, newest first. */
int channel_list(struct db *db, const struct uuid *team, struct buf *out) must_check;

/* Appends one as ChannelResponse; *found false when the team has none of that id. */
int channel_get(struct db *db, const struct uuid *team, const struct uuid *id, struct buf *out,
		bool *found) must_check;

/* ChannelResponse of a channel just made; `secret` is empty or what the client is shown once. */
void channel_write_new(struct buf *out, const struct new_channel *channel, struct str secret);

#endif
