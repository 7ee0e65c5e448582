/* SPDX-License-Identifier: Apache-2.0 */

/* The jobs of one kind that wait. The store's lock guards them all. */
#ifndef STORE_LANE_H
#define STORE_LANE_H

#include <stdbool.h>
#include <uv.h>

#include "core/list.h"
#include "store/job.h"
#include "store/trouble.h"

/* Jobs of one kind, and the threads that run them. */
struct job_lane {
	struct list jobs;
	unsigned waiting;
	uv_cond_t wake;
	unsigned connected; /* workers.c: threads with a connection, without the main writer */
	bool is_writing;
	struct trouble trouble; /* of a writing lane; guards itself */
	bool others_hold_audit; /* the last job that needed the lock of audit_logs did not get it */
	/* For requests: the teams with a running one, at most one per team. */
	bool is_by_team;
	struct uuid *running_teams; /* as many as threads */
	unsigned running_count;
	struct uuid served; /* whose job began last */
};

void lane_init(struct job_lane *lane);

/* Adds the job after those of its priority and before those of a lower one. */
void lane_add(struct job_lane *lane, struct store_job *job);

/* Removes the first; there must be one. */
struct store_job *lane_pop(struct job_lane *lane);

/* Takes jobs for one transaction, in their order: all that belong to no team, and one of each team,
 * a few teams at most. A team's work may take long, so the next transaction has its next one. */
size_t lane_take_group(struct job_lane *lane, struct store_job **jobs, size_t max);

/* The first that may run now: of requests, the first whose team has none running. In other lanes
 * another team than the last one comes first. NULL: none. It stays in the lane. */
struct store_job *lane_find_runnable(struct job_lane *lane);
/* Removes the job. Other requests of its team wait until lane_end(). */
void lane_start(struct job_lane *lane, struct store_job *job);
/* Another request of its team may run now. */
void lane_end(struct job_lane *lane, const struct store_job *job);

/* The number of the team's waiting jobs. */
unsigned lane_count(const struct job_lane *lane, const struct uuid *team);

/* True when other programs hold audit_logs and a job already waits for that lock: this job would
 * wait for that one first and then for the lock. */
bool lane_waits_for_audit(const struct job_lane *lane, const struct store_job *job);

/* A job that needed the lock of audit_logs has ended. If other programs hold the lock, all waiting
 * jobs that need it get -EBUSY and go to `done`: each would wait just as long, one after
 * another. */
void lane_note_audit_lock(struct job_lane *lane, bool others_hold_it, struct list *done);

/* Waiting jobs get this rc and go to `done`. */
void lane_answer_all(struct job_lane *lane, int rc, struct list *done);

#endif
