/* SPDX-License-Identifier: Apache-2.0 */

/* Status in, verdict out; and every spelling of Retry-After. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "providers/provider.h"

#define NOW_US  INT64_C(1779598928000000) /* 2026-05-24T05:02:08Z, a Sunday */
#define HOUR_MS (60 * 60 * 1000)

Test(judge_by_status, retries_all_but_a_success)
{
	static const struct {
		int status;
		enum verdict_kind expected;
	} cases[] = {
		{ 200, VERDICT_DELIVERED }, { 201, VERDICT_DELIVERED }, { 204, VERDICT_DELIVERED },
		{ 299, VERDICT_DELIVERED }, { 199, VERDICT_RETRY },     { 300, VERDICT_RETRY },
		{ 301, VERDICT_RETRY },     { 302, VERDICT_RETRY },     { 307, VERDICT_RETRY },
		{ 400, VERDICT_RETRY },     { 401, VERDICT_RETRY },     { 403, VERDICT_RETRY },
		{ 404, VERDICT_RETRY },     { 408, VERDICT_RETRY },     { 410, VERDICT_RETRY },
		{ 413, VERDICT_RETRY },     { 425, VERDICT_RETRY },     { 429, VERDICT_RETRY },
		{ 500, VERDICT_RETRY },     { 503, VERDICT_RETRY },     { 599, VERDICT_RETRY },
		{ 600, VERDICT_RETRY },     { 999, VERDICT_RETRY },     { 0, VERDICT_RETRY },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct answer answer = { .status = cases[i].status };
		struct verdict verdict = judge_by_status(&answer, NOW_US);

		cr_expect_eq(verdict.kind, cases[i].expected, "status %d", cases[i].status);
		cr_expect_eq(verdict.retry_after_ms, -1, "status %d", cases[i].status);
	}
}

Test(judge_by_status, says_that_a_redirect_is_not_followed)
{
	const struct answer answer = { .status = 301 };
	struct verdict verdict = judge_by_status(&answer, NOW_US);
	char text[VERDICT_TEXT_SIZE];

	verdict_describe(provider_find(STR("webhook")), &answer, &verdict, text);
	cr_expect_str_eq(text, "destination answered 301 (redirected, which is not followed)");
}

/* A proxy's page does not come from the vendor, whatever status it comes with. */
Test(judge_stranger, gives_no_vendor_the_blame_and_shows_who_spoke)
{
	static const int statuses[] = { 200, 202, 400, 401, 404, 405, 410, 413, 451, 500, 503 };

	for (size_t i = 0; provider_at(i); i++) {
		const struct provider *provider = provider_at(i);

		/* A webhook has no vendor whose words could be known. */
		if (!provider->paces)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(statuses); k++) {
			const struct answer answer = { .status = statuses[k],
						       .body = STR("<html>not here</html>"),
						       .headers = STR("Retry-After: 7\r\n") };
			struct verdict verdict = provider->judge(&answer, NOW_US);
			char text[VERDICT_TEXT_SIZE], want[VERDICT_TEXT_SIZE];

			cr_expect_eq(verdict.kind, VERDICT_RETRY, "%s %d", provider->name,
				     statuses[k]);
			cr_expect_eq(verdict.retry_after_ms, 7000, "%s %d", provider->name,
				     statuses[k]);
			cr_expect_eq(verdict.pause_ms, -1, "%s %d", provider->name, statuses[k]);
			verdict_describe(provider, &answer, &verdict, text);
			snprintf(want, sizeof(want),
				 "destination answered %d with a page that is not %s'%s",
				 statuses[k], provider->title,
				 strcmp(provider->name, "teams") ? "s" : "");
			cr_expect_str_eq(text, want);
		}
	}
}

Test(judge_by_status, retries_faults_of_the_network_and_rejects_a_refused_address)
{
	static const struct {
		enum answer_fault fault;
		enum verdict_kind expected;
	} cases[] = {
		{ ANSWER_REFUSED, VERDICT_REJECT },  { ANSWER_UNRESOLVED, VERDICT_RETRY },
		{ ANSWER_UNREACHED, VERDICT_RETRY }, { ANSWER_TLS, VERDICT_RETRY },
		{ ANSWER_TIMEOUT, VERDICT_RETRY },   { ANSWER_TOO_LARGE, VERDICT_RETRY },
		{ ANSWER_CANCELLED, VERDICT_RETRY }, { ANSWER_BROKEN, VERDICT_RETRY },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct answer answer = { .fault = cases[i].fault };

		cr_expect_eq(judge_by_status(&answer, NOW_US).kind, cases[i].expected, "fault %d",
			     (int)cases[i].fault);
	}
}

Test(judge_by_status, counts_a_success_with_a_body_too_long_to_read)
{
	const struct answer answer = { .fault = ANSWER_TOO_LARGE, .status = 200 };

	cr_expect_eq(judge_by_status(&answer, NOW_US).kind, VERDICT_DELIVERED);
}

/* Its status said what became of the message; another one would only repeat it. */
Test(judge_by_status, goes_by_the_status_of_an_answer_that_broke_off)
{
	static const enum answer_fault faults[] = { ANSWER_BROKEN, ANSWER_UNREACHED, ANSWER_TIMEOUT,
						    ANSWER_TOO_LARGE, ANSWER_TLS };
	static const char *const names[] = { "discord",    "slack",    "teams",
					     "googlechat", "telegram", "webhook" };

	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			const struct provider *provider = provider_find(str_of(names[k]));
			const struct answer good = { .fault = faults[i], .status = 200 };
			const struct answer bad = { .fault = faults[i], .status = 404 };
			const struct answer page = { .fault = faults[i],
						     .status = 200,
						     .body = STR("<html>") };

			cr_expect_eq(provider->judge(&good, NOW_US).kind, VERDICT_DELIVERED, "%s",
				     names[k]);
			cr_expect_eq(provider->judge(&bad, NOW_US).kind, VERDICT_RETRY, "%s",
				     names[k]);
			if (strcmp(names[k], "webhook") != 0)
				cr_expect_eq(provider->judge(&page, NOW_US).kind, VERDICT_RETRY,
					     "%s", names[k]);
		}
	}
}

Test(judge_by_status, passes_on_the_wish_of_the_destination)
{
	static const struct {
		int status;
		int64_t expected_ms;
	} cases[] = { { 429, 7000 }, { 503, 7000 }, { 500, 7000 }, { 404, 7000 }, { 200, -1 } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct answer answer = { .status = cases[i].status,
					       .headers = STR("Retry-After: 7\r\n") };

		cr_expect_eq(judge_by_status(&answer, NOW_US).retry_after_ms, cases[i].expected_ms,
			     "status %d", cases[i].status);
	}
}

Test(retry_after_ms, reads_seconds_and_dates_and_nothing_else)
{
	static const struct {
		const char *value;
		int64_t expected;
	} cases[] = {
		{ "0", 0 },
		{ "1", 1000 },
		{ "  30\t", 30000 },
		{ "007", 7000 },
		{ "3600", HOUR_MS },
		{ "3601", HOUR_MS },
		{ "18446744073709551615", HOUR_MS },
		{ "18446744073709551616", HOUR_MS },
		{ "99999999999999999999999999999999999999", HOUR_MS },
		{ "Sun, 24 May 2026 05:02:09 GMT", 1000 },
		{ "Sun, 24 May 2026 05:02:08 GMT", 0 },
		{ "Sunday, 24-May-26 05:02:09 GMT", 1000 },
		{ "Sun May 24 05:02:09 2026", 1000 },
		{ "Sun, 24 May 2026 05:02:07 GMT", 0 },
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
		{ "Sun, 24 May 2026 06:02:08 GMT", HOUR_MS },
		{ "Sun, 24 May 2026 06:02:09 GMT", HOUR_MS },
		{ "Fri, 31 Dec 9999 23:59:59 GMT", HOUR_MS },
		{ "", -1 },
		{ "-1", -1 },
		{ "+1", -1 },
		{ "1.5", -1 },
		{ "1s", -1 },
		{ "0x10", -1 },
		{ "1, 2", -1 },
		{ "soon", -1 },
		{ "Sun, 32 May 2026 05:02:09 GMT", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf headers;

		buf_init(&headers, 1000);
		buf_addf(&headers, "Server: x\r\nretry-after: %s\r\n", cases[i].value);
		const struct answer answer = { .status = 429, .headers = buf_str(&headers) };
		cr_expect_eq(retry_after_ms(&answer, NOW_US), cases[i].expected, "\"%s\"",
			     cases[i].value);
		buf_done(&headers);
	}
}

Test(retry_after_ms, is_unknown_without_the_header)
{
	const struct answer answer = { .status = 429 };

	cr_expect_eq(retry_after_ms(&answer, NOW_US), -1);
}

Test(retry_after_ms, rounds_up_to_whole_milliseconds)
{
	const struct answer answer = { .headers =
					       STR("Retry-After: Sun, 24 May 2026 05:02:09 GMT") };

	cr_expect_eq(retry_after_ms(&answer, NOW_US + 1), 1000);
	cr_expect_eq(retry_after_ms(&answer, NOW_US + 999999), 1);
}
