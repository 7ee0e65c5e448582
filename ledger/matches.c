/* SPDX-License-Identifier: Apache-2.0 */

/* Reads the channels of teams and turns their subscriptions into bits. A filter that cannot be read
 * lets everything pass: it may be of a newer version, and no event may be lost. */
#include "ledger/matches.h"

#include <errno.h>
#include <stdlib.h>

int matches_init(struct matches *matches, size_t events)
{
	*matches = (struct matches){ .cap = events };
	matches->teams = calloc(events ? events : 1, sizeof(*matches->teams));
	return matches->teams ? 0 : -ENOMEM;
}

static void free_channels(struct team_matches *team)
{
	for (size_t i = 0; i < team->count; i++) {
		fresh_rows_done(&team->channels[i].fresh);
		channel_options_close(team->channels[i].options);
	}
	free(team->channels);
}

void matches_reset(struct matches *matches)
{
	for (size_t i = 0; i < matches->count; i++)
		free_channels(&matches->teams[i]);
	matches->count = 0;
}

void matches_done(struct matches *matches)
{
	matches_reset(matches);
	free(matches->teams);
	matches->teams = NULL;
}

struct team_matches *matches_of(const struct matches *matches, const struct uuid *team)
{
	for (size_t i = 0; i < matches->count; i++) {
		if (uuid_eq(&matches->teams[i].team, team))
			return &matches->teams[i];
	}
	return NULL;
}

void matches_gather(struct matches *matches, const struct event *event)
{
	if (!event_kind_is_subscribable(event->kind) || matches_of(matches, &event->team))
		return;
	matches->teams[matches->count++] = (struct team_matches){ .team = event->team };
}

static const struct db_query read_channels = {
	.sql = "SELECT c.id, c.event_types, c.updated_at, o.options FROM channels c "
	       "JOIN teams t ON t.id = c.team_id "
	       "LEFT JOIN channel_options o ON o.channel_id = c.id WHERE c.team_id = $1 AND "
	       "t.deleted_at IS NULL ORDER BY c.created_at, c.id",
};

static void on_word(struct str word, void *arg)
{
	struct channel_match *match = arg;
	enum event_kind kind = event_kind_find_stored(word);

	if (kind != EVENT_UNKNOWN)
		match->kinds |= 1u << kind;
}

static int on_channel(const struct db_row *row, void *arg)
{
	struct team_matches *team = arg;
	struct channel_match *match;

	if (team->count == team->cap) {
		size_t cap = team->cap ? 2 * team->cap : 8;
		struct channel_match *more = realloc(team->channels, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		team->channels = more;
		team->cap = cap;
	}
	match = &team->channels[team->count++];
	*match = (struct channel_match){ .fresh.channel = row_uuid(row, 0),
					 .fresh.channel_us = row_time(row, 2) };
	row_words(row, 1, on_word, match);
	if (!row_is_null(row, 3) &&
	    channel_options_open(row_text(row, 3), &match->options) == -ENOMEM)
		return -ENOMEM;
	return 0;
}

int matches_read(struct matches *matches, struct db *db)
{
	int rc = 0;

	for (size_t i = 0; i < matches->count && rc == 0; i++) {
		const struct db_value team = db_uuid(&matches->teams[i].team);

		rc = db_run(db, &read_channels, &team, 1, on_channel, &matches->teams[i], NULL);
	}
	return rc;
}

bool match_wants(const struct channel_match *match, const struct event *event)
{
	if ((match->kinds & 1u << event->kind) == 0)
		return false;
	return !match->options || !event_filter_refusal(&match->options->filter, event);
}
