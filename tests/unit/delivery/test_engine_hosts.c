/* SPDX-License-Identifier: Apache-2.0 */

/* A host that imitates a vendor and refuses the rich form gets plain text from then on; the vendor
 * itself does not. On both stores. */
#include <string.h>

#include "providers/provider.h"
#include "tests/support/chat_channel.h"

static const char *const guest_fields[] = {
	"webhook_url",
	"https://chat.example.org/hooks/abc",
	NULL,
};
static const struct reply refused_once[] = {
	{ 400, "", "invalid_blocks" },
	{ 200, "", "ok" },
	{ .status = 0 },
};

static void commit_refused(struct rig *rig)
{
	commit_pauses(rig, 1, START_MS);
	rig_wait_rows(rig, 1, "delivery_attempts");
	rig_now_us += 2 * SECOND_US;
	rig_wait_rows(rig, 1, DELIVERED " AND attempts = 2");
}

static void commit_next(struct rig *rig, int count, int64_t ms)
{
	rig_now_us += 2 * SECOND_US;
	commit_pauses(rig, 1, START_MS + ms);
	rig_wait_rows(rig, count, DELIVERED);
}

static bool is_rich(struct rig *rig, unsigned request)
{
	return strstr(receiver_get(rig->receiver, request)->body, "\"attachments\"");
}

static void learn_plain(struct rig *rig)
{
	rig_add_chat(rig, CHANNEL_1, "slack", guest_fields, "capsule.pause");
	commit_refused(rig);
	cr_expect_eq(rig_ask(rig, "SELECT sum(plain_only) FROM channel_state"), 1);
	commit_next(rig, 2, 5000);
	rig_idle(rig); /* it has left memory, so the store must know */
	commit_next(rig, 3, 9000);
	cr_assert_eq(receiver_count(rig->receiver), 4);
	cr_expect(is_rich(rig, 0));
	for (unsigned request = 1; request < 4; request++)
		cr_expect_not(is_rich(rig, request), "%u", request);
	rig_ask(rig, "UPDATE channel_state SET plain_only = 0");
	rig_idle(rig);
	commit_next(rig, 4, 13000);
	cr_expect(is_rich(rig, 4), "forgotten: the rich form is tried again");
}

Test(hosts, that_refuse_the_rich_form_get_plain_text_from_then_on)
{
	hosts_allow("slack", "chat.example.org");
	with_replies(refused_once, learn_plain);
}

static void learn_nothing(struct rig *rig)
{
	add_slack(rig);
	commit_refused(rig);
	commit_next(rig, 2, 5000);
	cr_assert_eq(receiver_count(rig->receiver), 3);
	cr_expect(is_rich(rig, 2), "it was about one message");
	cr_expect_eq(rig_ask(rig, "SELECT COALESCE(sum(plain_only), 0) FROM channel_state"), 0);
}

Test(hosts, of_the_vendor_keep_the_rich_form)
{
	with_replies(refused_once, learn_nothing);
}
