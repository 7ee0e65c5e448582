/* SPDX-License-Identifier: Apache-2.0 */

/*
 * All connections of a process agree on one server.
 *
 * A TCP connection stays with its server, whatever role that server gets and wherever its name
 * moves. So after a failover some connections may be at the new master and some at the old one. An
 * old master that was only cut off answers as before. Two rules end that, and a third one with
 * sentinels:
 *
 *  - The newest connection decides. When it finds another run id than the one in force, the other
 *    connections are dropped and connect again. One kind of server is refused: one whose history
 *    (replid) is the past (replid2) of the server in force, as long as the latter is connected.
 *  - Every five seconds each connection sends ROLE. One that finds no master is dropped, and with
 *    it all others to the same server, because a subscribed connection cannot send ROLE.
 *  - When the sentinels name another host, all connections move there.
 */
#include "net/redis_master.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/log_limit.h"

#define ROLE_CHECK_MS 5000

struct redis_master {
	const struct redis_address *address;
	uv_timer_t timer;
	struct list members;
	struct redis_identity in_force; /* empty run id: no server has reported one */
	bool anonymity_is_logged;
	const struct redis_finder *finder; /* NULL: the address says where the server is */
	struct redis_host named;           /* by a sentinel; port 0: not yet */
	struct log_limit moves;
	void (*on_closed)(void *owner);
	void *close_owner;
};

static struct redis_member *member_of(struct list *link)
{
	return list_item(link, struct redis_member, link);
}

static void dismiss(const struct redis_member *member, const char *why)
{
	member->events->on_dismissed(why, member->owner);
}

/* ---- the server in force --------------------------------------------------------------- */

static bool is_at(const struct redis_member *member, const char *run_id)
{
	return member->is_up && strcmp(member->identity->run_id, run_id) == 0;
}

static bool has_connection_to(const struct redis_master *master, const char *run_id)
{
	LIST_EACH (link, &master->members) {
		if (is_at(member_of(link), run_id))
			return true;
	}
	return false;
}

/* True when the server in force continues the history that `other` holds. */
static bool was_replaced(const struct redis_master *master, const struct redis_identity *other)
{
	return strcmp(master->in_force.run_id, other->run_id) != 0 && other->replid[0] &&
	       strcmp(master->in_force.replid2, other->replid) == 0 &&
	       has_connection_to(master, master->in_force.run_id);
}

static void dismiss_all_except_at(struct redis_master *master, const char *run_id)
{
	LIST_EACH (link, &master->members) {
		const struct redis_member *other = member_of(link);

		if (other->is_up && other->identity->run_id[0] && !is_at(other, run_id))
			dismiss(other, "another server is the master now");
	}
}

static void log_anonymity(struct redis_master *master)
{
	if (master->anonymity_is_logged)
		return;
	master->anonymity_is_logged = true;
	log_warn("Redis does not report its run id and role, so a failover may be noticed late",
		 log_str("allow", "INFO and ROLE"));
}

bool redis_master_admit(struct redis_master *master, struct redis_member *member)
{
	const struct redis_identity *found = member->identity;

	if (!found->run_id[0]) {
		log_anonymity(master);
		return true;
	}
	if (was_replaced(master, found)) {
		dismiss(member, "the server was replaced by another master");
		return false;
	}
	if (strcmp(master->in_force.run_id, found->run_id) != 0)
		dismiss_all_except_at(master, found->run_id);
	master->in_force = *found;
	return true;
}

void redis_master_dismiss(struct redis_master *master, struct redis_member *member, const char *why)
{
	LIST_EACH (link, &master->members) {
		const struct redis_member *other = member_of(link);

		if (other != member && is_at(other, member->identity->run_id))
			dismiss(other, why);
	}
	dismiss(member, why);
}

static void on_role_check_due(uv_timer_t *timer)
{
	const struct redis_master *master = timer->data;

	LIST_EACH (link, &master->members) {
		const struct redis_member *member = member_of(link);

		member->events->on_role_check(member->owner);
	}
}

/* ---- where the master is --------------------------------------------------------------- */

const struct redis_host *redis_master_host(const struct redis_master *master)
{
	if (!master->address->master_name[0])
		return &master->address->hosts[0];
	return master->named.port ? &master->named : NULL;
}

const char *redis_master_fault(const struct redis_master *master)
{
	return master->finder ? master->finder->fault(master->finder->owner) : "";
}

void redis_master_report_failure(struct redis_master *master)
{
	if (master->finder && master->named.port)
		master->finder->on_bad_host(master->finder->owner);
}

void redis_master_set_finder(struct redis_master *master, const struct redis_finder *finder)
{
	master->finder = finder;
}

void redis_master_move(struct redis_master *master, const struct redis_host *host)
{
	int64_t kept_back;

	if (redis_host_is_same(&master->named, host))
		return;
	master->named = *host;
	if (log_limit_passes(&master->moves, (int64_t)uv_now(master->timer.loop), &kept_back))
		log_info("the sentinels name the master",
			 log_str("master", master->address->master_name),
			 log_str("host", host->name), log_int("port", host->port),
			 log_int("kept_back", kept_back));
	LIST_EACH (link, &master->members) {
		const struct redis_member *member = member_of(link);

		member->events->on_moved(member->owner);
	}
}

/* ---- opening and closing --------------------------------------------------------------- */

void redis_master_join(struct redis_master *master, struct redis_member *member)
{
	list_add_tail(&master->members, &member->link);
}

void redis_master_leave(struct redis_member *member)
{
	list_remove(&member->link);
}

int redis_master_open(uv_loop_t *loop, const struct redis_address *address,
		      struct redis_master **out)
{
	struct redis_master *master = calloc(1, sizeof(*master));

	if (!master)
		return -ENOMEM;
	master->address = address;
	list_init(&master->members);
	uv_timer_init(loop, &master->timer);
	master->timer.data = master;
	uv_timer_start(&master->timer, on_role_check_due, ROLE_CHECK_MS, ROLE_CHECK_MS);
	*out = master;
	return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct redis_master *master = handle->data;

	if (master->on_closed)
		master->on_closed(master->close_owner);
	free(master);
}

void redis_master_close(struct redis_master *master, void (*on_closed)(void *owner), void *owner)
{
	if (!master) {
		if (on_closed)
			on_closed(owner);
		return;
	}
	assert(list_is_empty(&master->members) && !master->finder);
	master->on_closed = on_closed;
	master->close_owner = owner;
	uv_close((uv_handle_t *)&master->timer, on_timer_closed);
}
