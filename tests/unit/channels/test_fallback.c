/* SPDX-License-Identifier: Apache-2.0 */

/* The fallback of a channel over HTTP, on both stores: set, shown, refused, removed. */
#include <stdio.h>

#include "tests/support/calls.h"

#define BODY(name, more)                                   \
	"{\"name\":\"" name "\",\"provider\":\"webhook\"," \
	"\"config\":{\"url\":\"https://8.8.8.8/hook\"},"   \
	"\"events\":[\"host.down\"]" more "}"
#define ROWS "SELECT count(*) FROM channel_fallbacks"

static const struct rig_options quiet = { .strict = true, .no_delivery = true };

struct made {
	char path[CALL_PATH_SIZE];
	const char *id; /* ch-... */
};

static void make(struct rig *rig, const char *body, struct made *out)
{
	call_create(rig, body, out->path);
	out->id = out->path + strlen("/v1/channels/");
}

/* A PATCH of the channel named `name`. */
static int change(struct rig *rig, const struct made *made, const char *name, const char *fallback)
{
	char body[512];

	snprintf(body, sizeof(body), "{\"name\":\"%s\",\"events\":[\"host.down\"],\"fallback\":%s}",
		 name, fallback);
	return call(rig, "PATCH", made->path, body);
}

static int name_fallback(struct rig *rig, const struct made *made, const char *name,
			 const struct made *to, int minutes)
{
	char fallback[128];

	snprintf(fallback, sizeof(fallback), "{\"channel_id\":\"%s\",\"after_minutes\":%d}", to->id,
		 minutes);
	return change(rig, made, name, fallback);
}

static void set_and_remove(struct rig *rig)
{
	struct made a, b, c;
	char health[CALL_PATH_SIZE + 8];

	make(rig, BODY("a", ""), &a);
	make(rig, BODY("b", ""), &b);
	make(rig, BODY("c", ""), &c);
	snprintf(health, sizeof(health), "%s/health", a.path);
	cr_expect_eq(call(rig, "GET", health, ""), 200);
	cr_expect_null(strstr(call_answer, "fallback"), "%s", call_answer);

	cr_expect_eq(name_fallback(rig, &a, "a", &b, 10), 200);
	cr_expect(strstr(call_answer, "\"after_minutes\":10"), "%s", call_answer);
	rig_ask(rig, "UPDATE channel_fallbacks SET copied_ms = 7, "
		     "taken_over_at = '2027-01-15T08:00:00.000000Z'");
	cr_expect_eq(call(rig, "GET", health, ""), 200);
	cr_expect(strstr(call_answer, b.id), "%s", call_answer);
	cr_expect(strstr(call_answer, "\"taken_over_at\":\"2027-01-15T08:00:00Z\""), "%s",
		  call_answer);
	cr_expect_eq(name_fallback(rig, &a, "a", &b, 20), 200);
	cr_expect_eq(rig_ask(rig, ROWS " WHERE copied_ms = 7 AND after_minutes = 20"), 1,
		     "it goes on where it was");
	cr_expect_eq(name_fallback(rig, &a, "a", &c, 20), 200);
	cr_expect_eq(rig_ask(rig, ROWS " WHERE copied_ms = 0 AND taken_over_at IS NULL"), 1,
		     "another one starts over");
	cr_expect_eq(change(rig, &a, "a", "null"), 200);
	cr_expect_eq(rig_ask(rig, ROWS), 0);
	cr_expect_null(strstr(call_answer, "fallback"), "%s", call_answer);
}

Test(fallback, is_set_shown_changed_and_removed)
{
	ON_BOTH_STORES(&quiet, set_and_remove);
}

static void refuse(struct rig *rig)
{
	static const struct {
		const char *fallback, *field;
	} cases[] = {
		{ "7", "\"fallback\"" },
		{ "{\"channel_id\":\"ch-10dgnsxljlxoxc3rmyv4e8snl\",\"after_minutes\":1,\"note\":"
		  "1}",
		  "no member \\\"note\\\"" },
		{ "{\"channel_id\":\"b\",\"after_minutes\":1}", "\"fallback.channel_id\"" },
		{ "{\"channel_id\":\"ch-10dgnsxljlxoxc3rmyv4e8snl\"}",
		  "\"fallback.after_minutes\"" },
		{ "{\"channel_id\":\"ch-10dgnsxljlxoxc3rmyv4e8snl\",\"after_minutes\":0}",
		  "\"fallback.after_minutes\"" },
		{ "{\"channel_id\":\"ch-10dgnsxljlxoxc3rmyv4e8snl\",\"after_minutes\":1441}",
		  "\"fallback.after_minutes\"" },
		{ "{\"channel_id\":\"ch-10dgnsxljlxoxc3rmyv4e8snl\",\"after_minutes\":1.5}",
		  "\"fallback.after_minutes\"" },
		{ "{\"channel_id\":\"ch-10dgnsxljlxoxc3rmyv4e8snl\",\"after_minutes\":1}",
		  "the team has no channel" },
	};
	struct made a;

	make(rig, BODY("a", ""), &a);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cr_expect_eq(change(rig, &a, "new name", cases[i].fallback), 400, "case %zu", i);
		cr_expect(strstr(call_answer, cases[i].field), "%s", call_answer);
	}
	cr_expect_eq(rig_ask(rig, ROWS), 0);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channels WHERE name = 'a'"), 1,
		     "nothing is changed");
}

Test(fallback, is_refused_by_the_name_of_what_is_wrong)
{
	ON_BOTH_STORES(&quiet, refuse);
}

static void refuse_circles(struct rig *rig)
{
	struct made a, b, c;
	char body[512];

	make(rig, BODY("a", ""), &a);
	make(rig, BODY("b", ""), &b);
	make(rig, BODY("c", ""), &c);
	cr_expect_eq(name_fallback(rig, &a, "a", &a, 1), 400, "itself");
	cr_expect_eq(name_fallback(rig, &a, "a", &b, 1), 200);
	cr_expect_eq(name_fallback(rig, &b, "b", &a, 1), 400, "a circle");
	cr_expect(strstr(call_answer, "no fallback itself"), "%s", call_answer);
	cr_expect_eq(name_fallback(rig, &b, "b", &c, 1), 400, "a chain, from its end");
	cr_expect_eq(name_fallback(rig, &c, "c", &a, 1), 400, "a chain, from its beginning");
	snprintf(body, sizeof(body),
		 BODY("d", ",\"fallback\":{\"channel_id\":\"%s\",\"after_minutes\":1}"), a.id);
	cr_expect_eq(call(rig, "POST", "/v1/channels", body), 400, "a chain, of a new channel");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channels"), 3);
	cr_expect_eq(name_fallback(rig, &c, "c", &b, 1), 200, "one may stand in for two");
}

Test(fallback, is_never_part_of_a_chain_or_a_circle)
{
	ON_BOTH_STORES(&quiet, refuse_circles);
}

static void forget(struct rig *rig)
{
	struct made a, b;

	make(rig, BODY("a", ""), &a);
	make(rig, BODY("b", ""), &b);
	cr_expect_eq(name_fallback(rig, &a, "a", &b, 1), 200);
	cr_expect_eq(call(rig, "DELETE", b.path, ""), 204);
	cr_expect_eq(rig_ask(rig, ROWS), 0);
	cr_expect_eq(call(rig, "GET", a.path, ""), 200);
	cr_expect_null(strstr(call_answer, "fallback"), "%s", call_answer);
	make(rig, BODY("b", ""), &b);
	cr_expect_eq(name_fallback(rig, &a, "a", &b, 1), 200);
	cr_expect_eq(call(rig, "DELETE", a.path, ""), 204);
	cr_expect_eq(rig_ask(rig, ROWS), 0);
}

Test(fallback, goes_with_either_channel)
{
	ON_BOTH_STORES(&quiet, forget);
}
