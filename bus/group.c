/* SPDX-License-Identifier: Apache-2.0 */

/*
 * LOOKING asks for the edges of the stream, ASKING for the groups on it. CREATING makes a missing
 * group:
 *
 *   the ledger knows it, and the stream   five minutes before the ledger's position. A Redis that
 *   reaches the ledger's position         lost the group may have lost entries, too, and given
 *                                         their ids to others; the ledger compares
 *   the ledger knows it, but the stream   at 0: the stream is new and unread
 *   is younger
 *   the ledger never saw it               at the end of the stream; at 0 when there is none, and
 *                                         the stream is created as well
 *
 * An existing group is compared with the ledger:
 *
 *   past the ledger    SETTING_BACK to the ledger's position. Later entries are read again in
 *                      order: they are still pending, or the store lost their commit (it failed
 *                      over, or an older copy was restored)
 *   before the ledger  read from where it is. Redis lost its position, and a second commit of an
 *                      entry changes nothing
 *   never seen         used as it is
 */
#include "bus/group.h"

#include <errno.h>
#include <string.h>

#include "bus/counters.h"
#include "bus/reply.h"
#include "bus/stream.h"
#include "core/clock.h"
#include "core/log.h"
#include "net/net.h"

#define OVERLAP_MS 300000

static void take_place(struct consumer_group *group, struct stream_id at)
{
	group->phase = GROUP_IDLE;
	group->on_placed(at, group->step.owner);
}

static void take_error(struct consumer_group *group, const redisReply *error)
{
	group->phase = GROUP_IDLE;
	step_fail(&group->step, error);
}

/* ---- setting the group back ---------------------------------------------------------------- */

static void on_set_back(const redisReply *reply, void *owner)
{
	struct consumer_group *group = owner;

	if (!reply || group->phase != GROUP_SETTING_BACK)
		return;
	if (reply->type == REDIS_REPLY_STATUS)
		take_place(group, group->at);
	else
		take_error(group, reply);
}

static void log_set_back(struct consumer_group *group, struct stream_id was_at, bool has_pending)
{
	int64_t kept_back;

	if (!log_limit_passes(&group->place_lines, clock_mono_ms(), &kept_back))
		return;
	if (has_pending)
		log_info("reading entries again that were delivered but are not in the ledger",
			 log_stream_id("ledger", group->at), log_stream_id("group", was_at),
			 log_int("kept_back", kept_back));
	else
		log_warn("the store is behind the consumer group: the store lost its last commits, "
			 "or an older copy was restored; reading everything since then again",
			 log_stream_id("ledger", group->at), log_stream_id("group", was_at),
			 log_stream_id("oldest_entry", group->edges.oldest),
			 log_int("kept_back", kept_back));
}

static void set_back(struct consumer_group *group, struct stream_id was_at, bool has_pending)
{
	char text[STREAM_ID_TEXT_SIZE];

	group->phase = GROUP_SETTING_BACK;
	group->at = group->ledger->reached;
	log_set_back(group, was_at, has_pending);
	stream_id_format(group->at, text);
	reply_check_sent(group->step.redis,
			 redis_send_text(group->step.redis, REPLY_TIMEOUT_MS, on_set_back, group,
					 "XGROUP", "SETID", BUS_STREAM, group->step.group, text,
					 NULL));
}

/* ---- creating the group -------------------------------------------------------------------- */

static struct stream_id with_overlap(struct stream_id id)
{
	if (id.ms <= OVERLAP_MS)
		return (struct stream_id){ 0 };
	return (struct stream_id){ .ms = id.ms - OVERLAP_MS };
}

/* Where to create a missing group. */
static struct stream_id beginning(const struct consumer_group *group)
{
	const struct bus_edges *edges = &group->edges;
	const struct ledger_position *ledger = group->ledger;

	if (!ledger->is_known)
		return edges->exists ? edges->newest : (struct stream_id){ 0 };
	if (!edges->exists || stream_id_compare(edges->newest, ledger->committed) < 0)
		return (struct stream_id){ 0 };
	return ledger->is_untouched ? ledger->committed : with_overlap(ledger->committed);
}

static void on_created(const redisReply *reply, void *owner)
{
	struct consumer_group *group = owner;

	if (!reply || group->phase != GROUP_CREATING)
		return;
	if (reply->type != REDIS_REPLY_STATUS && !reply_is_error(reply, "BUSYGROUP")) {
		take_error(group, reply);
		return;
	}
	if (reply->type == REDIS_REPLY_STATUS)
		metric_add(bus_counters.groups_created, 1);
	take_place(group, group->at);
}

static void create(struct consumer_group *group)
{
	char text[STREAM_ID_TEXT_SIZE];
	int64_t kept_back;

	group->phase = GROUP_CREATING;
	group->at = beginning(group);
	stream_id_format(group->at, text);
	if (!group->is_repeated &&
	    log_limit_passes(&group->place_lines, clock_mono_ms(), &kept_back))
		log_info("creating the consumer group", log_str("group", group->step.group),
			 log_stream_id("from", group->at), log_int("kept_back", kept_back));
	reply_check_sent(group->step.redis,
			 redis_send_text(group->step.redis, REPLY_TIMEOUT_MS, on_created, group,
					 "XGROUP", "CREATE", BUS_STREAM, group->step.group, text,
					 "MKSTREAM", NULL));
}

/* ---- finding the group in XINFO ------------------------------------------------------------ */

const redisReply *group_find(const redisReply *groups, const char *name)
{
	const redisReply *group;

	for (size_t i = 0; (group = reply_element(groups, i)); i++) {
		struct str text = reply_text(reply_find(group, "name"));

		if (text.at && str_is(text, name))
			return group;
	}
	return NULL;
}

static void compare(struct consumer_group *group, const redisReply *found)
{
	struct str text = reply_text(reply_find(found, "last-delivered-id"));
	bool has_pending = reply_number(reply_find(found, "pending"), 0) > 0;
	struct stream_id at;
	int64_t kept_back;
	int order;

	if (!text.at || stream_id_parse(text, &at) != 0) {
		reply_reject(group->step.redis, -EBADMSG, "XINFO GROUPS");
		return;
	}
	order = group->ledger->is_known ? stream_id_compare(at, group->ledger->reached) : 0;
	if (order > 0) {
		set_back(group, at, has_pending);
		return;
	}
	if (order < 0 && log_limit_passes(&group->place_lines, clock_mono_ms(), &kept_back))
		log_info("the consumer group is behind the ledger: entries are read again, which "
			 "changes nothing",
			 log_stream_id("ledger", group->ledger->reached),
			 log_stream_id("group", at), log_int("kept_back", kept_back));
	take_place(group, at);
}

static void on_groups(const redisReply *reply, void *owner)
{
	struct consumer_group *group = owner;
	const redisReply *found;

	if (!reply || group->phase != GROUP_ASKING)
		return;
	if (reply_is_error(reply, "ERR") && strstr(reply->str, "no such key")) {
		group->edges = (struct bus_edges){ .exists = false };
		create(group);
	} else if (reply->type == REDIS_REPLY_ERROR) {
		take_error(group, reply);
	} else if (reply->type != REDIS_REPLY_ARRAY) {
		reply_reject(group->step.redis, -EBADMSG, "XINFO GROUPS");
	} else if ((found = group_find(reply, group->step.group))) {
		compare(group, found);
	} else {
		create(group);
	}
}

static void on_edges(const struct bus_edges *edges, void *owner)
{
	struct consumer_group *group = owner;

	if (edges->rc == -ENOTCONN || group->phase != GROUP_LOOKING)
		return;
	if (edges->rc) {
		reply_reject(group->step.redis, edges->rc, "XINFO STREAM");
		return;
	}
	group->edges = *edges;
	if (!edges->exists) {
		create(group);
		return;
	}
	group->phase = GROUP_ASKING;
	reply_check_sent(group->step.redis,
			 redis_send_text(group->step.redis, REPLY_TIMEOUT_MS, on_groups, group,
					 "XINFO", "GROUPS", BUS_STREAM, NULL));
}

void group_place(struct consumer_group *group, bool is_repeated)
{
	group->phase = GROUP_LOOKING;
	group->is_repeated = is_repeated;
	reply_check_sent(group->step.redis, bus_edges(group->step.redis, on_edges, group));
}

void group_cancel(struct consumer_group *group)
{
	group->phase = GROUP_IDLE;
}

void group_report_loss(struct consumer_group *group, bool is_new)
{
	int64_t kept_back;

	if (is_new)
		group->loss_is_logged = false;
	if (group->loss_is_logged ||
	    !log_limit_passes(&group->loss_lines, clock_mono_ms(), &kept_back))
		return;
	group->loss_is_logged = true;
	log_warn("the consumer group is gone", log_str("group", group->step.group),
		 log_int("kept_back", kept_back));
}
