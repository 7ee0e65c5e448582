/* SPDX-License-Identifier: Apache-2.0 */

/* What is known of each kind of event, and what is said of one that is not known. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "core/event.h"

Test(event_kind, knows_each_name_its_retired_name_and_its_traits)
{
	static const struct {
		enum event_kind kind;
		const char *name;
		const char *retired;
		bool subscribable;
		bool capsule;
		bool opt_in;
	} cases[] = {
		{ EVENT_CAPSULE_CREATE, "capsule.create", "capsule.created", true, true, false },
		{ EVENT_CAPSULE_PAUSE, "capsule.pause", "capsule.paused", true, true, false },
		{ EVENT_CAPSULE_RESUME, "capsule.resume", "capsule.running", true, true, false },
		{ EVENT_CAPSULE_DESTROY, "capsule.destroy", "capsule.destroyed", true, true,
		  false },
		{ EVENT_SNAPSHOT_CREATE, "template.snapshot.create", "template.snapshot.created",
		  true, false, false },
		{ EVENT_SNAPSHOT_DELETE, "template.snapshot.delete", "template.snapshot.deleted",
		  true, false, false },
		{ EVENT_HOST_UP, "host.up", NULL, true, false, false },
		{ EVENT_HOST_DOWN, "host.down", NULL, true, false, false },
		{ EVENT_VOLUME_CREATE, "volume.create", NULL, true, false, true },
		{ EVENT_VOLUME_DELETE, "volume.delete", NULL, true, false, true },
		{ EVENT_EXPECTATION_MISSED, "wrenn.expectation.missed", NULL, true, false, true },
		{ EVENT_AUDIT_CHECKPOINT, "audit.checkpoint", NULL, true, false, true },
		{ EVENT_CAPSULE_STATE_CHANGED, "capsule.state.changed", NULL, false, true, false },
		{ EVENT_CHANNEL_TEST, "channel.test", NULL, false, false, false },
	};

	cr_assert_eq(ARRAY_LEN(cases), EVENT_KINDS - 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str name = str_of(cases[i].name);

		cr_expect_str_eq(event_kind_name(cases[i].kind), cases[i].name);
		cr_expect_eq(event_kind_find(name), cases[i].kind, "%s", cases[i].name);
		cr_expect_eq(event_kind_find_stored(name), cases[i].kind, "%s", cases[i].name);
		cr_expect_eq(event_kind_is_subscribable(cases[i].kind), cases[i].subscribable);
		cr_expect_eq(event_kind_is_capsule(cases[i].kind), cases[i].capsule);
		cr_expect_eq(event_kind_is_opt_in(cases[i].kind), cases[i].opt_in);
		if (!cases[i].retired)
			continue;
		cr_expect_eq(event_kind_find(str_of(cases[i].retired)), EVENT_UNKNOWN);
		cr_expect_eq(event_kind_find_stored(str_of(cases[i].retired)), cases[i].kind);
	}
}

/* People choose by words of the console's own. */
Test(event_kind, has_a_row_in_the_console_if_a_channel_can_name_it)
{
	static char table[32768];
	FILE *file = fopen("console/kinds.js", "r");

	cr_assert_not_null(file);
	table[fread(table, 1, sizeof(table) - 1, file)] = '\0';
	fclose(file);
	for (enum event_kind kind = EVENT_UNKNOWN + 1; kind < EVENT_KINDS; kind++) {
		char row[64];

		snprintf(row, sizeof(row), "\tkind: \"%s\",", event_kind_name(kind));
		cr_expect_eq(strstr(table, row) != NULL, event_kind_is_subscribable(kind), "%s",
			     row);
	}
}

Test(event_kind, knows_nothing_else)
{
	static const struct str cases[] = {
		STR(""),
		STR("capsule"),
		STR("capsule."),
		STR("Capsule.create"),
		STR("capsule.create "),
		STR("capsule.create\0"),
		STR("capsule.*"),
		STR("connected"),
		STR("volume.attach"),
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cr_expect_eq(event_kind_find(cases[i]), EVENT_UNKNOWN, "case %zu", i);
		cr_expect_eq(event_kind_find_stored(cases[i]), EVENT_UNKNOWN, "case %zu", i);
	}
	cr_expect_eq(event_kind_find_stored((struct str){ NULL, 0 }), EVENT_UNKNOWN);
	cr_expect_null(event_kind_name(EVENT_UNKNOWN));
	cr_expect_not(event_kind_is_subscribable(EVENT_UNKNOWN));
	cr_expect_not(event_kind_is_capsule(EVENT_UNKNOWN));
}

static bool is_any(enum event_kind kind)
{
	(void)kind;
	return true;
}

Test(event_kind, refused_lists_those_in_question_and_has_room_for_all)
{
	struct reason why = { .text = "" };
	char word[200];

	cr_expect_eq(
		event_kind_refuse(STR("capsule.created"), "events", event_kind_is_capsule, &why),
		-EINVAL);
	cr_expect_str_eq(why.field, "events");
	cr_expect_str_eq(why.text,
			 "unknown event kind \"capsule.created\"; the kinds are "
			 "capsule.create, capsule.pause, capsule.resume, capsule.destroy, "
			 "capsule.state.changed");

	memset(word, 'x', sizeof(word));
	cr_expect_eq(event_kind_refuse((struct str){ word, sizeof(word) }, "events", is_any, &why),
		     -EINVAL);
	for (enum event_kind kind = EVENT_UNKNOWN + 1; kind < EVENT_KINDS; kind++)
		cr_expect(strstr(why.text, event_kind_name(kind)), "%s in %s",
			  event_kind_name(kind), why.text);
}
