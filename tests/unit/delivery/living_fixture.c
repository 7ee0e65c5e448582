/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/delivery/living_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"

#define BOT_TOKEN "123456789:AAExampleExampleExampleExampleExampl"

static const char *const telegram_fields[] = {
	"bot_token", BOT_TOKEN, "chat_id", "1000000001", NULL,
};

/* ---- the chat ------------------------------------------------------------------------------- */

static const char *const refusals[] = {
	[REFUSE_DELETED] = "Bad Request: message to edit not found",
	[REFUSE_OLD] = "Bad Request: message can't be edited",
	[REFUSE_SAME] = "Bad Request: message is not modified: specified new message content",
	[REFUSE_FORM] = "Bad Request: message is too long",
	[REFUSE_BUSY] = "Internal Server Error",
};

static void refuse(struct buf *out, enum refusal refusal)
{
	int status = refusal == REFUSE_BUSY ? 500 : 400;
	char body[256];

	snprintf(body, sizeof(body), "{\"ok\":false,\"error_code\":%d,\"description\":\"%s\"}",
		 status, refusals[refusal]);
	receiver_answer(out, status, "", str_of(body));
}

/* "Capsule cl-1" of "✅ Capsule <code>cl-1</code> ..." */
static void subject_of(const char *text, char out[64])
{
	const char *begin = strstr(text, "cl-");
	const char *end = begin ? begin + strcspn(begin, "<& :") : NULL;

	snprintf(out, 64, "%.*s", begin ? (int)(end - begin) : 0, begin ? begin : "");
}

static void show(struct chat *at, unsigned number, const char *text)
{
	snprintf(at->text[number - 1], sizeof(at->text[0]), "%s", text);
}

static void answer_ok(struct buf *out, unsigned number)
{
	char body[64];

	snprintf(body, sizeof(body), "{\"ok\":true,\"result\":{\"message_id\":%u}}", number);
	receiver_answer(out, 200, "", str_of(body));
}

static void edit(struct chat *at, unsigned number, const char *text, struct buf *out)
{
	char subject[64];

	if (at->refusals > 0) {
		at->refusals--;
		refuse(out, at->refusal);
		return;
	}
	subject_of(text, subject);
	if (number < 1 || number > at->count || strcmp(at->subject[number - 1], subject) != 0)
		at->wrong++;
	else
		show(at, number, text);
	at->edits++;
	answer_ok(out, number);
}

enum receiver_reply talk(const struct received *request, struct buf *out, void *arg)
{
	struct chat *at = arg;
	cJSON *tree = NULL;

	cr_assert_eq(json_parse(str_of(request->body), 65536, &tree, NULL), 0);
	const char *text = json_get_string(tree, "text");
	const cJSON *number = json_get(tree, "message_id");

	if (strstr(request->target, "/editMessageText")) {
		edit(at, cJSON_IsNumber(number) ? (unsigned)number->valuedouble : 0, text, out);
	} else if (at->refused_posts > 0) {
		at->refused_posts--;
		refuse(out, REFUSE_FORM);
	} else {
		cr_assert_lt(at->count, MAX_MESSAGES);
		at->count++;
		subject_of(text, at->subject[at->count - 1]);
		show(at, at->count, text);
		answer_ok(out, at->count);
	}
	cJSON_Delete(tree);
	return RECEIVER_ANSWER;
}

/* ---- steps ----------------------------------------------------------------------------------- */

struct chat chat;

static const char *const event_types[] = {
	[DATABASE_SQLITE] =
		"[\"capsule.create\",\"capsule.pause\",\"capsule.resume\",\"capsule.destroy\"]",
	[DATABASE_POSTGRES] = "{capsule.create,capsule.pause,capsule.resume,capsule.destroy}",
};

void with_chat(void (*steps)(struct rig *rig))
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		const struct rig_options options = {
			.answer = talk, .arg = &chat, .strict = true, .chat = true
		};
		struct rig rig;

		memset(&chat, 0, sizeof(chat));
		rig_now_us = START_US;
		rig_open(&rig, (enum database_engine)engine, &options);
		rig_add_chat(&rig, CHANNEL_1, "telegram", telegram_fields, "capsule.create");
		rig_ask(&rig, "UPDATE channels SET event_types = '%s'", event_types[engine]);
		rig_ask(&rig,
			"INSERT INTO channel_options (channel_id, options, updated_at) VALUES "
			"('" CHANNEL_1 "', '{\"living\":true}', '2027-01-15T07:00:00.000000Z')");
		steps(&rig);
		cr_expect_eq(chat.wrong, 0);
		rig_close(&rig);
	}
}

struct event *event_of(const char *kind, const char *capsule, const char *outcome, int64_t ms)
{
	char text[1024];
	struct reason why = { .text = "" };
	struct event *event = NULL;

	snprintf(text, sizeof(text),
		 "{\"event\":\"%s\",\"timestamp\":\"2027-01-15T08:00:00Z\",\"team_id\":\"" TEAM_A_ID
		 "\",\"actor\":" SYSTEM ",\"outcome\":\"%s\","
		 "\"resource\":{\"id\":\"%s\",\"type\":\"capsule\"}}",
		 kind, outcome, capsule);
	cr_assert_eq(
		event_parse(str_of(text), (struct stream_id){ .ms = (uint64_t)ms }, &event, &why),
		0, "%s", why.text);
	return event;
}

void happen(struct rig *rig, const char *kind, const char *capsule, int64_t ms)
{
	struct event *event = event_of(kind, capsule, "success", START_MS + ms);

	cr_assert_eq(rig_commit(rig, &event, 1), 0);
}

/* While the store works no time passes: a lease could end before it is renewed. */
static bool is_quiet(struct rig *rig, void *arg)
{
	(void)arg;
	rig_wait_for_store(rig);
	rig_now_us += SECOND_US;
	return rig_ask(rig, "SELECT count(*) FROM " PENDING) == 0;
}

/* Until nothing is pending. */
void settle(struct rig *rig)
{
	rig_turn_until(rig, is_quiet, NULL);
}

void expect_message(unsigned number, const char *piece)
{
	cr_assert_leq(number, chat.count);
	cr_expect_not_null(strstr(chat.text[number - 1], piece), "%u: %s", number,
			   chat.text[number - 1]);
}
