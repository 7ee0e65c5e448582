/* SPDX-License-Identifier: Apache-2.0 */

/* The trail of a message that is replaced. It holds our own words only. */
#include "providers/trail.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "providers/words.h"

#define ARROW " \xe2\x86\x92 " /* U+2192 */
#define DOTS  "\xe2\x80\xa6"   /* U+2026 */
#define CUT   DOTS ARROW

bool living_kind(enum event_kind kind)
{
	return event_kind_is_capsule(kind) || kind == EVENT_SNAPSHOT_CREATE ||
	       kind == EVENT_SNAPSHOT_DELETE;
}

/* Without the spaces and the colon that join it to a sentence. */
static const char *state_of(const struct event *event)
{
	const char *verb = words_of_outcome(event);

	return verb + strspn(verb, ": ");
}

static bool ends_with(const char *trail, const char *state)
{
	size_t trail_len = strlen(trail);
	size_t len = strlen(state);
	size_t arrow_len = strlen(ARROW);

	if (trail_len < len || strcmp(trail + trail_len - len, state) != 0)
		return false;
	return trail_len == len ||
	       (trail_len >= len + arrow_len &&
		strncmp(trail + trail_len - len - arrow_len, ARROW, arrow_len) == 0);
}

/* The trail without its oldest state. */
static const char *without_first(const char *trail)
{
	const char *next = trail;

	if (strncmp(trail, CUT, strlen(CUT)) == 0)
		next += strlen(CUT);
	next = strstr(next, ARROW);
	return next ? next + strlen(ARROW) : "";
}

void trail_add(char trail[TRAIL_SIZE], const struct event *event)
{
	const char *state = state_of(event);
	const char *before = trail;
	const char *lead = "";
	char longer[3 * TRAIL_SIZE];

	if (ends_with(trail, state))
		return;
	while (before[0] &&
	       strlen(lead) + strlen(before) + strlen(ARROW) + strlen(state) >= TRAIL_SIZE) {
		before = without_first(before);
		lead = before[0] ? CUT : DOTS;
	}
	snprintf(longer, sizeof(longer), "%s%s%s%s", lead, before,
		 lead[0] || before[0] ? ARROW : "", state);
	assert(strlen(longer) < TRAIL_SIZE);
	memcpy(trail, longer, strlen(longer) + 1);
}
