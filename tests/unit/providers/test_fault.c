/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every allocation fails in turn. A request is built whole or not at all, and an answer that could
 * not be read because memory ran out counts neither as delivered nor against the channel.
 */
#include <criterion/criterion.h>
#include <errno.h>

#include "tests/support/heap.h"
#include "tests/unit/providers/chat_rig.h"

static const struct vendor {
	const char *name;
	struct rig_config config;
	/* An answer that says the message or the channel is refused. */
	int status;
	const char *refusal;
} vendors[] = {
	{ "webhook",
	  { { "url", "https://example.test/hook", "secret",
	      "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" } },
	  410,
	  "{}" },
	{ "slack",
	  { { "webhook_url", "https://hooks.slack.com/services/T01/B01/abcdefgh" } },
	  404,
	  "{\"error\":\"no_service\"}" },
	{ "discord",
	  { { "webhook_url", "https://discord.com/api/webhooks/123456789012345678/Ab-12_Cd" } },
	  404,
	  "{\"message\":\"Unknown Webhook\",\"code\":10015}" },
	{ "teams",
	  { { "webhook_url", "https://a1.b2.environment.api.powerplatform.com/powerautomate/"
			     "automations/direct/workflows/c3/triggers/manual/paths/invoke"
			     "?api-version=1&sig=d4" } },
	  404,
	  "{\"error\":{\"code\":\"WorkflowNotFound\",\"message\":\"x\"}}" },
	{ "googlechat",
	  { { "webhook_url", "https://chat.googleapis.com/v1/spaces/A/messages?key=K&token=T" } },
	  404,
	  "{\"error\":{\"code\":404,\"status\":\"NOT_FOUND\",\"message\":\"x\"}}" },
	{ "telegram",
	  { { "bot_token", "123456789:AAEexampleExampleExampleExampleExampl", "chat_id",
	      "-1001234567890" } },
	  400,
	  "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: chat not found\"}" },
	{ "matrix",
	  { { "homeserver_url", "https://hs.example", "access_token", "t", "room_id",
	      "!r:hs.example" } },
	  403,
	  "{\"errcode\":\"M_FORBIDDEN\",\"error\":\"x\"}" },
};

struct building {
	struct rig rig;
	const struct vendor *vendor;
	enum message_form form;
	struct buf whole;
};

static void build(void *arg)
{
	struct building *building = arg;
	struct rig *rig = &building->rig;
	int rc = rig_build(rig, &building->vendor->config, building->form, RIG_LINK);

	/* A body whose size could not be measured is drawn once more, and may be as good. */
	if (rc == -ENOMEM)
		cr_expect(heap_was_met(), "%s", building->vendor->name);
	else
		cr_expect_eq(rc, 0, "%s: %d", building->vendor->name, rc);
	if (rc == 0)
		cr_expect(str_eq(buf_str(&rig->out.body), buf_str(&building->whole)), "%s",
			  building->vendor->name);
}

static void build_each(const struct vendor *vendor, void (*make)(struct rig *, const char *))
{
	for (int form = 0; form < 2; form++) {
		struct building building = { .vendor = vendor, .form = (enum message_form)form };

		make(&building.rig, vendor->name);
		cr_assert_eq(rig_build(&building.rig, &vendor->config, building.form, RIG_LINK), 0,
			     "%s", vendor->name);
		buf_init(&building.whole, OUTGOING_MAX_BODY);
		buf_add_str(&building.whole, buf_str(&building.rig.out.body));
		heap_fail_each(build, &building);
		buf_done(&building.whole);
		rig_done(&building.rig);
	}
}

Test(fault, a_request_is_built_whole_or_there_was_no_memory)
{
	for (size_t i = 0; i < ARRAY_LEN(vendors); i++) {
		build_each(&vendors[i], rig_success);
		build_each(&vendors[i], rig_digest);
	}
}

Test(fault, the_table_has_every_provider)
{
	for (size_t i = 0; provider_at(i); i++) {
		size_t row = 0;

		while (row < ARRAY_LEN(vendors) &&
		       strcmp(vendors[row].name, provider_at(i)->name) != 0)
			row++;
		cr_expect_lt(row, ARRAY_LEN(vendors), "%s", provider_at(i)->name);
	}
}

static void judge(void *arg)
{
	const struct vendor *vendor = arg;
	struct verdict verdict = rig_judge(vendor->name, vendor->status, vendor->refusal);

	cr_expect(!heap_was_met() || verdict.kind == VERDICT_RETRY, "%s: %d", vendor->name,
		  verdict.kind);
	cr_expect_neq(verdict.kind, VERDICT_DELIVERED, "%s", vendor->name);
}

Test(fault, an_answer_that_cannot_be_read_is_no_verdict)
{
	for (size_t i = 1; i < ARRAY_LEN(vendors); i++)
		heap_fail_each(judge, (void *)&vendors[i]);
}

static void count_paces(void *arg)
{
	const struct vendor *vendor = arg;
	struct pace paces[PROVIDER_MAX_PACES];
	char field[48];

	if (strcmp(vendor->name, "webhook") != 0)
		(void)rig_paces(vendor->name, &vendor->config, paces);
	cr_expect_neq(rig_check(vendor->name, &vendor->config, field), -EINVAL, "%s: %s",
		      vendor->name, field);
}

Test(fault, settings_are_not_blamed_for_want_of_memory)
{
	for (size_t i = 0; i < ARRAY_LEN(vendors); i++) {
		heap_fail_after(0);
		count_paces((void *)&vendors[i]);
		heap_recover();
	}
}
