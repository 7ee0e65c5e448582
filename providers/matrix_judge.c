/* SPDX-License-Identifier: Apache-2.0 */

/* Judges a homeserver's answers: by its error code, since every status may come from a proxy. */
#include "providers/matrix.h"

#include <stdio.h>
#include <string.h>

#include "providers/chat.h"

#define SLOW_MS 600000 /* between tries when an account or a server is locked */

_Static_assert(MATRIX_ROOM_MAX < VERDICT_VALUE_SIZE, "a room id fits into a verdict");

/* A cause in settings or permissions disables the channel: its backlog waits until the owner has
 * fixed them. */
static const struct {
	const char *errcode;
	enum verdict_kind kind;
	const char *why;
} errcodes[] = {
	{ "M_UNKNOWN_TOKEN", VERDICT_DISABLE, "the access token is no longer valid" },
	{ "M_MISSING_TOKEN", VERDICT_DISABLE, "the homeserver found no access token" },
	{ "M_UNAUTHORIZED", VERDICT_DISABLE, "the homeserver does not accept the access token" },
	{ "M_USER_DEACTIVATED", VERDICT_DISABLE, "the account was deactivated" },
	{ "M_USER_SUSPENDED", VERDICT_DISABLE, "the account was suspended" },
	{ "M_FORBIDDEN", VERDICT_DISABLE,
	  "the account has not joined the room or may not write in it" },
	{ "M_GUEST_ACCESS_FORBIDDEN", VERDICT_DISABLE, "guests may not write in the room" },
	{ "M_CONSENT_NOT_GIVEN", VERDICT_DISABLE,
	  "the account has not agreed to the homeserver's terms" },
	{ "M_NOT_FOUND", VERDICT_DISABLE, "the homeserver does not know the room" },
	{ "M_INVALID_PARAM", VERDICT_DISABLE, "the homeserver does not accept the room's name" },
	{ "M_UNRECOGNIZED", VERDICT_DISABLE,
	  "homeserver_url does not lead to a Matrix homeserver's client API" },
	{ "M_TOO_LARGE", VERDICT_REFORM, "the message is too large for the homeserver" },
	{ "M_BAD_JSON", VERDICT_REFORM, "the homeserver refused the message's form" },
	{ "M_NOT_JSON", VERDICT_REFORM, "the homeserver could not read the message" },
	{ "M_RESOURCE_LIMIT_EXCEEDED", VERDICT_RETRY, "the homeserver has reached its limits" },
	{ "M_USER_LOCKED", VERDICT_RETRY, "the account is locked" },
};

/* A homeserver's own code: capitals, and with a name space in front unless the code is
 * the standard's. */
static bool is_errcode(const char *text)
{
	return text && strlen(text) <= 255 && str_is_word(str_of(text), "_.") && strchr(text, '_');
}

static struct verdict judge_errcode(const struct answer *answer, const char *errcode,
				    int64_t now_us)
{
	for (size_t i = 0; i < ARRAY_LEN(errcodes); i++) {
		if (strcmp(errcode, errcodes[i].errcode) != 0)
			continue;
		struct verdict verdict = chat_verdict(errcodes[i].kind, errcodes[i].why);
		int64_t header_ms = retry_after_ms(answer, now_us);

		if (verdict.kind == VERDICT_RETRY)
			verdict.retry_after_ms = header_ms > SLOW_MS ? header_ms : SLOW_MS;
		return verdict;
	}
	return chat_unknown(answer, now_us, NULL);
}

/* An answer that names neither the sent event nor a room is not a homeserver's. The same holds for
 * an incomplete one: the transaction id makes another try harmless. */
static struct verdict judge_success(const struct answer *answer, const cJSON *tree, int64_t now_us)
{
	const char *event_id = json_get_string(tree, "event_id");
	struct str room = str_of(json_get_string(tree, "room_id"));
	struct verdict verdict;

	if (event_id && event_id[0])
		return verdict_of(VERDICT_DELIVERED);
	if (!matrix_is_room_id(room))
		return judge_stranger(answer, now_us);
	verdict = verdict_of(VERDICT_REBIND);
	verdict.field = "room_id";
	memcpy(verdict.value, room.at, room.len);
	verdict.value[room.len] = '\0';
	return verdict;
}

static struct verdict judge_body(const struct answer *answer, const cJSON *tree, int64_t now_us)
{
	const char *errcode = json_get_string(tree, "errcode");

	if (answer->status == 429 || (errcode && strcmp(errcode, "M_LIMIT_EXCEEDED") == 0))
		return chat_throttled(answer, now_us,
				      chat_wish_ms(json_get(tree, "retry_after_ms"), 1));
	if (is_errcode(errcode))
		return judge_errcode(answer, errcode, now_us);
	if (answer->status >= 200 && answer->status <= 299)
		return judge_success(answer, tree, now_us);
	return judge_stranger(answer, now_us);
}

struct verdict matrix_judge(const struct answer *answer, int64_t now_us)
{
	cJSON *tree = chat_answer_tree(answer);
	struct verdict verdict = answer->status == 0 ? judge_by_status(answer, now_us)
						     : judge_body(answer, tree, now_us);

	cJSON_Delete(tree);
	return verdict;
}

/* ---- edits ------------------------------------------------------------------------------ */

/* Printable ASCII without a space, as every event's id is. */
static bool is_event_id(struct str id)
{
	for (size_t i = 0; i < id.len; i++) {
		if (id.at[i] <= ' ' || id.at[i] > '~')
			return false;
	}
	return id.len > 1 && id.len <= MATRIX_ID_MAX && id.at[0] == '$';
}

static bool read_id(const struct answer *answer, char out[MESSAGE_ID_SIZE])
{
	cJSON *tree = chat_answer_tree(answer);
	struct str id = str_of(json_get_string(tree, "event_id"));
	bool is_id = is_event_id(id);

	if (is_id)
		snprintf(out, MESSAGE_ID_SIZE, "%.*s", STR_ARGS(id));
	cJSON_Delete(tree);
	return is_id;
}

_Static_assert(MATRIX_ID_MAX < MESSAGE_ID_SIZE, "an event id fits");

/* The homeserver shows what replaced the event, or does not know the event. */
static bool is_gone(const cJSON *tree)
{
	const char *errcode = json_get_string(tree, "errcode");
	const char *error = json_get_string(tree, "error");

	if (!errcode)
		return json_get(json_get(tree, "unsigned"), "redacted_because") != NULL;
	return strcmp(errcode, "M_NOT_FOUND") == 0 ||
	       (strcmp(errcode, "M_UNKNOWN") == 0 && error && strstr(error, "unknown event"));
}

static struct verdict judge_edit(const struct answer *answer, int64_t now_us)
{
	cJSON *tree = chat_answer_tree(answer);
	bool is_lost = tree && is_gone(tree);

	cJSON_Delete(tree);
	return is_lost ? chat_verdict(VERDICT_REPOST, "the message was deleted")
		       : matrix_judge(answer, now_us);
}

/* An edit is one more event, and a homeserver takes it after the first one was deleted, too. Then
 * people see nothing. So we look the first one up before each edit. */
const struct provider_edit matrix_edit = {
	.read_id = read_id, .judge = judge_edit, .ask = matrix_ask, .example = "$example"
};
