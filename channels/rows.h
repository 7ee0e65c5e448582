/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The rows of `channels` for the endpoints: made, shown, changed, removed, each change with its
 * audit row in the same transaction. rows.c makes, removes and shows, rows_change.c and
 * rows_options.c change, with rows_fallback.c.
 */
#ifndef CHANNELS_ROWS_H
#define CHANNELS_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "api/api.h"
#include "audit/audit.h"
#include "channels/draft.h"
#include "core/attributes.h"
#include "core/identity.h"
#include "core/uuid.h"
#include "delivery/delivery.h"
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

/* Who makes a change, when, and how it is audited. */
struct change {
	const struct identity *who;
	enum audit_mode audit_mode;
	int64_t now_us;
};

enum insert_result { CHANNEL_STORED, CHANNEL_NAME_TAKEN, CHANNEL_TOO_MANY, CHANNEL_NO_TEAM };

/* Stores the channel. If *result says why not, nothing was written. */
int channel_insert(struct db *db, const struct new_channel *channel, const struct change *change,
		   enum insert_result *result) must_check;

/* Removes the team's channel with its state, drops its backlog and writes the audit row. Drops the
 * oldest part of a large backlog; the caller tells the engine, which drops the rest. Without such a
 * channel nothing is written and *removed is false. */
int channel_delete(struct db *db, const struct uuid *id, const struct change *change,
		   bool *removed) must_check;

/* ---- changing -------------------------------------------------------------------------- */

enum update_result {
	UPDATE_DONE,
	UPDATE_NOT_FOUND,
	UPDATE_NAME_TAKEN,
	UPDATE_NO_TEAM,
	UPDATE_UNKNOWN_KIND, /* the draft names an unknown kind that the channel does not have */
	UPDATE_OVERTAKEN     /* another request has changed the row meanwhile */
};

/* Gives the team's channel the draft's name and events and appends it as ChannelResponse. Unless
 * *result is UPDATE_DONE nothing was written. -EEXIST: the name was taken at the same time. */
int channel_update(struct db *db, const struct uuid *id, const struct draft *draft,
		   const struct change *change, struct buf *out,
		   enum update_result *result) must_check;

/* Provider and encrypted config, appended; *found false when the team has no such channel. */
int channel_load(struct db *db, const struct uuid *team, const struct uuid *id,
		 struct buf *provider, struct buf *sealed, bool *found) must_check;

/* Appends its old secrets as old_secrets_seal() wrote them; *until_us as in stored_secrets. */
int channel_load_old_secrets(struct db *db, const struct uuid *id, struct buf *out,
			     int64_t *until_us) must_check;

/* Other settings for a channel whose stored ones are `before`. */
struct new_config {
	struct str before; /* as channel_load() returned it */
	struct str sealed;
	const cJSON *request; /* whose options are stored */
	bool has_old_secret;  /* the signing secret changes: */
	/* Older secrets, as old_secrets_seal() wrote them; empty: none is valid. */
	struct str old_secret;
	int64_t old_secret_until_us;
};

/* The same as channel_update() for the config, and for the options that the request names. Earlier
 * failures no longer count. */
int channel_replace_config(struct db *db, const struct uuid *id, const struct new_config *config,
			   const struct change *change, struct buf *out,
			   enum update_result *result) must_check;

/* Enables the channel after its backlog was released or dropped. With has_more it is still
 * disabled, `out` is empty, and the next piece, from the last row on, must follow in another job.
 * A channel that is not disabled stays as it is, without an audit row. */
int channel_enable(struct db *db, const struct uuid *id, struct backlog_piece *piece,
		   const struct change *change, struct buf *out, bool *found) must_check;

/* Stores, replaces or removes the options that the request names; it was read without a fault. The
 * team is locked. -ENOENT: it has no channel that is named as the fallback; -ELOOP: that one has a
 * fallback or this one is one. The job must fail then. */
int channel_store_options(struct db *db, const struct uuid *team, const struct uuid *id,
			  const cJSON *request, int64_t now_us) must_check;
int channel_delete_options(struct db *db, const struct uuid *id) must_check;
/* For a removed channel: removes its fallback, and the channel as the fallback of others. */
int channel_forget_fallbacks(struct db *db, const struct uuid *team, const struct uuid *id,
			     int64_t now_us) must_check;
/* Removes the records of messages that the channel edited; of very many, the rest expires later. */
int channel_delete_living(struct db *db, const struct uuid *id) must_check;

struct snooze_change {
	struct str resource; /* empty: the whole channel */
	int64_t until_us;    /* 0: it ends now */
};

/* Snoozes the team's channel and appends it as ChannelResponse. -E2BIG: it has as many snoozed
 * resources as it can have. */
int channel_snooze(struct db *db, const struct uuid *id, const struct snooze_change *snooze,
		   const struct change *change, struct buf *out,
		   enum update_result *result) must_check;

/* The content of the audit row about a change. Name and provider are left out when empty. */
struct changed {
	const struct uuid *id;
	struct str action;
	struct str status;
	struct str name;
	struct str provider;
	struct str backlog;
	struct str resource;
	struct str until;
};

int channel_audit(struct db *db, const struct change *change,
		  const struct changed *changed) must_check;

/* Locks the team against other changes of its channels. *exists is false for a deleted team. */
int channel_lock_team(struct db *db, const struct uuid *team, bool *exists) must_check;

/* ---- showing --------------------------------------------------------------------------- */

/* A page of the team's channels, newest first. */
struct channel_page {
	struct paging paging;
	/* The result: the last channel shown, and whether another follows it. */
	int64_t last_us;
	struct uuid last_id;
	unsigned count;
	bool has_more;
};

/* Appends the page as a JSON array. */
int channel_list(struct db *db, const struct uuid *team, struct channel_page *page,
		 struct buf *out) must_check;

/* Appends one channel as ChannelResponse. *found is false when the team has none of this id. */
int channel_get(struct db *db, const struct uuid *team, const struct uuid *id, struct buf *out,
		bool *found) must_check;

/* ChannelResponse of a channel just made; `secret` is empty, or the secret that is shown only
 * once. */
void channel_write_new(struct buf *out, const struct new_channel *channel, struct str secret);

/* Adds `warnings` to the ChannelResponse at the end of `out`, if its provider has any. */
void channel_add_warnings(struct buf *out, const struct provider *provider,
			  const struct provider_config *config);

#endif
