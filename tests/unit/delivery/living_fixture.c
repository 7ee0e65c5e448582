/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/delivery/living_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/exchange.h"
#include "core/json.h"

#define BOT_TOKEN "123456789:AAExampleExampleExampleExampleExampl"

static const char *const telegram_fields[] = {
	"bot_token", BOT_TOKEN, "chat_id", "1000000001", NULL,
};
static const char *const matrix_fields[] = {
	"homeserver_url", "https://hs.example", "access_token", "syt_example",
	"room_id",        "!room:hs.example",   NULL,
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

static void edit(struct chat *at, unsigned number, const char *text)
{
	char subject[64];

	subject_of(text, subject);
	if (number < 1 || number > at->count || strcmp(at->subject[number - 1], subject) != 0)
		at->wrong++;
	else
		show(at, number, text);
	at->edits++;
}

static unsigned post(struct chat *at, const char *text)
{
	cr_assert_lt(at->count, MAX_MESSAGES);
	at->count++;
	subject_of(text, at->subject[at->count - 1]);
	show(at, at->count, text);
	return at->count;
}

static void edit_or_refuse(struct chat *at, unsigned number, const char *text, struct buf *out)
{
	if (at->refusals > 0) {
		at->refusals--;
		refuse(out, at->refusal);
		return;
	}
	edit(at, number, text);
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
		edit_or_refuse(at, cJSON_IsNumber(number) ? (unsigned)number->valuedouble : 0, text,
			       out);
	} else if (at->refused_posts > 0) {
		at->refused_posts--;
		refuse(out, REFUSE_FORM);
	} else {
		answer_ok(out, post(at, text));
	}
	cJSON_Delete(tree);
	return RECEIVER_ANSWER;
}

/* ---- the homeserver ------------------------------------------------------------------------- */

#define EVENT "/event/%24"
#define THERE "{\"event_id\":\"$1\",\"content\":{\"msgtype\":\"m.notice\"},\"unsigned\":{}}"

/* What the homeserver says when it is asked for a message. */
static const struct {
	int status;
	const char *headers;
	const char *body;
} found[] = {
	[REFUSE_NOTHING] = { 200, "", THERE },
	[REFUSE_DELETED] = { 200, "",
			     "{\"event_id\":\"$1\",\"content\":{},"
			     "\"unsigned\":{\"redacted_because\":{}}}" },
	[REFUSE_UNKNOWN] = { 404, "",
			     "{\"errcode\":\"M_NOT_FOUND\",\"error\":\"Event not found.\"}" },
	[REFUSE_BUSY] = { 500, "", "said by the destination" },
	[REFUSE_PACE] = { 429, "Retry-After: 30\r\n",
			  "{\"errcode\":\"M_LIMIT_EXCEEDED\",\"retry_after_ms\":30000}" },
	[REFUSE_TOKEN] = { 401, "",
			   "{\"errcode\":\"M_UNKNOWN_TOKEN\",\"error\":\"Invalid token\"}" },
	[REFUSE_MOVED] = { 302, "Location: https://portal.example/\r\n", "" },
	[REFUSE_PAGE] = { 200, "", "<html>log in first</html>" },
	[REFUSE_WORDS] = { 400, "", "{\"errcode\":\"M_TEAPOT\",\"error\":\"short and stout\"}" },
};

static void answer_long(struct buf *out)
{
	struct buf body;

	buf_init(&body, 2 * ANSWER_MAX_BODY);
	while (body.len <= ANSWER_MAX_BODY)
		buf_add_text(&body, THERE);
	receiver_answer(out, 200, "", buf_str(&body));
	buf_done(&body);
}

static enum receiver_reply find(struct chat *at, struct buf *out)
{
	enum refusal refusal = at->refusals > 0 ? at->refusal : REFUSE_NOTHING;

	at->lookups++;
	if (at->refusals > 0)
		at->refusals--;
	if (refusal == REFUSE_BROKEN) {
		buf_add_text(out, "noise\r\n\r\n");
		return RECEIVER_CLOSE;
	}
	if (refusal == REFUSE_LONG)
		answer_long(out);
	else
		receiver_answer(out, found[refusal].status, found[refusal].headers,
				str_of(found[refusal].body));
	return RECEIVER_ANSWER;
}

/* The event's number. An edit is an event as well, whose number nobody needs. */
static unsigned keep(struct chat *at, const cJSON *event)
{
	const char *replaced = json_get_string(json_get(event, "m.relates_to"), "event_id");
	const cJSON *content = json_get(event, "m.new_content");
	unsigned long long number;

	if (!replaced)
		return post(at, json_get_string(event, "formatted_body"));
	cr_assert(str_to_u64(str_of(replaced + 1), &number));
	edit(at, (unsigned)number, json_get_string(content, "formatted_body"));
	return MAX_MESSAGES + at->edits;
}

static enum receiver_reply talk_matrix(const struct received *request, struct buf *out, void *arg)
{
	cJSON *tree = NULL;
	char body[64];

	if (strstr(request->target, EVENT))
		return find(arg, out);
	cr_assert_eq(json_parse(str_of(request->body), 65536, &tree, NULL), 0);
	snprintf(body, sizeof(body), "{\"event_id\":\"$%u\"}", keep(arg, tree));
	receiver_answer(out, 200, "", str_of(body));
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

static void with_vendor(const char *provider, const char *const *fields, receiver_fn answer,
			void (*steps)(struct rig *rig))
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		const struct rig_options options = {
			.answer = answer, .arg = &chat, .strict = true, .chat = true
		};
		struct rig rig;

		memset(&chat, 0, sizeof(chat));
		rig_now_us = START_US;
		rig_open(&rig, (enum database_engine)engine, &options);
		rig_add_chat(&rig, CHANNEL_1, provider, fields, "capsule.create");
		rig_ask(&rig, "UPDATE channels SET event_types = '%s'", event_types[engine]);
		rig_ask(&rig,
			"INSERT INTO channel_options (channel_id, options, updated_at) VALUES "
			"('" CHANNEL_1 "', '{\"living\":true}', '2027-01-15T07:00:00.000000Z')");
		steps(&rig);
		cr_expect_eq(chat.wrong, 0);
		rig_close(&rig);
	}
}

void with_chat(void (*steps)(struct rig *rig))
{
	with_vendor("telegram", telegram_fields, talk, steps);
}

void with_matrix(void (*steps)(struct rig *rig))
{
	with_vendor("matrix", matrix_fields, talk_matrix, steps);
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

void post_anew(struct rig *rig, enum refusal refusal)
{
	happen(rig, "capsule.create", "cl-1", 0);
	settle(rig);
	chat.refusal = refusal;
	chat.refusals = 1;
	happen(rig, "capsule.pause", "cl-1", 1000);
	settle(rig);
	cr_expect_eq(chat.count, 2);
	cr_expect_eq(chat.edits, 0);
	expect_message(1, "created");
	expect_message(2, "created \xe2\x86\x92 paused");
	happen(rig, "capsule.destroy", "cl-1", 2000);
	settle(rig);
	cr_expect_eq(chat.count, 2, "the new one is edited");
	expect_message(2, "destroyed");
	cr_expect_eq(count_attempts(rig, "reposted"), 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channel_state WHERE failures > 0 OR "
				  "disabled_at IS NOT NULL"),
		     0);
}
