/* SPDX-License-Identifier: Apache-2.0 */

/* Only tables. The codes themselves appear elsewhere in the message, so that logs can be
 * searched. */
#include "providers/words.h"

#include <stdio.h>

#include "core/rfc3339.h"

static const struct kind_words kinds[EVENT_KINDS] = {
	[EVENT_CAPSULE_CREATE] = { "Capsule ", " created", " failed to start", ": start requested",
				   "capsule", "capsules", " created", "/capsules/" },
	[EVENT_CAPSULE_PAUSE] = { "Capsule ", " paused", " failed to pause", ": pause requested",
				  "capsule", "capsules", " paused", "/capsules/" },
	[EVENT_CAPSULE_RESUME] = { "Capsule ", " resumed", " failed to resume",
				   ": resume requested", "capsule", "capsules", " resumed",
				   "/capsules/" },
	[EVENT_CAPSULE_DESTROY] = { "Capsule ", " destroyed", " failed to destroy",
				    ": destruction requested", "capsule", "capsules", " destroyed",
				    "/capsules/" },
	[EVENT_SNAPSHOT_CREATE] = { "Template snapshot ", " created", " failed to create", NULL,
				    "template snapshot", "template snapshots", " created",
				    "/templates/" },
	[EVENT_SNAPSHOT_DELETE] = { "Template snapshot ", " deleted", " failed to delete",
				    ": deletion requested", "template snapshot",
				    "template snapshots", " deleted", "/templates/" },
	[EVENT_VOLUME_CREATE] = { "Volume ", " created", " failed to create", NULL, "volume",
				  "volumes", " created", NULL },
	[EVENT_VOLUME_DELETE] = { "Volume ", " deleted", " failed to delete", NULL, "volume",
				  "volumes", " deleted", NULL },
	/* It has no lead of its own: that of the resource is used. */
	[EVENT_EXPECTATION_MISSED] = { "", " arrived after all", " overdue", NULL, "expectation",
				       "expectations", " met late", NULL },
	[EVENT_AUDIT_CHECKPOINT] = { "Audit log: a checkpoint of ", " rows was signed",
				     " rows was not signed", NULL, "audit checkpoint",
				     "audit checkpoints", " signed", NULL },
	[EVENT_HOST_UP] = { "Host ", " is up", " is up", NULL, "host", "hosts", " up", "/hosts/" },
	[EVENT_HOST_DOWN] = { "Host ", " is down", " is down", NULL, "host", "hosts", " down",
			      "/hosts/" },
};

const struct kind_words *words_of_kind(enum event_kind kind)
{
	return &kinds[kind];
}

bool words_are_of_request(const struct event *event)
{
	return words_of_kind(event->kind)->requested && event->outcome == OUTCOME_SUCCESS &&
	       (event->actor == ACTOR_USER || event->actor == ACTOR_API_KEY);
}

const char *words_of_outcome(const struct event *event)
{
	const struct kind_words *words = words_of_kind(event->kind);

	if (!words->lead)
		return "";
	if (words_are_of_request(event))
		return words->requested;
	return event->outcome == OUTCOME_ERROR ? words->failed : words->done;
}

const struct kind_words *words_of_resource(struct str type)
{
	static const struct {
		const char *type;
		enum event_kind kind;
	} types[] = {
		{ "sandbox", EVENT_CAPSULE_CREATE },
		{ "snapshot", EVENT_SNAPSHOT_CREATE },
		{ "volume", EVENT_VOLUME_CREATE },
		{ "host", EVENT_HOST_UP },
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (str_is(type, types[i].type))
			return &kinds[types[i].kind];
	}
	return &kinds[EVENT_EXPECTATION_MISSED];
}

struct str words_of_reason(struct str code)
{
	static const struct {
		const char *code, *words;
	} reasons[] = {
		{ "ttl_expired", "idle timeout reached" },
		{ "host_failure", "its host reported a failure" },
		{ "restored_after_host_recovery", "restored after its host came back" },
		{ "host_state_sync", "its host had paused it" },
		{ "orphaned", "it was gone from its host" },
		{ "paused_zombie_cleanup", "its host still held a paused copy" },
		{ "transient_timeout", "it took too long" },
		{ "transient_timeout_inferred", "taken as done, since it took too long" },
		{ "cleanup_after_create_error", "cleaned up after it failed to start" },
	};

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (str_is(code, reasons[i].code))
			return str_of(reasons[i].words);
	}
	return STR("");
}

void words_of_span(int64_t us, char out[WORDS_SPAN_SIZE])
{
	static const struct {
		long long seconds;
		const char *name;
		long long part; /* seconds of the next smaller unit */
		const char *part_name;
	} units[] = {
		{ 86400, "d", 3600, "h" },
		{ 3600, "h", 60, "min" },
		{ 60, "min", 1, "s" },
	};
	long long seconds = (long long)(us / 1000000);

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		long long whole = seconds / units[i].seconds;
		long long rest = seconds % units[i].seconds / units[i].part;

		if (whole == 0)
			continue;
		if (rest)
			snprintf(out, WORDS_SPAN_SIZE, "%lld %s %lld %s", whole, units[i].name,
				 rest, units[i].part_name);
		else
			snprintf(out, WORDS_SPAN_SIZE, "%lld %s", whole, units[i].name);
		return;
	}
	snprintf(out, WORDS_SPAN_SIZE, "%lld s", seconds);
}

void words_of_time(int64_t us, char out[WORDS_TIME_SIZE])
{
	char time[RFC3339_TEXT_SIZE];

	rfc3339_format(us, 0, time);
	snprintf(out, WORDS_TIME_SIZE, "%.10s %.8s UTC", time, time + strlen("2026-05-24T"));
}
