/* SPDX-License-Identifier: Apache-2.0 */

/* Everything we know about each kind of event (contract a.4), as one table. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "core/event.h"
#include "core/utf8.h"

enum trait { SUBSCRIBABLE = 1, CAPSULE = 2, OPT_IN = 4 };

static const struct {
	struct str name;
	struct str retired; /* the name before May 2026, still found in stored channels */
	unsigned traits;
} kinds[EVENT_KINDS] = {
	[EVENT_CAPSULE_CREATE] = { STR("capsule.create"), STR("capsule.created"),
				   SUBSCRIBABLE | CAPSULE },
	[EVENT_CAPSULE_PAUSE] = { STR("capsule.pause"), STR("capsule.paused"),
				  SUBSCRIBABLE | CAPSULE },
	[EVENT_CAPSULE_RESUME] = { STR("capsule.resume"), STR("capsule.running"),
				   SUBSCRIBABLE | CAPSULE },
	[EVENT_CAPSULE_DESTROY] = { STR("capsule.destroy"), STR("capsule.destroyed"),
				    SUBSCRIBABLE | CAPSULE },
	[EVENT_SNAPSHOT_CREATE] = { STR("template.snapshot.create"),
				    STR("template.snapshot.created"), SUBSCRIBABLE },
	[EVENT_SNAPSHOT_DELETE] = { STR("template.snapshot.delete"),
				    STR("template.snapshot.deleted"), SUBSCRIBABLE },
	[EVENT_HOST_UP] = { .name = STR("host.up"), .traits = SUBSCRIBABLE },
	[EVENT_HOST_DOWN] = { .name = STR("host.down"), .traits = SUBSCRIBABLE },
	[EVENT_VOLUME_CREATE] = { .name = STR("volume.create"), .traits = SUBSCRIBABLE | OPT_IN },
	[EVENT_VOLUME_DELETE] = { .name = STR("volume.delete"), .traits = SUBSCRIBABLE | OPT_IN },
	[EVENT_EXPECTATION_MISSED] = { .name = STR("wrenn.expectation.missed"),
				       .traits = SUBSCRIBABLE | OPT_IN },
	[EVENT_AUDIT_CHECKPOINT] = { .name = STR("audit.checkpoint"),
				     .traits = SUBSCRIBABLE | OPT_IN },
	[EVENT_CAPSULE_STATE_CHANGED] = { .name = STR("capsule.state.changed"), .traits = CAPSULE },
	[EVENT_CHANNEL_TEST] = { .name = STR("channel.test") },
};

const char *event_kind_name(enum event_kind kind)
{
	assert(kind < EVENT_KINDS);
	return kinds[kind].name.at;
}

enum event_kind event_kind_find(struct str name)
{
	for (enum event_kind kind = EVENT_UNKNOWN + 1; kind < EVENT_KINDS; kind++) {
		if (str_eq(kinds[kind].name, name))
			return kind;
	}
	return EVENT_UNKNOWN;
}

int event_kind_refuse(struct str word, const char *field, bool (*is_offered)(enum event_kind kind),
		      struct reason *why)
{
	char list[256] = "";
	size_t len = 0;

	word = utf8_cut(word, 64);
	for (enum event_kind kind = EVENT_UNKNOWN + 1; kind < EVENT_KINDS; kind++) {
		if (is_offered(kind) && len < sizeof(list))
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
						len ? ", " : "", event_kind_name(kind));
	}
	return reason_set(why, -EINVAL, field, "unknown event kind \"%.*s\"; the kinds are %s",
			  STR_ARGS(word), list);
}

enum event_kind event_kind_find_stored(struct str name)
{
	for (enum event_kind kind = EVENT_UNKNOWN + 1; kind < EVENT_KINDS; kind++) {
		if (kinds[kind].retired.len && str_eq(kinds[kind].retired, name))
			return kind;
	}
	return event_kind_find(name);
}

bool event_kind_is_subscribable(enum event_kind kind)
{
	assert(kind < EVENT_KINDS);
	return (kinds[kind].traits & SUBSCRIBABLE) != 0;
}

bool event_kind_is_capsule(enum event_kind kind)
{
	assert(kind < EVENT_KINDS);
	return (kinds[kind].traits & CAPSULE) != 0;
}

bool event_kind_is_opt_in(enum event_kind kind)
{
	assert(kind < EVENT_KINDS);
	return (kinds[kind].traits & OPT_IN) != 0;
}
