/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One table says what the outcome of an attempt means in each state; breaker_apply() alone acts on
 * it. Failures in a row open the breaker. Each failed probe doubles the time it stays open. Jitter
 * keeps the channels of a dead host from probing together. After the clock was set back, a stored
 * time may lie too far in the future. The breaker then probes at once.
 */
#include "delivery/breaker.h"

#include <assert.h>
#include <stdio.h>

#include "core/backoff.h"
#include "core/utf8.h"

#define JITTER_PERCENT 20
/* With the largest jitter this is BREAKER_LONGEST_US. */
#define LONGEST_PLAIN_US (BREAKER_LONGEST_US * 100 / (100 + JITTER_PERCENT))

enum outcome { IN_SUCCESS, IN_FAILURE, IN_DISABLING, IN_NOTHING, OUTCOMES };

enum action {
	STAY,
	CLOSE,    /* as new */
	COUNT,    /* a failure; the fifth opens */
	OPEN,     /* a failure that opens at once, for longer */
	REMEMBER, /* a failure of a request that began before it opened */
};

/* clang-format off */
static const enum action table[][OUTCOMES] = {
	/*                     success, failure,  disabling, nothing */
	[BREAKER_CLOSED]   = { CLOSE,  COUNT,    COUNT,     STAY },
	[BREAKER_OPEN]     = { CLOSE,  REMEMBER, REMEMBER,  STAY },
	[BREAKER_PROBING]  = { CLOSE,  OPEN,     OPEN,      STAY },
	[BREAKER_DISABLED] = { STAY,   STAY,     STAY,      STAY },
};
/* clang-format on */

const char *breaker_name(enum breaker_state state)
{
	static const char *const names[] = {
		[BREAKER_CLOSED] = "closed",
		[BREAKER_OPEN] = "open",
		[BREAKER_PROBING] = "probing",
		[BREAKER_DISABLED] = "disabled",
	};

	return names[state];
}

/* False when it would stay open for longer than any breaker does: the clock was set back. */
static bool is_open(const struct breaker *breaker, int64_t now_us)
{
	return breaker->open_until_us > now_us &&
	       breaker->open_until_us - now_us <= BREAKER_LONGEST_US;
}

enum breaker_state breaker_state(const struct breaker *breaker, int64_t now_us)
{
	if (breaker->disabled_us)
		return BREAKER_DISABLED;
	if (breaker->opened == 0)
		return BREAKER_CLOSED;
	return is_open(breaker, now_us) ? BREAKER_OPEN : BREAKER_PROBING;
}

int64_t breaker_wait_us(const struct breaker *breaker, int64_t now_us)
{
	switch (breaker_state(breaker, now_us)) {
	case BREAKER_DISABLED:
		return INT64_MAX;
	case BREAKER_OPEN:
		return breaker->open_until_us;
	case BREAKER_CLOSED:
	case BREAKER_PROBING:
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
	case VERDICT_REPOST:
		break;
	}
	return IN_NOTHING;
}

static void count_one(unsigned *count)
{
	if (*count < INT32_MAX) /* the largest value of its column */
		(*count)++;
}

static void count_failure(struct breaker *breaker, enum outcome outcome, int64_t now_us)
{
	count_one(&breaker->failures);
	if (outcome == IN_DISABLING)
		count_one(&breaker->disabling);
	else
		breaker->disabling = 0;
	if (breaker->failing_since_us == 0 || breaker->failing_since_us > now_us)
		breaker->failing_since_us = now_us;
}

static void open_breaker(struct breaker *breaker, int64_t now_us)
{
	int64_t span_us = BREAKER_FIRST_US;

	for (unsigned i = 0; i < breaker->opened && span_us < LONGEST_PLAIN_US; i++)
		span_us *= 2;
	if (span_us > LONGEST_PLAIN_US)
		span_us = LONGEST_PLAIN_US;
	count_one(&breaker->opened);
	breaker->open_until_us = now_us + jitter(span_us, JITTER_PERCENT);
}

static void disable(struct breaker *breaker, const char *what, const char *sentence, int64_t now_us)
{
	char text[512];
	struct str reason;

	breaker->disabled_us = now_us;
	snprintf(text, sizeof(text), "%s%s%s", what, *what && sentence ? ": " : "",
		 sentence ? sentence : "");
	reason = str_of(text);
	if (reason.len == 0)
		reason = STR("the destination refuses for good");
	reason = utf8_cut(reason, sizeof(breaker->disabled_reason) - 1);
	memcpy(breaker->disabled_reason, reason.at, reason.len);
	breaker->disabled_reason[reason.len] = '\0';
}

static bool is_hopeless(const struct breaker *breaker, int64_t now_us)
{
	return breaker->failures >= BREAKER_GIVE_UP &&
	       now_us - breaker->failing_since_us >= BREAKER_GIVE_UP_US;
}

bool breaker_apply(struct breaker *breaker, const struct verdict *verdict, const char *sentence,
		   int64_t now_us)
{
	enum outcome outcome = outcome_of(verdict);
	enum action action = table[breaker_state(breaker, now_us)][outcome];

	assert(now_us > 0);
	if (action == CLOSE)
		breaker_reset(breaker);
	if (action == CLOSE || action == STAY)
		return false;
	count_failure(breaker, outcome, now_us);
	if (action == OPEN || (action == COUNT && breaker->failures >= BREAKER_FAILURES))
		open_breaker(breaker, now_us);
	if (breaker->disabling >= BREAKER_DISABLING ||
	    (outcome == IN_DISABLING && verdict->is_final))
		disable(breaker, "", sentence, now_us);
	else if (is_hopeless(breaker, now_us))
		disable(breaker, "nothing but failures for 5 days", sentence, now_us);
	return breaker->disabled_us != 0;
}

void breaker_reset(struct breaker *breaker)
{
	*breaker = (struct breaker){ .failures = 0 };
}

/* ---- in channel_state ------------------------------------------------------------------- */

static unsigned read_count(const struct db_row *row, int column)
{
	int64_t count = row_int(row, column);

	if (count < 0)
		return 0;
	return count > INT32_MAX ? INT32_MAX : (unsigned)count;
}

void breaker_read(const struct db_row *row, int first, struct breaker *out)
{
	struct str reason = row_text(row, first + 6);

	breaker_reset(out);
	out->failures = read_count(row, first);
	out->disabling = read_count(row, first + 1);
	out->opened = read_count(row, first + 2);
	out->open_until_us = row_time(row, first + 3);
	out->failing_since_us = row_time(row, first + 4);
	out->disabled_us = row_time(row, first + 5);
	reason = utf8_cut(reason, sizeof(out->disabled_reason) - 1);
	memcpy(out->disabled_reason, reason.at, reason.len);
}

static const struct db_query load_breaker = {
	.sql = "SELECT " BREAKER_COLUMNS " FROM channel_state WHERE channel_id = $1 FOR UPDATE",
	.sqlite = "SELECT " BREAKER_COLUMNS " FROM channel_state WHERE channel_id = $1",
};
static const struct db_query store_breaker = {
	.sql = "UPDATE channel_state SET failures = $2, disabling = $3, breaker_opened = $4, "
	       "breaker_until = $5, failing_since = $6, disabled_at = $7, disabled_reason = $8, "
	       "last_success_at = COALESCE($9, last_success_at), "
	       "last_error_at = COALESCE($10, last_error_at), "
	       "last_error = COALESCE($11, last_error), updated_at = $12 WHERE channel_id = $1",
};

static int on_breaker(const struct db_row *row, void *arg)
{
	breaker_read(row, 0, arg);
	return 0;
}

int breaker_load(struct db *db, const struct uuid *channel, struct breaker *out)
{
	const struct db_value id = db_uuid(channel);

	breaker_reset(out);
	return db_run_now(db, &load_breaker, &id, 1, on_breaker, out, NULL);
}

static struct db_value time_or_null(int64_t us)
{
	return us ? db_time(us) : db_null();
}

int breaker_store(struct db *db, const struct uuid *channel, const struct breaker *breaker,
		  const struct breaker_note *note, int64_t now_us)
{
	static const struct breaker_note nothing = { .success_us = 0 };
	const struct breaker_note *last = note ? note : &nothing;
	const struct db_value values[] = {
		db_uuid(channel),
		db_int(breaker->failures),
		db_int(breaker->disabling),
		db_int(breaker->opened),
		time_or_null(breaker->open_until_us),
		time_or_null(breaker->failing_since_us),
		time_or_null(breaker->disabled_us),
		db_text_or_null(str_of(breaker->disabled_reason)),
		time_or_null(last->success_us),
		time_or_null(last->error_us),
		last->error_us ? db_text(last->error) : db_null(),
		db_time(now_us),
	};

	return db_run(db, &store_breaker, values, ARRAY_LEN(values), NULL, NULL, NULL);
}
