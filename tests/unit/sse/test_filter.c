/* SPDX-License-Identifier: Apache-2.0 */

/* Which events filters let through, and which filters are refused. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "sse/filter.h"

static struct filter *compile(struct filter_draft *draft)
{
	struct filter *filter = (struct filter *)draft;

	cr_assert_eq(filter_compile(draft, &filter), 0);
	filter_draft_done(draft);
	return filter;
}

static struct filter *filter_of_events(const char *events)
{
	struct filter_draft draft;

	filter_draft_init(&draft);
	cr_assert_eq(filter_add_events(&draft, str_of(events), NULL), 0, "%s", events);
	return compile(&draft);
}

static struct filter *filter_of_resource(const char *resource)
{
	struct filter_draft draft;

	filter_draft_init(&draft);
	cr_assert_eq(filter_add_resource(&draft, str_of(resource), NULL), 0, "%s", resource);
	return compile(&draft);
}

static bool lets_kind(const struct filter *filter, enum event_kind kind)
{
	return filter_lets_through(filter, kind, OUTCOME_SUCCESS, STR("r"));
}

static const struct {
	const char *events;
	unsigned kinds;
} by_event[] = {
	{ "capsule.create", 1u << EVENT_CAPSULE_CREATE },
	{ "host.up,host.down", 1u << EVENT_HOST_UP | 1u << EVENT_HOST_DOWN },
	{ " host.up , host.up ", 1u << EVENT_HOST_UP },
	{ "capsule.*", 1u << EVENT_CAPSULE_CREATE | 1u << EVENT_CAPSULE_PAUSE |
			       1u << EVENT_CAPSULE_RESUME | 1u << EVENT_CAPSULE_DESTROY |
			       1u << EVENT_CAPSULE_STATE_CHANGED },
	{ "capsule.state.*", 1u << EVENT_CAPSULE_STATE_CHANGED },
	{ "volume.*", 1u << EVENT_VOLUME_CREATE | 1u << EVENT_VOLUME_DELETE },
	{ "host.up,volume.delete", 1u << EVENT_HOST_UP | 1u << EVENT_VOLUME_DELETE },
	{ "wrenn.*", 1u << EVENT_EXPECTATION_MISSED },
	{ "audit.*", 1u << EVENT_AUDIT_CHECKPOINT },
	{ "template.*", 1u << EVENT_SNAPSHOT_CREATE | 1u << EVENT_SNAPSHOT_DELETE },
	{ "template.snapshot.*,host.up",
	  1u << EVENT_SNAPSHOT_CREATE | 1u << EVENT_SNAPSHOT_DELETE | 1u << EVENT_HOST_UP },
};

Test(filter, lets_through_exactly_the_kinds_that_were_named)
{
	for (size_t i = 0; i < ARRAY_LEN(by_event); i++) {
		struct filter *filter = filter_of_events(by_event[i].events);

		for (unsigned kind = EVENT_CAPSULE_CREATE; kind < EVENT_KINDS; kind++)
			cr_expect_eq(lets_kind(filter, (enum event_kind)kind),
				     (bool)(by_event[i].kinds >> kind & 1), "%s: %s",
				     by_event[i].events, event_kind_name((enum event_kind)kind));
		free(filter);
	}
}

/* Published clients know a fixed list of kinds, without volumes and expectations. */
Test(filter, without_a_named_kind_lets_through_all_that_every_client_knows)
{
	struct filter *filters[] = { NULL, filter_of_events("*"), filter_of_resource("r") };

	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		for (unsigned kind = EVENT_CAPSULE_CREATE; kind <= EVENT_CAPSULE_STATE_CHANGED;
		     kind++)
			cr_expect_eq(lets_kind(filters[i], (enum event_kind)kind),
				     kind != EVENT_VOLUME_CREATE && kind != EVENT_VOLUME_DELETE &&
					     kind != EVENT_EXPECTATION_MISSED &&
					     kind != EVENT_AUDIT_CHECKPOINT,
				     "filter %zu: %s", i, event_kind_name((enum event_kind)kind));
		free(filters[i]);
	}
}

static const char *const bad_events[] = {
	"",
	",",
	"host.up,",
	",host.up",
	"host",
	"host.*x",
	"host.u*",
	"nothing.*",
	"capsule*",
	"Host.up",
	"channel.test",
	"connected",
	"capsule.created",
	"volume.attach",
	"host.up host.down",
	"**",
	".*",
};

Test(filter, refuses_kinds_that_can_never_come_and_names_them)
{
	for (size_t i = 0; i < ARRAY_LEN(bad_events); i++) {
		struct filter_draft draft;
		struct reason why = { .text = "" };

		filter_draft_init(&draft);
		cr_expect_eq(filter_add_events(&draft, str_of(bad_events[i]), &why), -EINVAL,
			     "\"%s\"", bad_events[i]);
		filter_draft_done(&draft);
	}

	struct filter_draft draft;
	struct reason why = { .text = "" };

	filter_draft_init(&draft);
	cr_assert_eq(filter_add_events(&draft, STR("host.up,volume.attach"), &why), -EINVAL);
	cr_expect_str_eq(why.field, "event");
	cr_expect(strstr(why.text, "volume.attach"), "%s", why.text);
	filter_draft_done(&draft);
}

Test(filter, bounds_how_much_can_be_asked_for)
{
	struct filter_draft draft;
	char longest[FILTER_MAX_RESOURCE + 2];

	memset(longest, 'r', sizeof(longest));
	filter_draft_init(&draft);
	for (int i = 0; i < FILTER_MAX_KINDS; i++)
		cr_assert_eq(filter_add_events(&draft, STR("host.up"), NULL), 0);
	cr_expect_eq(filter_add_events(&draft, STR("host.up"), NULL), -EINVAL);
	cr_expect_eq(filter_add_resource(&draft, STR(""), NULL), -EINVAL);
	cr_expect_eq(
		filter_add_resource(&draft, (struct str){ longest, FILTER_MAX_RESOURCE + 1 }, NULL),
		-EINVAL);
	for (int i = 0; i < FILTER_MAX_RESOURCES; i++)
		cr_assert_eq(filter_add_resource(
				     &draft, (struct str){ longest, FILTER_MAX_RESOURCE }, NULL),
			     0);
	cr_expect_eq(filter_add_resource(&draft, STR("one more"), NULL), -EINVAL);
	filter_draft_done(&draft);
}

Test(filter, lets_through_the_resources_that_were_named_and_no_prefix_of_them)
{
	struct filter_draft draft;
	struct filter *filter;

	filter_draft_init(&draft);
	cr_assert_eq(filter_add_resource(&draft, STR("base"), NULL), 0);
	cr_assert_eq(filter_add_resource(&draft, STR("other-image"), NULL), 0);
	filter = compile(&draft);
	cr_expect(filter_lets_through(filter, EVENT_HOST_UP, OUTCOME_NONE, STR("base")));
	cr_expect(filter_lets_through(filter, EVENT_HOST_UP, OUTCOME_NONE, STR("other-image")));
	cr_expect_not(filter_lets_through(filter, EVENT_HOST_UP, OUTCOME_NONE, STR("bas")));
	cr_expect_not(filter_lets_through(filter, EVENT_HOST_UP, OUTCOME_NONE, STR("base2")));
	cr_expect_not(filter_lets_through(filter, EVENT_HOST_UP, OUTCOME_NONE, STR("")));
	free(filter);
}

Test(filter, knows_two_outcomes)
{
	struct filter_draft draft;
	struct filter *filter;

	filter_draft_init(&draft);
	cr_expect_eq(filter_add_outcome(&draft, STR("failure"), NULL), -EINVAL);
	cr_expect_eq(filter_add_outcome(&draft, STR(""), NULL), -EINVAL);
	cr_expect_eq(filter_add_outcome(&draft, STR("Success"), NULL), -EINVAL);
	cr_assert_eq(filter_add_outcome(&draft, STR("error"), NULL), 0);
	filter = compile(&draft);
	cr_expect(filter_lets_through(filter, EVENT_CAPSULE_CREATE, OUTCOME_ERROR, STR("r")));
	cr_expect_not(filter_lets_through(filter, EVENT_CAPSULE_CREATE, OUTCOME_SUCCESS, STR("r")));
	cr_expect_not(filter_lets_through(filter, EVENT_HOST_UP, OUTCOME_NONE, STR("r")));
	free(filter);
}

Test(filter, that_asks_for_nothing_is_none_and_lets_everything_through)
{
	struct filter_draft draft;

	filter_draft_init(&draft);
	cr_expect_null(compile(&draft));
	cr_expect(filter_lets_through(NULL, EVENT_HOST_UP, OUTCOME_NONE, STR("")));
}
