/* SPDX-License-Identifier: Apache-2.0 */

/* PostgreSQL alone locks rows one by one: in which order the engine does, beside a change of the channel. */
#include "rig.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"
#define MOVED                                                                         \
	"{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: group chat " \
	"was upgraded to a supergroup "                                               \
	"chat\",\"parameters\":{\"migrate_to_chat_id\":-1009876543210}}"

static enum receiver_reply move_once(const struct received *request, struct buf *out, void *arg)
{
	bool has_moved = strstr(request->body, "-1009876543210") != NULL;

	(void)arg;
	receiver_answer(out, has_moved ? 200 : 400, "",
			has_moved ? STR("{\"ok\":true,\"result\":{}}") : STR(MOVED));
	return RECEIVER_ANSWER;
}

static void run(PGconn *other, const char *sql)
{
	PGresult *result = PQexec(other, sql);

	cr_expect(PQresultStatus(result) == PGRES_TUPLES_OK ||
			  PQresultStatus(result) == PGRES_COMMAND_OK,
		  "%s: %s", sql, PQerrorMessage(other));
	PQclear(result);
}

/* Enabling and replacing settings hold the channel and go on to its deliveries and its state. An engine
 * that had those already and waited for the channel would wait for ever. */
Test(lock_order, of_a_followed_address_is_that_of_a_change)
{
	static const char *const fields[] = { "bot_token",
					      "123456789:AAExampleExampleExampleExampleExampl",
					      "chat_id", "-1", NULL };
	const struct rig_options options = { .answer = move_once, .strict = true, .chat = true };
	struct event *event;
	PGconn *other;
	struct rig rig;

	rig_open(&rig, DATABASE_POSTGRES, &options);
	rig_add_chat(&rig, CHANNEL_1, "telegram", fields, "capsule.pause");
	other = PQconnectdb(rig.database.url);
	run(other, "SET search_path = wrenn_events, public");
	run(other, "BEGIN");
	run(other, "SELECT 1 FROM channels FOR UPDATE");
	event = rig_event("capsule.pause", USER, ",\"outcome\":\"success\"", START_MS);
	cr_assert_eq(rig_commit(&rig, &event, 1), 0);
	rig_wait_rows(&rig, 1, "pg_stat_activity WHERE wait_event_type = 'Lock'");
	run(other, "SELECT 1 FROM deliveries FOR UPDATE NOWAIT");
	run(other,
	    "SELECT 1 FROM channel_state WHERE channel_id = '" CHANNEL_1 "' FOR UPDATE NOWAIT");
	run(other, "COMMIT");
	PQfinish(other);
	rig_wait_rows(&rig, 1, "delivery_attempts");
	rig_now_us += 4 * SECOND_US; /* the bot's pace */
	rig_wait_rows(&rig, 1, "deliveries WHERE state = 'delivered'");
	rig_close(&rig);
}
