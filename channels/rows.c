/* SPDX-License-Identifier: Apache-2.0 */

/* Statements that make, remove and show channels, for the endpoints (contract c, h.1). */
#include "channels/rows.h"

#include "core/id.h"
#include "core/json.h"
#include "core/rfc3339.h"
#include "delivery/delivery.h"

/* ---- writing -------------------------------------------------------------------------- */

/* Locks the team, so that two requests at once cannot both make the 50th channel. */
static const struct db_query lock_team = {
	.sql = "SELECT id FROM teams WHERE id = $1 AND deleted_at IS NULL FOR UPDATE",
	.sqlite = "SELECT id FROM teams WHERE id = $1 AND deleted_at IS NULL",
};
static const struct db_query count_channels = {
	.sql = "SELECT count(*) FROM channels WHERE team_id = $1",
};
static const struct db_query insert_channel = {
	.sql = "INSERT INTO channels (id, team_id, name, provider, config, event_types, "
	       "created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
	       "ON CONFLICT (team_id, name) DO NOTHING",
};

static int on_present(const struct db_row *row, void *arg)
{
	(void)row;
	*(bool *)arg = true;
	return 0;
}

static int on_count(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

int channel_lock_team(struct db *db, const struct uuid *team, bool *exists)
{
	const struct db_value id = db_uuid(team);

	*exists = false;
	return db_run_now(db, &lock_team, &id, 1, on_present, exists, NULL);
}

static int check_team(struct db *db, const struct uuid *team, enum insert_result *result)
{
	const struct db_value id = db_uuid(team);
	bool exists;
	int64_t count = 0;
	int rc = channel_lock_team(db, team, &exists);

	if (rc == 0)
		rc = db_run_now(db, &count_channels, &id, 1, on_count, &count, NULL);
	if (rc < 0)
		return rc;
	*result = CHANNEL_STORED;
	if (!exists)
		*result = CHANNEL_NO_TEAM;
	else if (count >= CHANNELS_PER_TEAM)
		*result = CHANNEL_TOO_MANY;
	return 0;
}

static void add_when_present(struct buf *out, const char *name, struct str value)
{
	if (value.len > 0)
		json_add_member(out, name, value);
}

int channel_audit(struct db *db, const struct change *change, const struct changed *changed)
{
	char id_text[ID_TEXT_SIZE];
	struct buf metadata;
	int rc;

	id_format(ID_CHANNEL, changed->id, id_text);
	buf_init(&metadata, 4096);
	buf_add_char(&metadata, '{');
	add_when_present(&metadata, "name", changed->name);
	add_when_present(&metadata, "provider", changed->provider);
	add_when_present(&metadata, "backlog", changed->backlog);
	add_when_present(&metadata, "resource", changed->resource);
	add_when_present(&metadata, "until", changed->until);
	buf_add_char(&metadata, '}');
	rc = metadata.err;
	if (rc == 0)
		rc = audit_insert_change(db, change->audit_mode, change->who, STR("channel"),
					 str_of(id_text), changed->action, changed->status,
					 buf_str(&metadata), change->now_us);
	buf_done(&metadata);
	return rc;
}

int channel_insert(struct db *db, const struct new_channel *channel, const struct change *change,
		   enum insert_result *result)
{
	const struct draft *draft = channel->draft;
	const struct db_value values[] = {
		db_uuid(&channel->id),        db_uuid(&channel->team),
		db_text(str_of(draft->name)), db_text(str_of(draft->provider->name)),
		db_json(channel->sealed),     db_words(draft->events, draft->event_count),
		db_time(channel->created_us), db_time(channel->created_us),
	};
	const struct changed made = {
		.id = &channel->id,
		.action = STR("create"),
		.status = STR("success"),
		.name = str_of(draft->name),
		.provider = str_of(draft->provider->name),
	};
	int64_t inserted = 0;
	int rc = check_team(db, &channel->team, result);

	if (rc < 0 || *result != CHANNEL_STORED)
		return rc;
	rc = db_run_now(db, &insert_channel, values, ARRAY_LEN(values), NULL, NULL, &inserted);
	if (rc < 0)
		return rc;
	if (inserted == 0) {
		*result = CHANNEL_NAME_TAKEN;
		return 0;
	}
	rc = channel_store_options(db, &channel->team, &channel->id, draft->tree,
				   channel->created_us);
	if (rc == 0)
		rc = channel_audit(db, change, &made);
	return rc < 0 ? rc : db_flush(db);
}

/* ---- removing -------------------------------------------------------------------------- */

static const struct db_query delete_channel = {
	.sql = "DELETE FROM channels WHERE id = $1 AND team_id = $2 RETURNING name, provider",
};
static const struct db_query delete_state = {
	.sql = "DELETE FROM channel_state WHERE channel_id = $1",
};

struct deleted {
	bool was_found;
	struct buf name;
	struct buf provider;
};

static int on_deleted(const struct db_row *row, void *arg)
{
	struct deleted *deleted = arg;

	deleted->was_found = true;
	buf_add_str(&deleted->name, row_text(row, 0));
	buf_add_str(&deleted->provider, row_text(row, 1));
	return deleted->name.err ? deleted->name.err : deleted->provider.err;
}

static int finish_delete(struct db *db, const struct uuid *id, const struct change *change,
			 const struct deleted *deleted)
{
	const struct db_value value = db_uuid(id);
	const struct changed gone = {
		.id = id,
		.action = STR("delete"),
		.status = STR("warning"),
		.name = buf_str(&deleted->name),
		.provider = buf_str(&deleted->provider),
	};
	/* the engine drops the rest of a larger backlog */
	int rc = transition_drop(db, id, STR("the channel was deleted"), change->now_us, NULL);

	if (rc == 0)
		rc = db_run(db, &delete_state, &value, 1, NULL, NULL, NULL);
	if (rc == 0)
		rc = channel_delete_options(db, id);
	if (rc == 0)
		rc = channel_forget_fallbacks(db, &change->who->team, id, change->now_us);
	if (rc == 0)
		rc = channel_delete_living(db, id);
	if (rc == 0)
		rc = channel_audit(db, change, &gone);
	return rc < 0 ? rc : db_flush(db);
}

int channel_delete(struct db *db, const struct uuid *id, const struct change *change, bool *removed)
{
	const struct db_value values[] = { db_uuid(id), db_uuid(&change->who->team) };
	struct deleted deleted = { .was_found = false };
	int rc;

	buf_init(&deleted.name, 1024);
	buf_init(&deleted.provider, 1024);
	rc = db_run_now(db, &delete_channel, values, 2, on_deleted, &deleted, NULL);
	if (rc == 0 && deleted.was_found)
		rc = finish_delete(db, id, change, &deleted);
	*removed = rc == 0 && deleted.was_found;
	buf_done(&deleted.name);
	buf_done(&deleted.provider);
	return rc;
}

/* ---- showing --------------------------------------------------------------------------- */

#define SHOWN                                                                        \
	"SELECT c.id, c.team_id, c.name, c.provider, c.event_types, c.created_at, "  \
	"c.updated_at, s.disabled_at, s.disabled_reason, o.options FROM channels c " \
	"LEFT JOIN channel_state s ON s.channel_id = c.id "                          \
	"LEFT JOIN channel_options o ON o.channel_id = c.id WHERE c.team_id = $1 "

static const struct db_query list_channels = {
	.sql = SHOWN "AND (c.created_at, c.id) < ($2, $3) "
		     "ORDER BY c.created_at DESC, c.id DESC LIMIT $4",
};
static const struct db_query get_channel = {
	.sql = SHOWN "AND c.id = $2",
};

static void write_head(struct buf *out, const struct uuid *id, const struct uuid *team,
		       struct str name, struct str provider)
{
	char text[ID_TEXT_SIZE];

	buf_add_char(out, '{');
	id_format(ID_CHANNEL, id, text);
	json_add_member(out, "id", str_of(text));
	id_format(ID_TEAM, team, text);
	json_add_member(out, "team_id", str_of(text));
	json_add_member(out, "name", name);
	json_add_member(out, "provider", provider);
	json_add_name(out, "events");
	buf_add_char(out, '[');
}

static void write_word(struct str word, void *arg)
{
	struct buf *out = arg;

	if (out->len > 0 && out->bytes[out->len - 1] != '[')
		buf_add_char(out, ',');
	json_add_string(out, word);
}

static void write_times(struct buf *out, int64_t created_us, int64_t updated_us)
{
	char text[RFC3339_TEXT_SIZE];

	buf_add_char(out, ']');
	rfc3339_format(created_us, 0, text);
	json_add_member(out, "created_at", str_of(text));
	rfc3339_format(updated_us, 0, text);
	json_add_member(out, "updated_at", str_of(text));
}

static void write_disabled(struct buf *out, bool is_disabled, struct str reason)
{
	json_add_name(out, "disabled");
	buf_add_text(out, is_disabled ? "true" : "false");
	if (is_disabled)
		add_when_present(out, "disabled_reason", reason);
}

static int write_row(const struct db_row *row, void *arg)
{
	struct buf *out = arg;
	const struct uuid id = row_uuid(row, 0);
	const struct uuid team = row_uuid(row, 1);
	int rc;

	if (out->len > 0 && out->bytes[out->len - 1] == '}')
		buf_add_char(out, ',');
	write_head(out, &id, &team, row_text(row, 2), row_text(row, 3));
	row_words(row, 4, write_word, out);
	write_times(out, row_time(row, 5), row_time(row, 6));
	write_disabled(out, !row_is_null(row, 7), row_text(row, 8));
	rc = channel_options_show(row_text(row, 9), out);
	buf_add_char(out, '}');
	return rc < 0 ? rc : out->err;
}

struct row_listing {
	struct channel_page *page;
	struct buf *out;
};

static int on_listed(const struct db_row *row, void *arg)
{
	const struct row_listing *listing = arg;
	struct channel_page *page = listing->page;

	/* the statement asks for one row more than is shown */
	page->has_more = page->count == page->paging.limit;
	if (page->has_more)
		return 0;
	page->count++;
	page->last_id = row_uuid(row, 0);
	page->last_us = row_time(row, 5);
	return write_row(row, listing->out);
}

int channel_list(struct db *db, const struct uuid *team, struct channel_page *page, struct buf *out)
{
	const struct db_value values[] = { db_uuid(team), db_time(page->paging.before_us),
					   db_uuid(&page->paging.before_id),
					   db_int((int64_t)page->paging.limit + 1) };
	struct row_listing listing = { .page = page, .out = out };
	int rc;

	page->count = 0;
	page->has_more = false;
	buf_add_char(out, '[');
	rc = db_run_now(db, &list_channels, values, ARRAY_LEN(values), on_listed, &listing, NULL);
	buf_add_char(out, ']');
	return rc < 0 ? rc : out->err;
}

int channel_get(struct db *db, const struct uuid *team, const struct uuid *id, struct buf *out,
		bool *found)
{
	const struct db_value values[] = { db_uuid(team), db_uuid(id) };
	int rc = db_run_now(db, &get_channel, values, 2, write_row, out, NULL);

	*found = rc == 0 && out->len > 0;
	return rc;
}

void channel_write_new(struct buf *out, const struct new_channel *channel, struct str secret)
{
	const struct draft *draft = channel->draft;

	write_head(out, &channel->id, &channel->team, str_of(draft->name),
		   str_of(draft->provider->name));
	for (size_t i = 0; i < draft->event_count; i++)
		write_word(draft->events[i], out);
	write_times(out, channel->created_us, channel->created_us);
	write_disabled(out, false, STR(""));
	channel_options_write(draft->tree, out);
	if (secret.len > 0)
		json_add_member(out, "secret", secret);
	buf_add_char(out, '}');
}

void channel_add_warnings(struct buf *out, const struct provider *provider,
			  const struct provider_config *config)
{
	const char *warning = provider->warning ? provider->warning(config) : NULL;

	if (!warning || out->err || out->len == 0)
		return;
	out->len--; /* the brace */
	json_add_name(out, "warnings");
	buf_add_char(out, '[');
	json_add_string(out, str_of(warning));
	buf_add_text(out, "]}");
}
