/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Judges Telegram's answers. Its error code and its description say more than the status. The
 * wording is not guaranteed, so only parts of it are searched for.
 */
#include "providers/telegram.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "providers/chat.h"

struct phrase {
	int code;
	enum verdict_kind kind;
	const char *part; /* of the description, in upper or lower case */
	const char *why;
};

/* The first match counts. A cause in settings or permissions disables the channel: its backlog
 * waits until the owner has fixed them. */
static const struct phrase phrases[] = {
	{ 400, VERDICT_DISABLE, "chat not found", "the bot does not know the chat" },
	{ 400, VERDICT_DISABLE, "not enough rights", "the bot may not write in the chat" },
	{ 400, VERDICT_DISABLE, "have no rights", "the bot may not write in the chat" },
	{ 400, VERDICT_DISABLE, "_FORBIDDEN", "the bot may not write in the chat" },
	{ 400, VERDICT_DISABLE, "BANNED_IN_CHANNEL", "the bot may not write in the chat" },
	{ 400, VERDICT_DISABLE, "administrator rights",
	  "the bot has to be an administrator of the chat" },
	{ 400, VERDICT_DISABLE, "CHAT_ADMIN_REQUIRED",
	  "the bot has to be an administrator of the chat" },
	{ 400, VERDICT_DISABLE, "CHANNEL_PRIVATE", "the bot is not a member of the chat" },
	{ 400, VERDICT_DISABLE, "CHAT_RESTRICTED", "the bot may not write in the chat" },
	{ 400, VERDICT_DISABLE, "PEER_ID_INVALID", "the bot does not know the chat" },
	/* Sent once more without the topic: see write_body(). */
	{ 400, VERDICT_REFORM, "thread not found", "the topic does not exist" },
	{ 400, VERDICT_REFORM, "topic", "the topic is closed or deleted" },
	{ 400, VERDICT_REFORM, "can't parse", "Telegram refused the message's markup" },
	{ 400, VERDICT_REJECT, "is too long", "the message is too long for Telegram" },
	{ 400, VERDICT_REJECT, "text is empty", "Telegram found the message empty" },
	{ 401, VERDICT_DISABLE, "", "the bot's token is no longer valid" },
	{ 403, VERDICT_DISABLE, "blocked", "the bot was blocked by the user" },
	{ 403, VERDICT_DISABLE, "kicked", "the bot was removed from the chat" },
	{ 403, VERDICT_DISABLE, "not a member", "the bot is not a member of the chat" },
	{ 403, VERDICT_DISABLE, "deleted", "the chat was deleted" },
	{ 403, VERDICT_DISABLE, "deactivated", "the user's account was deactivated" },
	{ 403, VERDICT_DISABLE, "initiate", "the user has not started the bot" },
	{ 403, VERDICT_DISABLE, "", "Telegram does not let the bot write to the chat" },
	{ 404, VERDICT_DISABLE, "", "Telegram knows no bot with this token" },
};

static struct verdict judge_phrase(const struct answer *answer, int code, const char *description,
				   int64_t now_us)
{
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
		if (phrases[i].code == code && strcasestr(description, phrases[i].part))
			return chat_verdict(phrases[i].kind, phrases[i].why);
	}
	struct answer meant = *answer;

	meant.status = code;
	return chat_unknown(&meant, now_us, NULL);
}

/* The group became a supergroup with a new number. Returns false if that number is missing or
 * unusable. */
static bool follow_migration(const cJSON *parameters, struct verdict *out)
{
	const cJSON *number = json_get(parameters, "migrate_to_chat_id");
	char text[24];
	struct telegram_chat chat;

	if (!cJSON_IsNumber(number))
		return false;
	snprintf(text, sizeof(text), "%.0f", number->valuedouble);
	/* Numbers that were rounded, or are too long for Telegram, are refused. */
	if (strtod(text, NULL) != number->valuedouble || !telegram_parse_chat(str_of(text), &chat))
		return false;
	*out = chat_verdict(VERDICT_REBIND, "the group became a supergroup with a new number");
	out->field = "chat_id";
	snprintf(out->value, sizeof(out->value), "%s", text);
	return true;
}

/* {"ok":false,"error_code":...,"description":...}, or at least one of the last two: others say that
 * something is not "ok", too. */
static bool is_error(const cJSON *tree)
{
	return cJSON_IsFalse(json_get(tree, "ok")) &&
	       (cJSON_IsNumber(json_get(tree, "error_code")) ||
		json_get_string(tree, "description"));
}

static struct verdict judge_error(const struct answer *answer, const cJSON *tree, int64_t now_us)
{
	const cJSON *number = json_get(tree, "error_code");
	const cJSON *parameters = json_get(tree, "parameters");
	const char *description = json_get_string(tree, "description");
	struct verdict verdict;
	int code = answer->status < 300 ? 500 : answer->status; /* it does not say which */

	if (cJSON_IsNumber(number) && number->valuedouble >= 400 && number->valuedouble <= 599)
		code = (int)number->valuedouble;
	if (code == 429)
		return chat_throttled(answer, now_us,
				      chat_wish_ms(json_get(parameters, "retry_after"), 1000));
	if (code == 400 && follow_migration(parameters, &verdict))
		return verdict;
	return judge_phrase(answer, code, description ? description : "", now_us);
}

static struct verdict judge_body(const struct answer *answer, const cJSON *tree, int64_t now_us)
{
	bool is_success = answer->status >= 200 && answer->status <= 299;

	if (is_success && cJSON_IsTrue(json_get(tree, "ok")))
		return verdict_of(VERDICT_DELIVERED);
	if (is_error(tree))
		return judge_error(answer, tree, now_us);
	if (answer->status == 429)
		return chat_throttled(answer, now_us, -1);
	if (is_success && answer->fault != ANSWER_OK)
		return chat_half_success(answer, now_us);
	return judge_stranger(answer, now_us);
}

struct verdict telegram_judge(const struct answer *answer, int64_t now_us)
{
	return chat_judge(answer, now_us, judge_body);
}

/* ---- edits ------------------------------------------------------------------------------ */

static const struct phrase edit_phrases[] = {
	{ 400, VERDICT_DELIVERED, "message is not modified", NULL },
	{ 400, VERDICT_REPOST, "message to edit not found", "the message was deleted" },
	{ 400, VERDICT_REPOST, "MESSAGE_ID_INVALID", "the message was deleted" },
	{ 400, VERDICT_REPOST, "message can't be edited",
	  "Telegram no longer allows the old message to be edited" },
};

static struct verdict judge_edit(const struct answer *answer, int64_t now_us)
{
	cJSON *tree = chat_answer_tree(answer);
	const char *description = json_get_string(tree, "description");
	bool is_refusal = description && cJSON_IsFalse(json_get(tree, "ok"));
	struct verdict verdict = verdict_of(VERDICT_RETRY);
	bool is_known = false;

	for (size_t i = 0; is_refusal && !is_known && i < ARRAY_LEN(edit_phrases); i++) {
		is_known = answer->status == edit_phrases[i].code &&
			   strcasestr(description, edit_phrases[i].part);
		if (is_known)
			verdict = chat_verdict(edit_phrases[i].kind, edit_phrases[i].why);
	}
	cJSON_Delete(tree);
	return is_known ? verdict : telegram_judge(answer, now_us);
}

static bool read_id(const struct answer *answer, char out[MESSAGE_ID_SIZE])
{
	cJSON *tree = chat_answer_tree(answer);
	const cJSON *number = json_get(json_get(tree, "result"), "message_id");
	bool is_id = cJSON_IsNumber(number) && number->valuedouble >= 1 &&
		     number->valuedouble <= INT32_MAX;

	if (is_id)
		snprintf(out, MESSAGE_ID_SIZE, "%.0f", number->valuedouble);
	cJSON_Delete(tree);
	return is_id;
}

const struct provider_edit telegram_edit = { .read_id = read_id,
					     .judge = judge_edit,
					     .example = "1" };
