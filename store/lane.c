/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The queue of one kind of jobs. It decides which job runs next, but runs no job and makes no
 * callback.
 */
#include "store/lane.h"

#include <errno.h>
#include <stdlib.h>

#define GROUP_TEAMS 4 /* whose jobs share a transaction */

void lane_init(struct job_lane *lane)
{
	list_init(&lane->jobs);
	if (uv_cond_init(&lane->wake))
		abort(); /* libuv's advice: it fails only after a bug of ours */
}

void lane_add(struct job_lane *lane, struct store_job *job)
{
	struct list *next = &lane->jobs;

	while (next->prev != &lane->jobs &&
	       list_item(next->prev, struct store_job, link)->priority < job->priority)
		next = next->prev;
	list_add_tail(next, &job->link);
	lane->waiting++;
}

unsigned lane_count(const struct job_lane *lane, const struct uuid *team)
{
	unsigned count = 0;

	for (const struct list *n = lane->jobs.next; n != &lane->jobs; n = n->next)
		count += uuid_eq(&list_item(n, struct store_job, link)->team, team);
	return count;
}

struct store_job *lane_pop(struct job_lane *lane)
{
	struct store_job *job = list_item(lane->jobs.next, struct store_job, link);

	list_remove(&job->link);
	lane->waiting--;
	return job;
}

static bool has_room(struct store_job *const *jobs, size_t count, const struct uuid *team)
{
	unsigned teams = 0;

	for (size_t i = 0; i < count; i++) {
		if (uuid_eq(&jobs[i]->team, team))
			return false;
		teams += !uuid_is_zero(&jobs[i]->team);
	}
	return teams < GROUP_TEAMS;
}

size_t lane_take_group(struct job_lane *lane, struct store_job **jobs, size_t max)
{
	size_t count = 0;

	LIST_EACH_SAFE (link, &lane->jobs) {
		struct store_job *job = list_item(link, struct store_job, link);

		if (count == max)
			break;
		if (!uuid_is_zero(&job->team) && !has_room(jobs, count, &job->team))
			continue;
		list_remove(&job->link);
		lane->waiting--;
		jobs[count++] = job;
	}
	return count;
}

static bool is_running(const struct job_lane *lane, const struct uuid *team)
{
	for (unsigned i = 0; i < lane->running_count; i++)
		if (uuid_eq(&lane->running_teams[i], team))
			return true;
	return false;
}

/* The service's own jobs have no turn to wait for. */
static bool has_had_its_turn(const struct job_lane *lane, const struct store_job *job)
{
	return !uuid_is_zero(&job->team) && uuid_eq(&job->team, &lane->served);
}

struct store_job *lane_find_runnable(struct job_lane *lane)
{
	struct store_job *first = NULL;

	LIST_EACH (link, &lane->jobs) {
		struct store_job *job = list_item(link, struct store_job, link);

		if (lane->is_by_team && is_running(lane, &job->team))
			continue;
		if (lane->is_by_team || !has_had_its_turn(lane, job))
			return job;
		if (!first)
			first = job;
	}
	return first;
}

void lane_start(struct job_lane *lane, struct store_job *job)
{
	list_remove(&job->link);
	lane->waiting--;
	lane->served = job->team;
	if (lane->is_by_team)
		lane->running_teams[lane->running_count++] = job->team;
}

void lane_end(struct job_lane *lane, const struct store_job *job)
{
	unsigned i = 0;

	if (!lane->is_by_team)
		return;
	while (!uuid_eq(&lane->running_teams[i], &job->team))
		i++;
	lane->running_teams[i] = lane->running_teams[--lane->running_count];
	uv_cond_broadcast(&lane->wake);
}

void lane_answer_all(struct job_lane *lane, int rc, struct list *done)
{
	while (!list_is_empty(&lane->jobs)) {
		struct store_job *job = lane_pop(lane);

		job->rc = rc;
		list_add_tail(done, &job->link);
	}
}

bool lane_waits_for_audit(const struct job_lane *lane, const struct store_job *job)
{
	return lane->others_hold_audit && job->needs_audit_lock &&
	       (lane->waiting > 0 || trouble_is_writing(&lane->trouble));
}

void lane_note_audit_lock(struct job_lane *lane, bool others_hold_it, struct list *done)
{
	lane->others_hold_audit = others_hold_it;
	if (!others_hold_it)
		return;
	LIST_EACH_SAFE (link, &lane->jobs) {
		struct store_job *job = list_item(link, struct store_job, link);

		if (!job->needs_audit_lock)
			continue;
		list_remove(&job->link);
		lane->waiting--;
		job->rc = -EBUSY;
		list_add_tail(done, &job->link);
	}
}
