/* SPDX-License-Identifier: Apache-2.0 */

/* PostgreSQL alone locks rows one by one. In which order does the engine lock while a channel
 * changes, and what does a change do with rows that changed while it waited? */
#include "tests/support/destination.h"
#include "tests/support/view_rig.h"

#define WAITING "pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
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

/* Enabling and replacing settings lock the channel, then its deliveries and its state. An engine
 * that locked those first and then waited for the channel would wait for ever. */
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
	rig_wait_rows(&rig, 1, WAITING);
	run(other, "SELECT 1 FROM deliveries FOR UPDATE NOWAIT");
	run(other,
	    "SELECT 1 FROM channel_state WHERE channel_id = '" CHANNEL_1 "' FOR UPDATE NOWAIT");
	run(other, "COMMIT");
	PQfinish(other);
	rig_wait_rows(&rig, 1, "attempts");
	rig_now_us += 4 * SECOND_US; /* the pace of the bot */
	rig_wait_rows(&rig, 1, "deliveries WHERE state = 'delivered'");
	rig_close(&rig);
}

/* ---- a change that waits for audit_logs
 * ------------------------------------------------------- */

/* Another process locks audit_logs until a delivery of the channel is stored. */
struct auditor {
	struct rig *rig;
	PGconn *connection;
	uv_timer_t beat;
	bool is_awaited;
	bool is_done;
};

static void give_back_when_delivered(uv_timer_t *timer)
{
	struct auditor *auditor = timer->data;

	if (auditor->is_done)
		return;
	if (!auditor->is_awaited && rig_ask(auditor->rig, "SELECT count(*) FROM " WAITING) > 0) {
		auditor->is_awaited = true;
		rig_now_us += 12 * SECOND_US; /* the second attempt is due */
	}
	if (rig_ask(auditor->rig, "SELECT count(*) FROM deliveries WHERE state = 'delivered'") >
	    0) {
		run(auditor->connection, "COMMIT");
		auditor->is_done = true;
	}
}

Test(lock_order, of_a_change_begins_with_the_audit_table)
{
	static const struct reply replies[] = { { .status = 503 },
						{ .status = 200 },
						{ .status = 0 } };
	struct script script = { .replies = replies };
	const struct rig_options options = { .answer = script_answer, .arg = &script };
	struct auditor auditor;
	struct event *event = rig_event("host.up", SYSTEM, "", START_MS);
	struct rig rig;

	rig_open(&rig, DATABASE_POSTGRES, &options);
	rig_add_channel(&rig, CHANNEL_1, TEAM_A, "hook", "host.up");
	cr_assert_eq(rig_commit(&rig, &event, 1), 0);
	rig_wait_rows(&rig, 1, "deliveries WHERE attempts = 1");
	auditor = (struct auditor){ .rig = &rig, .connection = PQconnectdb(rig.database.url) };
	run(auditor.connection, "BEGIN; LOCK TABLE public.audit_logs");
	uv_timer_init(&rig.loop, &auditor.beat);
	auditor.beat.data = &auditor;
	uv_timer_start(&auditor.beat, give_back_when_delivered, 1, 5);
	cr_expect_eq(call(&rig, "PUT", path_of(CHANNEL_1, "/config"),
			  "{\"config\":{\"secret\":\"c2VjcmV0LXR3by1hbmQtbW9yZQ==\"}}"),
		     200, "%s", call_answer);
	cr_expect(auditor.is_awaited, "nobody waited for the table");
	cr_expect(auditor.is_done, "the result of the delivery waited with the change");
	uv_close((uv_handle_t *)&auditor.beat, NULL);
	PQfinish(auditor.connection);
	rig_close(&rig);
}

/* Counts failures in the store only, not in our copy of the breaker, and locks audit_logs. */
static enum receiver_reply fail_for_days(const struct received *request, struct buf *out, void *arg)
{
	PGconn *other = *(PGconn *const *)arg;

	(void)request;
	PQclear(PQexec(other, "UPDATE wrenn_events.channel_state SET failures = 1000, "
			      "failing_since = '2020-01-01' WHERE channel_id = '" CHANNEL_1 "'"));
	PQclear(PQexec(other, "BEGIN; LOCK TABLE public.audit_logs"));
	receiver_answer(out, 503, "", STR(""));
	return RECEIVER_ANSWER;
}

Test(lock_order, of_a_result_that_disables_unforeseen_begins_with_the_audit_table)
{
	PGconn *other = NULL;
	const struct rig_options options = { .answer = fail_for_days, .arg = &other };
	struct event *event = rig_event("host.up", SYSTEM, "", START_MS);
	struct rig rig;

	rig_open(&rig, DATABASE_POSTGRES, &options);
	other = PQconnectdb(rig.database.url);
	run(other, "SET search_path = wrenn_events, public");
	rig_add_channel(&rig, CHANNEL_1, TEAM_A, "hook", "host.up");
	cr_assert_eq(rig_commit(&rig, &event, 1), 0);
	rig_wait_rows(&rig, 1, WAITING);
	run(other, "SELECT 1 FROM deliveries FOR UPDATE NOWAIT");
	run(other,
	    "SELECT 1 FROM channel_state WHERE channel_id = '" CHANNEL_1 "' FOR UPDATE NOWAIT");
	run(other, "COMMIT");
	PQfinish(other);
	rig_wait_rows(&rig, 1, "channel_state WHERE disabled_at IS NOT NULL");
	rig_wait_rows(&rig, 1, "audit_logs WHERE action = 'disable'");
	rig_close(&rig);
}

/* ---- two who enable at once ------------------------------------------------------------------ */

/* Another process enables the channel and commits as soon as ours waits for it. */
struct faster {
	struct rig *rig;
	PGconn *connection;
	uv_timer_t beat;
	bool is_done;
};

static void finish_when_awaited(uv_timer_t *timer)
{
	struct faster *faster = timer->data;

	if (faster->is_done || rig_ask(faster->rig, "SELECT count(*) FROM " WAITING) == 0)
		return;
	run(faster->connection,
	    "UPDATE channel_state SET disabled_at = NULL WHERE channel_id = '" CHANNEL_1 "'");
	run(faster->connection, "COMMIT");
	faster->is_done = true;
}

static void start_faster(struct faster *faster, struct rig *rig)
{
	*faster = (struct faster){ .rig = rig, .connection = PQconnectdb(rig->database.url) };
	run(faster->connection, "SET search_path = wrenn_events, public");
	run(faster->connection, "BEGIN");
	run(faster->connection, "SELECT 1 FROM channels FOR UPDATE");
	uv_timer_init(&rig->loop, &faster->beat);
	faster->beat.data = faster;
	uv_timer_start(&faster->beat, finish_when_awaited, 1, 5);
}

static void enable_too_late(const char *body)
{
	const struct rig_options options = { .no_delivery = true };
	struct faster faster;
	struct rig rig;

	rig_open(&rig, DATABASE_POSTGRES, &options);
	add_quiet_channel(&rig, CHANNEL_1, TEAM_A, "capsule.pause");
	add_row(&rig, CHANNEL_1, TEAM_A, 1, "pending");
	add_row(&rig, CHANNEL_1, TEAM_A, 2, "pending");
	rig_ask(&rig, "UPDATE channel_state SET disabled_at = updated_at, disabled_reason = 'gone' "
		      "WHERE channel_id = '" CHANNEL_1 "'");
	start_faster(&faster, &rig);
	cr_expect_eq(call(&rig, "POST", path_of(CHANNEL_1, "/enable"), body), 200, "%s",
		     call_answer);
	cr_assert(faster.is_done, "it did not wait for the channel");
	cr_expect_eq(rig_ask(&rig, "SELECT count(*) FROM deliveries WHERE state = 'pending' "
				   "AND requeued_at IS NULL"),
		     2, "%s changed what was not its to change", body);
	cr_expect_eq(rig_ask(&rig, "SELECT count(*) FROM audit_logs"), 0);
	uv_close((uv_handle_t *)&faster.beat, NULL);
	PQfinish(faster.connection);
	rig_close(&rig);
}

Test(lock_order, leaves_the_backlog_to_the_faster_of_two_who_enable)
{
	enable_too_late("{\"backlog\":\"skip\"}");
	enable_too_late("{\"backlog\":\"deliver\"}");
}
