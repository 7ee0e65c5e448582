/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Statements that change a channel. Happy path: the row is locked, read, changed, audited and
 * shown, all in the caller's transaction. Failure: the result says why, and nothing was written.
 */
#include <errno.h>

#include "channels/rows.h"

/* ---- name and events ------------------------------------------------------------------- */

static const struct db_query find_name = {
	.sql = "SELECT 1 FROM channels WHERE team_id = $1 AND name = $2 AND id <> $3",
};
static const struct db_query update_channel = {
	.sql = "UPDATE channels SET name = $3, event_types = $4, updated_at = $5 "
	       "WHERE id = $1 AND team_id = $2",
};

static int on_present(const struct db_row *row, void *arg)
{
	(void)row;
	*(bool *)arg = true;
	return 0;
}

static int check_name(struct db *db, const struct uuid *id, const struct draft *draft,
		      const struct change *change, enum update_result *result)
{
	const struct uuid *team = &change->who->team;
	const struct db_value values[] = { db_uuid(team), db_text(str_of(draft->name)),
					   db_uuid(id) };
	bool is_taken = false;
	bool exists;
	int rc = channel_lock_team(db, team, &exists);

	if (rc == 0)
		rc = db_run_now(db, &find_name, values, ARRAY_LEN(values), on_present, &is_taken,
				NULL);
	*result = UPDATE_DONE;
	if (!exists)
		*result = UPDATE_NO_TEAM;
	else if (is_taken)
		*result = UPDATE_NAME_TAKEN;
	return rc;
}

static const struct db_query find_events = {
	.sql = "SELECT event_types FROM channels WHERE id = $1 AND team_id = $2",
};

/* The draft's kinds that are known to us, or stored already. */
struct kinds {
	const struct draft *draft;
	bool is_settled[CHANNEL_MAX_EVENTS];
};

static void on_stored_kind(struct str word, void *arg)
{
	struct kinds *kinds = arg;

	for (size_t i = 0; i < kinds->draft->event_count; i++) {
		if (str_eq(kinds->draft->events[i], word))
			kinds->is_settled[i] = true;
	}
}

static int on_events(const struct db_row *row, void *arg)
{
	row_words(row, 0, on_stored_kind, arg);
	return 0;
}

/* The client may send back a kind that a newer control plane stored, but no other unknown kind. */
static int check_kinds(struct db *db, const struct uuid *id, const struct draft *draft,
		       const struct uuid *team, enum update_result *result)
{
	const struct db_value values[] = { db_uuid(id), db_uuid(team) };
	struct kinds kinds = { .draft = draft };
	bool has_unknown = false;
	int rc;

	for (size_t i = 0; i < draft->event_count; i++) {
		kinds.is_settled[i] = event_kind_find(draft->events[i]) != EVENT_UNKNOWN;
		has_unknown = has_unknown || !kinds.is_settled[i];
	}
	if (!has_unknown)
		return 0;
	rc = db_run_now(db, &find_events, values, ARRAY_LEN(values), on_events, &kinds, NULL);
	for (size_t i = 0; i < draft->event_count; i++) {
		if (!kinds.is_settled[i])
			*result = UPDATE_UNKNOWN_KIND;
	}
	return rc;
}

/* Writes the audit row and the channel as it is now. */
static int finish(struct db *db, const struct change *change, const struct changed *changed,
		  struct buf *out)
{
	bool found;
	int rc = channel_audit(db, change, changed);

	if (rc == 0)
		rc = channel_get(db, &change->who->team, changed->id, out, &found);
	return rc;
}

int channel_update(struct db *db, const struct uuid *id, const struct draft *draft,
		   const struct change *change, struct buf *out, enum update_result *result)
{
	const struct db_value values[] = {
		db_uuid(id),
		db_uuid(&change->who->team),
		db_text(str_of(draft->name)),
		db_words(draft->events, draft->event_count),
		db_time(change->now_us),
	};
	const struct changed updated = {
		.id = id,
		.action = STR("update"),
		.status = STR("info"),
		.name = str_of(draft->name),
	};
	bool found = false;
	int64_t count = 0;
	int rc = channel_get(db, &change->who->team, id, out, &found);

	*result = UPDATE_NOT_FOUND;
	if (rc < 0 || !found)
		return rc;
	rc = check_name(db, id, draft, change, result);
	if (rc == 0 && *result == UPDATE_DONE)
		rc = check_kinds(db, id, draft, &change->who->team, result);
	if (rc < 0 || *result != UPDATE_DONE)
		return rc;
	rc = db_run_now(db, &update_channel, values, ARRAY_LEN(values), NULL, NULL, &count);
	if (rc == 0 && count == 0)
		*result = UPDATE_NOT_FOUND;
	if (rc < 0 || count == 0)
		return rc;
	rc = channel_store_options(db, &change->who->team, id, draft->tree, change->now_us);
	if (rc < 0)
		return rc;
	buf_reset(out);
	return finish(db, change, &updated, out);
}

/* ---- the config ------------------------------------------------------------------------ */

static const struct db_query load_channel = {
	.sql = "SELECT provider, config FROM channels WHERE team_id = $1 AND id = $2",
};
static const struct db_query replace_config = {
	.sql = "UPDATE channels SET config = $3, updated_at = $4 "
	       "WHERE id = $1 AND team_id = $2 AND config = $5",
};
/* Failures under other settings say nothing about the new ones. */
static const struct db_query forget_failures = {
	.sql = "INSERT INTO channel_state (channel_id, updated_at) VALUES ($1, $2) "
	       "ON CONFLICT (channel_id) DO UPDATE SET failures = 0, disabling = 0, "
	       "breaker_opened = 0, breaker_until = NULL, failing_since = NULL, plain_only = 0, "
	       "updated_at = $2",
};
static const struct db_query keep_old_secret = {
	.sql = "UPDATE channel_state SET old_secret = $2, old_secret_until = $3 "
	       "WHERE channel_id = $1",
};

/* Two columns of a row, if the row exists. */
struct loaded {
	struct buf *first;
	struct buf *second;
	bool found;
};

static int on_loaded(const struct db_row *row, void *arg)
{
	struct loaded *loaded = arg;

	loaded->found = true;
	buf_add_str(loaded->first, row_text(row, 0));
	buf_add_str(loaded->second, row_text(row, 1));
	return loaded->first->err ? loaded->first->err : loaded->second->err;
}

int channel_load(struct db *db, const struct uuid *team, const struct uuid *id,
		 struct buf *provider, struct buf *sealed, bool *found)
{
	const struct db_value values[] = { db_uuid(team), db_uuid(id) };
	struct loaded loaded = { .first = provider, .second = sealed };
	int rc = db_run_now(db, &load_channel, values, 2, on_loaded, &loaded, NULL);

	*found = loaded.found;
	return rc;
}

static const struct db_query load_old_secrets = {
	.sql = "SELECT old_secret, old_secret_until FROM channel_state WHERE channel_id = $1",
};

struct loaded_secrets {
	struct buf *text;
	int64_t *until_us;
};

static int on_old_secrets(const struct db_row *row, void *arg)
{
	struct loaded_secrets *loaded = arg;

	buf_add_str(loaded->text, row_text(row, 0));
	*loaded->until_us = row_time(row, 1);
	return loaded->text->err;
}

int channel_load_old_secrets(struct db *db, const struct uuid *id, struct buf *out,
			     int64_t *until_us)
{
	const struct db_value value = db_uuid(id);
	struct loaded_secrets loaded = { .text = out, .until_us = until_us };

	*until_us = 0;
	return db_run_now(db, &load_old_secrets, &value, 1, on_old_secrets, &loaded, NULL);
}

static int store_old_secret(struct db *db, const struct uuid *id, const struct new_config *config)
{
	const struct db_value values[] = {
		db_uuid(id),
		db_text_or_null(config->old_secret),
		config->old_secret.len ? db_time(config->old_secret_until_us) : db_null(),
	};

	if (!config->has_old_secret)
		return 0;
	return db_run(db, &keep_old_secret, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

int channel_replace_config(struct db *db, const struct uuid *id, const struct new_config *config,
			   const struct change *change, struct buf *out, enum update_result *result)
{
	const struct db_value values[] = {
		db_uuid(id),
		db_uuid(&change->who->team),
		db_json(config->sealed),
		db_time(change->now_us),
		db_json(config->before),
	};
	const struct db_value state[] = { db_uuid(id), db_time(change->now_us) };
	const struct changed rotated = {
		.id = id,
		.action = STR("rotate_config"),
		.status = STR("info"),
	};
	bool exists;
	int64_t count = 0;
	int rc = channel_lock_team(db, &change->who->team, &exists);

	*result = UPDATE_NO_TEAM;
	if (rc < 0 || !exists)
		return rc;
	rc = db_run_now(db, &replace_config, values, ARRAY_LEN(values), NULL, NULL, &count);
	*result = count > 0 ? UPDATE_DONE : UPDATE_OVERTAKEN;
	if (rc < 0 || count == 0)
		return rc;
	rc = db_run(db, &forget_failures, state, ARRAY_LEN(state), NULL, NULL, NULL);
	if (rc == 0)
		rc = store_old_secret(db, id, config);
	if (rc == 0)
		rc = channel_store_options(db, &change->who->team, id, config->request,
					   change->now_us);
	return rc < 0 ? rc : finish(db, change, &rotated, out);
}

/* ---- enabling -------------------------------------------------------------------------- */

static const struct db_query lock_channel = {
	.sql = "SELECT name, provider FROM channels WHERE id = $1 AND team_id = $2 FOR UPDATE",
	.sqlite = "SELECT name, provider FROM channels WHERE id = $1 AND team_id = $2",
};
/* The lock needs its own statement: one that waits for a lock sees the rows as they were before it
 * waited. */
static const struct db_query find_disabled = {
	.sql = "SELECT 1 FROM channel_state WHERE channel_id = $1 AND disabled_at IS NOT NULL",
};
static const struct db_query enable_channel = {
	.sql = "UPDATE channel_state SET disabled_at = NULL, disabled_reason = NULL, failures = 0, "
	       "disabling = 0, breaker_opened = 0, breaker_until = NULL, failing_since = NULL, "
	       "updated_at = $2 WHERE channel_id = $1 AND disabled_at IS NOT NULL",
};
/* Locks deliveries before state, as delivery/record.c does. Another process may have enabled the
 * channel while this one waited for it. Then the backlog is not ours to change, and the audit row
 * is written already. */
static int end_disabled(struct db *db, const struct change *change, const struct changed *enabled,
			struct backlog_piece *piece)
{
	const struct db_value values[] = { db_uuid(enabled->id), db_time(change->now_us) };
	bool is_disabled = false;
	int64_t count = 0;
	int rc = db_run_now(db, &find_disabled, values, 1, on_present, &is_disabled, NULL);

	if (rc < 0 || !is_disabled)
		return rc;
	rc = transition_release(db, enabled->id, piece, change->now_us);
	if (rc < 0 || piece->has_more)
		return rc;
	rc = db_run_now(db, &enable_channel, values, 2, NULL, NULL, &count);
	return rc < 0 || count == 0 ? rc : channel_audit(db, change, enabled);
}

int channel_enable(struct db *db, const struct uuid *id, struct backlog_piece *piece,
		   const struct change *change, struct buf *out, bool *found)
{
	const struct db_value values[] = { db_uuid(id), db_uuid(&change->who->team) };
	struct changed enabled = {
		.id = id,
		.action = STR("enable"),
		.status = STR("info"),
		.backlog = piece->skips ? STR("skip") : STR("deliver"),
	};
	struct buf name, provider;
	struct loaded channel = { .first = &name, .second = &provider };
	int rc;

	*found = false;
	piece->last_ms = piece->from_ms;
	piece->last_seq = piece->from_seq;
	piece->rows = 0;
	piece->has_more = false;
	buf_init(&name, 1024);
	buf_init(&provider, 1024);
	rc = db_run_now(db, &lock_channel, values, 2, on_loaded, &channel, NULL);
	if (rc == 0 && channel.found) {
		enabled.name = buf_str(&name);
		enabled.provider = buf_str(&provider);
		rc = end_disabled(db, change, &enabled, piece);
	}
	if (rc == 0 && !piece->has_more)
		rc = channel_get(db, &change->who->team, id, out, found);
	buf_done(&name);
	buf_done(&provider);
	return rc;
}
