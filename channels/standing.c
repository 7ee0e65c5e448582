/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One table says what an attempt's outcome means in each state, standing_apply() alone acts on it.
 * Failures in a row open the breaker; its time doubles with every probe that fails, with jitter so that
 * the channels of a dead host do not knock together. Times that cannot be, because the clock
 * was set back, are taken for now.
 */
#include "channels/standing.h"

#include <assert.h>
#include <stdio.h>

#include "core/backoff.h"
#include "core/utf8.h"

#define JITTER_PERCENT 20
/* With all its jitter it ends at STANDING_LONGEST_US. */
#define LONGEST_PLAIN_US (STANDING_LONGEST_US * 100 / (100 + JITTER_PERCENT))

enum outcome { IN_SUCCESS, IN_FAILURE, IN_DISABLING, IN_NOTHING, OUTCOMES };

enum action {
	STAY,
	CLOSE,    /* as new */
	COUNT,    /* a failure; the fifth opens */
	OPEN,     /* a failure that opens at once, for longer */
	REMEMBER, /* a failure of a request that was under way when it opened */
};

/* clang-format off */
static const enum action table[][OUTCOMES] = {
	/*                     success, failure,  disabling, nothing */
	[STANDING_CLOSED]   = { CLOSE,  COUNT,    COUNT,     STAY },
	[STANDING_OPEN]     = { CLOSE,  REMEMBER, REMEMBER,  STAY },
	[STANDING_PROBING]  = { CLOSE,  OPEN,     OPEN,      STAY },
	[STANDING_DISABLED] = { STAY,   STAY,     STAY,      STAY },
};
/* clang-format on */

const char *standing_name(enum standing_state state)
{
	static const char *const names[] = {
		[STANDING_CLOSED] = "closed",
		[STANDING_OPEN] = "open",
		[STANDING_PROBING] = "probing",
		[STANDING_DISABLED] = "disabled",
	};

	return names[state];
}

/* Opened for longer than any opening lasts: the clock was set back. */
static bool is_open(const struct standing *standing, int64_t now_us)
{
	return standing->open_until_us > now_us &&
	       standing->open_until_us - now_us <= STANDING_LONGEST_US;
}

enum standing_state standing_state(const struct standing *standing, int64_t now_us)
{
	if (standing->disabled_us)
		return STANDING_DISABLED;
	if (standing->opened == 0)
		return STANDING_CLOSED;
	return is_open(standing, now_us) ? STANDING_OPEN : STANDING_PROBING;
}

int64_t standing_wait_us(const struct standing *standing, int64_t now_us)
{
	switch (standing_state(standing, now_us)) {
	case STANDING_DISABLED:
		return INT64_MAX;
	case STANDING_OPEN:
		return standing->open_until_us;
	case STANDING_CLOSED:
	case STANDING_PROBING:
		break;
	}
	return 0;
}

static enum outcome outcome_of(const struct verdict *verdict)
{
	switch (verdict->kind) {
	case VERDICT_DELIVERED:
		return IN_SUCCESS;
	case VERDICT_RETRY:
		return verdict->is_throttled ? IN_NOTHING : IN_FAILURE;
	case VERDICT_REJECT:
		return IN_FAILURE;
	case VERDICT_DISABLE:
		return IN_DISABLING;
	case VERDICT_REFORM:
	case VERDICT_REBIND:
		break;
	}
	return IN_NOTHING;
}

static void count_one(unsigned *count)
{
	if (*count < INT32_MAX) /* what its column holds */
		(*count)++;
}

static void count_failure(struct standing *standing, enum outcome outcome, int64_t now_us)
{
	count_one(&standing->failures);
	if (outcome == IN_DISABLING)
		count_one(&standing->disabling);
	else
		standing->disabling = 0;
	if (standing->failing_since_us == 0 || standing->failing_since_us > now_us)
		standing->failing_since_us = now_us;
}

static void open_breaker(struct standing *standing, int64_t now_us)
{
	int64_t span_us = STANDING_FIRST_US;

	for (unsigned i = 0; i < standing->opened && span_us < LONGEST_PLAIN_US; i++)
		span_us *= 2;
	if (span_us > LONGEST_PLAIN_US)
		span_us = LONGEST_PLAIN_US;
	count_one(&standing->opened);
	standing->open_until_us = now_us + jitter(span_us, JITTER_PERCENT);
}

static void disable(struct standing *standing, const char *what, const char *sentence,
		    int64_t now_us)
{
	char text[512];
	struct str reason;

	standing->disabled_us = now_us;
	snprintf(text, sizeof(text), "%s%s%s", what, *what && sentence ? ": " : "",
		 sentence ? sentence : "");
	reason = str_of(text);
	if (reason.len == 0)
		reason = STR("the destination refuses for good");
	reason = utf8_cut(reason, sizeof(standing->disabled_reason) - 1);
	memcpy(standing->disabled_reason, reason.at, reason.len);
	standing->disabled_reason[reason.len] = '\0';
}

static bool is_hopeless(const struct standing *standing, int64_t now_us)
{
	return standing->failures >= STANDING_GIVE_UP &&
	       now_us - standing->failing_since_us >= STANDING_GIVE_UP_US;
}

bool standing_apply(struct standing *standing, const struct verdict *verdict, const char *sentence,
		    int64_t now_us)
{
	enum outcome outcome = outcome_of(verdict);
	enum action action = table[standing_state(standing, now_us)][outcome];

	assert(now_us > 0);
	if (action == CLOSE)
		standing_reset(standing);
	if (action == CLOSE || action == STAY)
		return false;
	count_failure(standing, outcome, now_us);
	if (action == OPEN || (action == COUNT && standing->failures >= STANDING_FAILURES))
		open_breaker(standing, now_us);
	if (standing->disabling >= STANDING_DISABLING ||
	    (outcome == IN_DISABLING && verdict->is_final))
		disable(standing, "", sentence, now_us);
	else if (is_hopeless(standing, now_us))
		disable(standing, "nothing but failures for 5 days", sentence, now_us);
	return standing->disabled_us != 0;
}

void standing_reset(struct standing *standing)
{
	*standing = (struct standing){ .failures = 0 };
}

/* ---- in channel_state ------------------------------------------------------------------- */

static unsigned read_count(const struct db_row *row, int column)
{
	int64_t count = row_int(row, column);

	if (count < 0)
		return 0;
	return count > INT32_MAX ? INT32_MAX : (unsigned)count;
}

void standing_read(const struct db_row *row, int first, struct standing *out)
{
	struct str reason = row_text(row, first + 6);

	standing_reset(out);
	out->failures = read_count(row, first);
	out->disabling = read_count(row, first + 1);
	out->opened = read_count(row, first + 2);
	out->open_until_us = row_time(row, first + 3);
	out->failing_since_us = row_time(row, first + 4);
	out->disabled_us = row_time(row, first + 5);
	reason = utf8_cut(reason, sizeof(out->disabled_reason) - 1);
	memcpy(out->disabled_reason, reason.at, reason.len);
}

static const struct db_query load_standing = {
	.sql = "SELECT " STANDING_COLUMNS " FROM channel_state WHERE channel_id = $1 FOR UPDATE",
	.sqlite = "SELECT " STANDING_COLUMNS " FROM channel_state WHERE channel_id = $1",
};
static const struct db_query store_standing = {
	.sql = "UPDATE channel_state SET failures = $2, disabling = $3, breaker_opened = $4, "
	       "breaker_until = $5, failing_since = $6, disabled_at = $7, disabled_reason = $8, "
	       "last_success_at = COALESCE($9, last_success_at), "
	       "last_error_at = COALESCE($10, last_error_at), "
	       "last_error = COALESCE($11, last_error), updated_at = $12 WHERE channel_id = $1",
};

static int on_standing(const struct db_row *row, void *arg)
{
	standing_read(row, 0, arg);
	return 0;
}

int standing_load(struct db *db, const struct uuid *channel, struct standing *out)
{
	const struct db_value id = db_uuid(channel);

	standing_reset(out);
	return db_run_now(db, &load_standing, &id, 1, on_standing, out, NULL);
}

static struct db_value time_or_null(int64_t us)
{
	return us ? db_time(us) : db_null();
}

int standing_store(struct db *db, const struct uuid *channel, const struct standing *standing,
		   const struct standing_note *note, int64_t now_us)
{
	static const struct standing_note nothing = { .success_us = 0 };
	const struct standing_note *last = note ? note : &nothing;
	const struct db_value values[] = {
		db_uuid(channel),
		db_int(standing->failures),
		db_int(standing->disabling),
		db_int(standing->opened),
		time_or_null(standing->open_until_us),
		time_or_null(standing->failing_since_us),
		time_or_null(standing->disabled_us),
		db_text_or_null(str_of(standing->disabled_reason)),
		time_or_null(last->success_us),
		time_or_null(last->error_us),
		last->error_us ? db_text(last->error) : db_null(),
		db_time(now_us),
	};

	return db_run(db, &store_standing, values, ARRAY_LEN(values), NULL, NULL, NULL);
}
