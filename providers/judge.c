/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From an answer to a verdict, for providers whose status codes mean what HTTP says. When in
 * doubt whether a later try could succeed, only the codes that HTTP calls temporary are
 * tried again.
 */
#include "core/rfc3339.h"
#include "providers/provider.h"

#define RETRY_AFTER_MAX_MS INT64_C(3600000)

static bool is_digits(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
	}
	return text.len > 0;
}

int64_t retry_after_ms(const struct answer *answer, int64_t now_us)
{
	struct str value = answer_header(answer, "Retry-After");
	unsigned long long seconds;
	int64_t at_us;

	if (is_digits(value)) {
		/* More digits than a number holds is still "very long". */
		if (!str_to_u64(value, &seconds) || seconds > RETRY_AFTER_MAX_MS / 1000)
			return RETRY_AFTER_MAX_MS;
		return (int64_t)seconds * 1000;
	}
	if (http_date_parse(value, &at_us) != 0)
		return -1;
	if (at_us <= now_us)
		return 0;
	if (at_us - now_us > RETRY_AFTER_MAX_MS * 1000)
		return RETRY_AFTER_MAX_MS;
	return (at_us - now_us + 999) / 1000;
}

static enum verdict_kind judge_status(int status)
{
	if (status >= 200 && status <= 299)
		return VERDICT_DELIVERED;
	if (status == 410)
		return VERDICT_DISABLE;
	if (status == 408 || status == 425 || status == 429 || (status >= 500 && status <= 599))
		return VERDICT_RETRY;
	return VERDICT_REJECT;
}

struct verdict verdict_of(enum verdict_kind kind)
{
	return (struct verdict){ .kind = kind, .retry_after_ms = -1, .pause_ms = -1 };
}

struct verdict judge_by_status(const struct answer *answer, int64_t now_us)
{
	struct verdict verdict = verdict_of(VERDICT_RETRY);

	if (answer->fault == ANSWER_REFUSED)
		verdict.kind = VERDICT_REJECT;
	else if (answer->fault == ANSWER_OK ||
		 (answer->fault == ANSWER_TOO_LARGE && answer->status != 0))
		verdict.kind = judge_status(answer->status);
	if (verdict.kind == VERDICT_RETRY)
		verdict.retry_after_ms = retry_after_ms(answer, now_us);
	return verdict;
}
