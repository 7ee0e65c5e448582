/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Judges Discord's answers. Its error codes say more than the status, and the rate headers of every
 * answer are obeyed. A page instead of JSON comes from the proxy in front of Discord, which blocks
 * our address or what one team wrote.
 */
#include "providers/discord.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "providers/chat.h"

#define BAN_PAUSE_MS 60000 /* the shortest pause after a block or a global limit */

/* Discord's own error codes; they say more than the status. A cause in settings or permissions
 * disables the channel: its backlog waits until the owner has fixed them. */
static const struct code_meaning {
	int code;
	enum verdict_kind kind;
	const char *why;
} meanings[] = {
	{ 10003, VERDICT_DISABLE, "the channel or thread of the webhook does not exist" },
	{ 10004, VERDICT_DISABLE, "the server of the webhook does not exist" },
	{ 10015, VERDICT_DISABLE, "the Discord webhook was deleted" },
	{ 40001, VERDICT_DISABLE, "Discord does not accept the webhook's token" },
	{ 50001, VERDICT_DISABLE, "the webhook may not see its channel" },
	{ 50013, VERDICT_DISABLE, "the webhook may not write in its channel" },
	{ 50024, VERDICT_DISABLE, "the channel of the webhook does not accept messages" },
	{ 50027, VERDICT_DISABLE, "Discord does not accept the webhook's token" },
	{ 50083, VERDICT_DISABLE, "the thread of the webhook is archived" },
	{ 160005, VERDICT_DISABLE, "the thread of the webhook is locked" },
	{ 220001, VERDICT_DISABLE,
	  "the webhook posts to a forum: add ?thread_id= of a thread to its URL" },
	{ 220002, VERDICT_DISABLE, "a thread is named twice in the webhook's URL" },
	{ 220003, VERDICT_DISABLE, "the channel of the webhook is not a forum" },
	{ 50035, VERDICT_REFORM, "Discord refused the message's form" },
	{ 50006, VERDICT_REFORM, "Discord found the message empty" },
	{ 50109, VERDICT_REFORM, "Discord could not read the message" },
	{ 40005, VERDICT_REFORM, "Discord found the message too large" },
	{ 240000, VERDICT_REJECT, "Discord's link filter blocked the message" },
	{ 40333, VERDICT_RETRY, "Discord refuses this sender's User-Agent" },
	{ 130000, VERDICT_RETRY, "Discord is overloaded" },
	{ 40062, VERDICT_RETRY, "Discord limits this webhook" },
	{ 40004, VERDICT_RETRY, "Discord switched sending off for a while" },
	{ 20016, VERDICT_RETRY, "the channel is in slow mode" },
	{ 20028, VERDICT_RETRY, "the channel took too many messages" },
	{ 20029, VERDICT_RETRY, "the server took too many messages" },
};

static bool has_code(const cJSON *tree, int wanted)
{
	const cJSON *code = json_get(tree, "code");

	return cJSON_IsNumber(code) && code->valuedouble == wanted;
}

/* An error: {"message":..., "code":...}. The code is 0 or has five digits at least; others answer
 * so with the status as the code. */
static bool is_error(const cJSON *tree)
{
	const cJSON *code = json_get(tree, "code");

	return cJSON_IsNumber(code) && (code->valuedouble == 0 || code->valuedouble >= 10000) &&
	       json_get_string(tree, "message");
}

/* Discord's oldest checks report a bad form as {"embeds":["0"]}. */
static bool is_list_of_faults(const cJSON *tree)
{
	static const char *const members[] = { "embeds", "content", "allowed_mentions", "_misc" };

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if (cJSON_IsArray(json_get(tree, members[i])))
			return true;
	}
	return false;
}

static const struct code_meaning *meaning_of(const cJSON *tree)
{
	const cJSON *code = json_get(tree, "code");

	for (size_t i = 0; cJSON_IsNumber(code) && i < ARRAY_LEN(meanings); i++) {
		if (code->valuedouble == meanings[i].code)
			return &meanings[i];
	}
	return NULL;
}

/* A header of seconds, perhaps with a fraction, as milliseconds; -1 when absent. */
static int64_t header_seconds_ms(const struct answer *answer, const char *name)
{
	struct str value = answer_header(answer, name);
	char text[32];
	char *end;

	if (value.len == 0 || value.len >= sizeof(text) || value.at[0] < '0' || value.at[0] > '9')
		return -1;
	memcpy(text, value.at, value.len);
	text[value.len] = '\0';
	const cJSON number = { .type = cJSON_Number, .valuedouble = strtod(text, &end) };

	return *end ? -1 : chat_wish_ms(&number, 1000);
}

static int64_t longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* A pause for more than this channel lasts at least a minute. */
static struct verdict pause_more(struct verdict verdict, int64_t pause_ms)
{
	verdict.kind = VERDICT_RETRY;
	verdict.is_throttled = true;
	verdict.pause = PAUSE_PROVIDER;
	verdict.retry_after_ms = longer(verdict.retry_after_ms, BAN_PAUSE_MS);
	verdict.pause_ms = longer(pause_ms, BAN_PAUSE_MS);
	return verdict;
}

/* The firewall in front of Discord. The wait it asks for applies to this channel only: one channel
 * that provokes it must not stop all others for an hour. The pause for all begins with a minute and
 * grows while the block lasts. A 429 is about our address; a 403 may be about what one team
 * wrote. */
static struct verdict judge_ban(const struct answer *answer, int64_t now_us)
{
	struct verdict verdict =
		chat_verdict(VERDICT_RETRY, "Discord blocks this sender's address for a while");

	verdict.retry_after_ms = retry_after_ms(answer, now_us);
	verdict = pause_more(verdict, BAN_PAUSE_MS);
	if (answer->status == 429)
		verdict.pause = PAUSE_EVERYBODY;
	return verdict;
}

/* Discord's own limiter says so in JSON, or at least in its headers. */
static bool is_of_its_limiter(const struct answer *answer, const cJSON *tree)
{
	return cJSON_IsNumber(json_get(tree, "retry_after")) || json_get_string(tree, "message") ||
	       answer_header(answer, "X-RateLimit-Global").len ||
	       answer_header(answer, "X-RateLimit-Scope").len ||
	       answer_header(answer, "X-RateLimit-Reset-After").len;
}

static struct verdict judge_too_fast(const struct answer *answer, const cJSON *tree, int64_t now_us)
{
	int64_t wish_ms = chat_wish_ms(json_get(tree, "retry_after"), 1000);
	bool is_global = cJSON_IsTrue(json_get(tree, "global")) ||
			 answer_header(answer, "X-RateLimit-Global").len ||
			 str_is(answer_header(answer, "X-RateLimit-Scope"), "global");

	wish_ms = longer(wish_ms, header_seconds_ms(answer, "X-RateLimit-Reset-After"));
	struct verdict verdict = chat_throttled(answer, now_us, wish_ms);

	if (!is_of_its_limiter(answer, tree) || (verdict.retry_after_ms < 0 && !is_global))
		return judge_ban(answer, now_us);
	if (is_global) {
		verdict.why = "Discord limits this whole service";
		return pause_more(verdict, verdict.pause_ms);
	}
	return verdict;
}

static struct verdict judge_error(const struct answer *answer, const cJSON *tree, int64_t now_us)
{
	const struct code_meaning *meaning = meaning_of(tree);

	if (meaning && meaning->kind == VERDICT_RETRY) {
		struct verdict verdict = chat_throttled(
			answer, now_us, chat_wish_ms(json_get(tree, "retry_after"), 1000));

		verdict.why = meaning->why;
		return verdict;
	}
	if (meaning)
		return chat_verdict(meaning->kind, meaning->why);
	if (answer->status == 401)
		return chat_verdict(VERDICT_DISABLE, "Discord does not accept the webhook's token");
	return chat_unknown(answer, now_us,
			    "Discord refused the message for a reason we do not know");
}

static struct verdict judge_failure(const struct answer *answer, const cJSON *tree, int64_t now_us)
{
	if (answer->status == 429)
		return judge_too_fast(answer, tree, now_us);
	if (answer->status == 403 && (!tree || has_code(tree, 0)))
		return judge_ban(answer, now_us);
	if (is_error(tree))
		return judge_error(answer, tree, now_us);
	if (answer->status == 400 && is_list_of_faults(tree))
		return chat_verdict(VERDICT_REFORM, "Discord refused the message's form");
	return judge_stranger(answer, now_us);
}

static struct verdict judge_success(const struct answer *answer, const cJSON *tree, int64_t now_us)
{
	struct verdict verdict = verdict_of(VERDICT_DELIVERED);

	if (answer->fault != ANSWER_OK)
		return chat_half_success(answer, now_us);
	verdict.is_accepted_only =
		answer->status == 204; /* Discord does not tell whether it was saved */
	return tree || verdict.is_accepted_only ? verdict : judge_stranger(answer, now_us);
}

struct verdict discord_judge(const struct answer *answer, int64_t now_us)
{
	struct verdict verdict = judge_by_status(answer, now_us);
	cJSON *tree = chat_answer_tree(answer);

	if (verdict.kind == VERDICT_DELIVERED)
		verdict = judge_success(answer, tree, now_us);
	else if (answer->status != 0)
		verdict = judge_failure(answer, tree, now_us);
	cJSON_Delete(tree);
	if (verdict.pause_ms < 0 && str_is(answer_header(answer, "X-RateLimit-Remaining"), "0"))
		verdict.pause_ms = header_seconds_ms(answer, "X-RateLimit-Reset-After");
	return verdict;
}

/* ---- edits ------------------------------------------------------------------------------ */

static const struct code_meaning edit_meanings[] = {
	{ 10008, VERDICT_REPOST, "the message was deleted" },
	{ 30046, VERDICT_REPOST, "Discord no longer allows the old message to be edited" },
	{ 50005, VERDICT_REPOST, "the message is not the webhook's own" },
};

static struct verdict judge_edit(const struct answer *answer, int64_t now_us)
{
	cJSON *tree = chat_answer_tree(answer);
	const struct code_meaning *found = NULL;

	for (size_t i = 0; i < ARRAY_LEN(edit_meanings); i++) {
		if (is_error(tree) && has_code(tree, edit_meanings[i].code))
			found = &edit_meanings[i];
	}
	cJSON_Delete(tree);
	return found ? chat_verdict(found->kind, found->why) : discord_judge(answer, now_us);
}

static bool read_id(const struct answer *answer, char out[MESSAGE_ID_SIZE])
{
	cJSON *tree = chat_answer_tree(answer);
	struct str id = str_of(json_get_string(tree, "id"));
	bool is_id = id.len > 0 && id.len <= 20 && str_is_digits(id);

	if (is_id)
		snprintf(out, MESSAGE_ID_SIZE, "%.*s", STR_ARGS(id));
	cJSON_Delete(tree);
	return is_id;
}

const struct provider_edit discord_edit = { .read_id = read_id,
					    .judge = judge_edit,
					    .example = "100000000000000000" };
