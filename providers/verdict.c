/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Turns an answer into a verdict by its status only. A status proves nothing against a message or a
 * channel, because a proxy, a portal or a firewall in between sends the same ones. Only the
 * vendor's own words do.
 */
#include "providers/verdict.h"

#include <stdio.h>
#include <string.h>

#include "core/rfc3339.h"
#include "providers/provider.h"

#define RETRY_AFTER_MAX_MS INT64_C(3600000)

int64_t retry_after_ms(const struct answer *answer, int64_t now_us)
{
	struct str value = answer_header(answer, "Retry-After");
	unsigned long long seconds;
	int64_t at_us;

	if (str_is_digits(value)) {
		/* A number with too many digits still means "very long". */
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

struct verdict verdict_of(enum verdict_kind kind)
{
	return (struct verdict){ .kind = kind, .retry_after_ms = -1, .pause_ms = -1 };
}

static bool is_redirect(const struct answer *answer)
{
	return answer->status >= 300 && answer->status <= 399;
}

static struct verdict try_again(const struct answer *answer, int64_t now_us)
{
	struct verdict verdict = verdict_of(VERDICT_RETRY);

	verdict.retry_after_ms = retry_after_ms(answer, now_us);
	if (is_redirect(answer))
		verdict.why = "redirected, which is not followed";
	return verdict;
}

struct verdict judge_by_status(const struct answer *answer, int64_t now_us)
{
	if (answer->fault == ANSWER_REFUSED)
		return verdict_of(VERDICT_REJECT);
	if (answer->status >= 200 && answer->status <= 299)
		return verdict_of(VERDICT_DELIVERED);
	return try_again(answer, now_us);
}

struct verdict judge_stranger(const struct answer *answer, int64_t now_us)
{
	struct verdict verdict;

	if (answer->status == 0)
		return judge_by_status(answer, now_us);
	verdict = try_again(answer, now_us);
	verdict.is_stranger = !is_redirect(answer);
	return verdict;
}

void verdict_describe(const struct provider *provider, const struct answer *answer,
		      const struct verdict *verdict, char out[VERDICT_TEXT_SIZE])
{
	char described[ANSWER_TEXT_SIZE];
	size_t title_len = strlen(provider->title);

	answer_describe(answer, described);
	if (verdict->is_stranger)
		snprintf(out, VERDICT_TEXT_SIZE, "%s with %s that is not %s'%s", described,
			 str_trim(answer->body).len ? "a page" : "an empty body", provider->title,
			 provider->title[title_len - 1] == 's' ? "" : "s");
	else if (verdict->why)
		snprintf(out, VERDICT_TEXT_SIZE, "%s (%s)", described, verdict->why);
	else
		snprintf(out, VERDICT_TEXT_SIZE, "%s", described);
}
