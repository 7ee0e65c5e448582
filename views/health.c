/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How a channel is doing: the engine's record of it, its pace and its backlog.
 *
 * A channel that was never sent to has no state row and is healthy. The config is decrypted only
 * to find the pace, and wiped at once. A config that cannot be decrypted holds the backlog, and
 * the answer says so in place of the last error. The pace is what this process has learned. It
 * lives on the loop, so the JSON is written there.
 */
#include "views/health.h"

#include "core/id.h"
#include "core/json.h"
#include "views/call.h"

#define UNREADABLE                                                                               \
	"the service's key cannot decrypt the settings; deliveries wait until the settings are " \
	"replaced or the old key is set again"

#define MAX_COUNTED 10000 /* of a backlog */

struct health_view {
	struct api_call call;
	const struct provider *provider;
	struct buf sealed;
	struct breaker breaker;
	struct uuid fallback; /* all zero: none */
	int64_t taken_over_us;
	int64_t last_success_us;
	int64_t last_error_us;
	struct buf last_error;
	struct buf disabled_reason;
	int64_t pending;
	bool has_more; /* than those that were counted */
	int64_t oldest_us;
	int64_t held;
	int64_t held_until_us; /* the first to go */
};

static const struct db_query read_channel = {
	.sql = "SELECT c.provider, c.config, s.failures, s.breaker_opened, s.breaker_until, "
	       "s.failing_since, s.disabled_at, s.disabled_reason, s.last_success_at, "
	       "s.last_error_at, s.last_error, f.fallback_id, f.taken_over_at FROM channels c "
	       "LEFT JOIN channel_state s ON s.channel_id = c.id "
	       "LEFT JOIN channel_fallbacks f ON f.channel_id = c.id "
	       "WHERE c.id = $1 AND c.team_id = $2",
};
/* A team may have millions that wait. Nobody needs their number to the last digit. */
static const struct db_query read_backlog = {
	.sql = "SELECT count(*), min(created_at), count(CASE WHEN held_until > $2 THEN 1 END), "
	       "min(CASE WHEN held_until > $2 THEN held_until END) FROM ("
	       "SELECT created_at, held_until FROM deliveries "
	       "WHERE channel_id = $1 AND state = 'pending' "
	       "ORDER BY stream_ms, stream_seq LIMIT 10001) AS oldest",
};
_Static_assert(MAX_COUNTED == 10000, "the LIMIT of read_backlog, less one");

static int on_channel(const struct db_row *row, void *arg)
{
	struct health_view *health = arg;

	health->call.found = true;
	health->provider = provider_find(row_text(row, 0));
	buf_add_str(&health->sealed, row_text(row, 1));
	health->breaker.failures = (unsigned)row_int(row, 2);
	health->breaker.opened = (unsigned)row_int(row, 3);
	health->breaker.open_until_us = row_time(row, 4);
	health->breaker.failing_since_us = row_time(row, 5);
	health->breaker.disabled_us = row_time(row, 6);
	buf_add_str(&health->disabled_reason, row_text(row, 7));
	health->last_success_us = row_time(row, 8);
	health->last_error_us = row_time(row, 9);
	buf_add_str(&health->last_error, row_text(row, 10));
	health->fallback = row_uuid(row, 11);
	health->taken_over_us = row_time(row, 12);
	return 0;
}

static int on_backlog(const struct db_row *row, void *arg)
{
	struct health_view *health = arg;

	health->pending = row_int(row, 0);
	health->has_more = health->pending > MAX_COUNTED;
	health->pending -= health->has_more; /* the row that says so is not counted */
	health->oldest_us = row_time(row, 1);
	health->held = row_int(row, 2);
	health->held_until_us = row_time(row, 3);
	return 0;
}

static void add_limit(struct buf *out, const struct health_view *health,
		      const struct pace_view *view, int64_t mono_us)
{
	if (view->limited_us <= mono_us)
		return;
	json_add_name(out, "rate_limited");
	buf_add_char(out, '{');
	json_add_member(out, "by", str_of(health->provider->title));
	field_add_time(out, "until", health->call.api.now_us() + view->limited_us - mono_us);
	buf_add_char(out, '}');
}

static void add_pace(struct buf *out, const struct health_view *health)
{
	const struct views *views = views_of(&health->call);
	int64_t mono_us = views->mono_us();
	struct paced paced = { .provider = health->provider, .user.team = health->call.who.team };
	struct pace_view view;

	if (!health->provider)
		return;
	paced.count = config_find_paces(health->provider, buf_str(&health->sealed), views->key,
					paced.list);
	view = paces_view(views->paces, &paced, mono_us);
	add_limit(out, health, &view, mono_us);
	if (paced.count == 0 || (view.interval_us == 0 && view.next_us <= mono_us))
		return;
	json_add_name(out, "pace");
	buf_add_char(out, '{');
	if (view.interval_us > 0) {
		field_add_number(out, "interval_ms", view.interval_us / 1000);
		field_add_number(out, "burst", paced.list[0].burst);
	}
	if (view.next_us > mono_us)
		field_add_time(out, "next_at", health->call.api.now_us() + view.next_us - mono_us);
	buf_add_char(out, '}');
}

static bool is_unreadable(const struct health_view *health)
{
	struct opened_config opened;

	if (!health->provider)
		return false;
	if (config_open(&opened, health->provider, buf_str(&health->sealed),
			views_of(&health->call)->key) == -EBADMSG)
		return true;
	opened_config_done(&opened);
	return false;
}

static const char *state_word(const struct breaker *breaker, enum breaker_state state,
			      bool unreadable)
{
	if (state == BREAKER_DISABLED)
		return "disabled";
	if (unreadable)
		return "failing";
	if (state == BREAKER_PROBING)
		return "probing";
	return state == BREAKER_OPEN || breaker->failures > 0 ? "failing" : "healthy";
}

static void add_fallback(struct buf *out, const struct health_view *health)
{
	char id[ID_TEXT_SIZE];

	if (uuid_is_zero(&health->fallback))
		return;
	id_format(ID_CHANNEL, &health->fallback, id);
	json_add_name(out, "fallback");
	buf_add_char(out, '{');
	json_add_member(out, "channel_id", str_of(id));
	field_add_time(out, "taken_over_at", health->taken_over_us);
	buf_add_char(out, '}');
}

static void write_health(struct buf *out, const struct health_view *health)
{
	const struct breaker *breaker = &health->breaker;
	enum breaker_state state = breaker_state(breaker, health->call.now_us);
	bool unreadable = is_unreadable(health);
	struct str last_error = unreadable ? STR(UNREADABLE) : buf_str(&health->last_error);

	buf_add_char(out, '{');
	json_add_member(out, "state", str_of(state_word(breaker, state, unreadable)));
	field_add_time(out, "failing_since", breaker->failing_since_us);
	json_add_name(out, "breaker");
	buf_add_char(out, '{');
	json_add_member(out, "state", str_of(breaker_name(state)));
	if (state == BREAKER_OPEN)
		field_add_time(out, "until", breaker->open_until_us);
	field_add_number(out, "failures", breaker->failures);
	buf_add_char(out, '}');
	add_pace(out, health);
	json_add_name(out, "backlog");
	buf_add_char(out, '{');
	field_add_number(out, "pending", health->pending);
	if (health->has_more) {
		json_add_name(out, "has_more");
		buf_add_text(out, "true");
	}
	field_add_time(out, "oldest_at", health->oldest_us);
	if (health->held > 0) {
		field_add_number(out, "held", health->held);
		field_add_time(out, "held_until", health->held_until_us);
	}
	buf_add_char(out, '}');
	field_add_time(out, "last_success_at", health->last_success_us);
	field_add_text(out, "last_error", last_error);
	field_add_time(out, "last_error_at", health->last_error_us);
	field_add_time(out, "disabled_at", breaker->disabled_us);
	field_add_text(out, "disabled_reason", buf_str(&health->disabled_reason));
	add_fallback(out, health);
	buf_add_char(out, '}');
}

static int run_health(struct db *db, struct store_job *job)
{
	struct health_view *health = container_of(job, struct health_view, call.job);
	struct api_call *call = &health->call;
	const struct db_value values[] = { db_uuid(&call->id), db_uuid(&call->who.team) };
	const struct db_value backlog[] = { db_uuid(&call->id), db_time(call->now_us) };
	int rc;

	buf_reset(&health->sealed);
	buf_reset(&health->last_error);
	buf_reset(&health->disabled_reason);
	call->found = false;
	rc = db_run_now(db, &read_channel, values, ARRAY_LEN(values), on_channel, health, NULL);
	if (rc < 0 || !call->found)
		return rc;
	return db_run_now(db, &read_backlog, backlog, ARRAY_LEN(backlog), on_backlog, health, NULL);
}

static void on_health_read(struct store_job *job, int rc)
{
	struct health_view *health = container_of(job, struct health_view, call.job);
	struct api_call *call = &health->call;

	if (rc == 0 && call->found) {
		write_health(&call->json, health);
		rc = call->json.err;
	}
	api_call_on_shown(job, rc);
}

static void end_health(struct api_call *call)
{
	struct health_view *health = container_of(call, struct health_view, call);

	buf_done(&health->sealed);
	buf_done(&health->last_error);
	buf_done(&health->disabled_reason);
}

void view_health(struct http_request *request, void *owner)
{
	struct api_call *call =
		api_call_new_for_channel(owner, request, sizeof(struct health_view));
	struct health_view *health;

	if (!call)
		return;
	health = container_of(call, struct health_view, call);
	buf_init(&health->sealed, SEALED_CONFIG_MAX);
	buf_init(&health->last_error, 65536);
	buf_init(&health->disabled_reason, 65536);
	call->done = end_health;
	call->job.run = run_health;
	call->job.on_done = on_health_read;
	api_call_submit(call, store_read_for_request);
}
