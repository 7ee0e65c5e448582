/* SPDX-License-Identifier: Apache-2.0 */

/* The events of a batch are close together in time, so even a large batch becomes few rows. */
#include "ledger/activity.h"

#include <errno.h>
#include <stdlib.h>

#include "core/activity.h"

int activity_init(struct activity *activity, size_t events)
{
	*activity = (struct activity){ .cap = events };
	activity->all = calloc(events ? events : 1, sizeof(*activity->all));
	return activity->all ? 0 : -ENOMEM;
}

void activity_done(struct activity *activity)
{
	free(activity->all);
	activity->all = NULL;
}

void activity_reset(struct activity *activity)
{
	activity->count = 0;
}

/* From the newest, since the next event usually belongs to a team that was just seen. */
static struct activity_count *find(struct activity *activity, const struct uuid *team,
				   int64_t minute_us)
{
	for (size_t i = activity->count; i > 0; i--) {
		struct activity_count *count = &activity->all[i - 1];

		if (count->minute_us == minute_us && uuid_eq(&count->team, team))
			return count;
	}
	return NULL;
}

void activity_see(struct activity *activity, const struct event *event)
{
	int64_t minute_us = activity_begin_us(event_stream_us(event), ACTIVITY_MINUTE_S);
	struct activity_count *count = find(activity, &event->team, minute_us);

	if (!count) {
		count = &activity->all[activity->count++];
		*count = (struct activity_count){ .team = event->team, .minute_us = minute_us };
	}
	count->events++;
	count->failed += event->outcome == OUTCOME_ERROR;
}

static const struct db_query add_events = {
	.sql = "INSERT INTO event_activity (team_id, step_s, begins_at, events, failed) "
	       "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (team_id, step_s, begins_at) DO UPDATE SET "
	       "events = event_activity.events + excluded.events, "
	       "failed = event_activity.failed + excluded.failed",
};

static int add(struct db *db, const struct activity_count *count, int64_t step_s)
{
	const struct db_value values[] = {
		db_uuid(&count->team),
		db_int(step_s),
		db_time(activity_begin_us(count->minute_us, step_s)),
		db_int(count->events),
		db_int(count->failed),
	};

	return db_run(db, &add_events, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

int activity_write(const struct activity *activity, struct db *db)
{
	int rc = 0;

	for (size_t i = 0; i < activity->count && rc == 0; i++) {
		rc = add(db, &activity->all[i], ACTIVITY_MINUTE_S);
		if (rc == 0)
			rc = add(db, &activity->all[i], ACTIVITY_HOUR_S);
	}
	return rc;
}
