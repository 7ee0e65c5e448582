/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Keeps and reads positions. Every worker of a group moves the same row; comparing both numbers in the
 * statement keeps a slow one from moving it back.
 */
#include "channels/position.h"

#include <errno.h>
#include <stdlib.h>

#include "channels/parts.h"

/* The last millisecond a stored time can show, 9999-12-31T23:59:59.999Z. */
#define STREAM_MS_MAX UINT64_C(253402300799999)

static const struct db_query store_position = {
	.sql = "INSERT INTO positions (group_name, last_id, last_ms, last_seq, updated_at) "
	       "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (group_name) DO UPDATE SET "
	       "last_id = excluded.last_id, last_ms = excluded.last_ms, "
	       "last_seq = excluded.last_seq, updated_at = excluded.updated_at "
	       "WHERE (positions.last_ms, positions.last_seq) "
	       "< (excluded.last_ms, excluded.last_seq)",
};

bool position_fits(struct stream_id id)
{
	return id.ms <= STREAM_MS_MAX && id.seq <= INT64_MAX;
}

int position_store(struct db *db, const char *group, struct stream_id last, int64_t now_us)
{
	char text[STREAM_ID_TEXT_SIZE];

	if (stream_id_is_zero(last) || !position_fits(last))
		return 0;
	stream_id_format(last, text);

	const struct db_value values[] = {
		db_text(str_of(group)),    db_text(str_of(text)), db_int((int64_t)last.ms),
		db_int((int64_t)last.seq), db_time(now_us),
	};

	return db_run(db, &store_position, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

static const struct db_query read_position = {
	.sql = "SELECT last_ms, last_seq FROM positions WHERE group_name = $1",
};

struct position {
	struct store_job job;
	struct channels *channels;
	ledger_position_fn on_done;
	void *owner;
	bool is_known;
	struct stream_id last;
};

static int on_position_row(const struct db_row *row, void *arg)
{
	struct position *position = arg;

	position->is_known = true;
	position->last.ms = (uint64_t)row_int(row, 0);
	position->last.seq = (uint64_t)row_int(row, 1);
	return 0;
}

static int run_position(struct db *db, struct store_job *job)
{
	struct position *position = container_of(job, struct position, job);
	const struct db_value group = db_text(str_of(position->channels->group));

	position->is_known = false;
	return db_run_now(db, &read_position, &group, 1, on_position_row, position, NULL);
}

static void on_position_read(struct store_job *job, int rc)
{
	struct position *position = container_of(job, struct position, job);

	position->on_done(rc, rc == 0 && position->is_known, position->last, position->owner);
	free(position);
}

void ledger_position(struct channels *channels, ledger_position_fn on_done, void *owner)
{
	const struct stream_id zero = { .ms = 0 };
	struct position *position = calloc(1, sizeof(*position));
	int rc = -ENOMEM;

	if (position) {
		position->channels = channels;
		position->on_done = on_done;
		position->owner = owner;
		position->job.run = run_position;
		position->job.on_done = on_position_read;
		rc = store_read(channels->store, &position->job);
	}
	if (rc < 0) {
		free(position);
		on_done(rc, false, zero, owner);
	}
}
