/* SPDX-License-Identifier: Apache-2.0 */

/* Lines that no worker writes. Everybody who may publish in Redis can send them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "targets/pace_news.h"

#define WORKER  "0f8fad5b-d9cb-469f-a165-70867728950e"
#define USER    " " WORKER " " WORKER
#define DIGITS  "0123456789abcdef"
#define KEY     DIGITS DIGITS DIGITS DIGITS
#define PACE    " " KEY " 5 1000000"
#define TOOK    WORKER " took slack" USER
#define LEARNED WORKER " learned slack" USER

static const char *const good[] = {
	TOOK,
	TOOK PACE,
	TOOK PACE PACE,
	TOOK " " KEY " 0 0",
	TOOK " " KEY " 1000 86400000000",
	LEARNED " 429 throttled 1000 channel -",
	LEARNED " 200 delivered - provider 86400000" PACE,
	LEARNED " 2147483647 other 86400000 everybody 0",
	WORKER " forgot -" USER,
	WORKER " forgot nobody" USER,
};

static const char *const bad[] = {
	"",
	" ",
	WORKER,
	"worker took slack" USER,
	WORKER " gave slack" USER,
	WORKER " took nobody" USER,
	WORKER " took -" USER,
	WORKER " learned - " USER " 200 other - channel -",
	WORKER " took slack " WORKER,
	WORKER " took slack x " WORKER,
	TOOK " ",
	TOOK PACE " ",
	TOOK PACE PACE PACE,
	TOOK " " KEY,
	TOOK " " KEY " 5",
	TOOK " " KEY " 1001 1",
	TOOK " " KEY " -1 1",
	TOOK " " KEY " 5 86400000001",
	TOOK " " KEY " 5 18446744073709551616",
	TOOK " " KEY " 5 1.5",
	TOOK " " KEY "0 5 1",
	TOOK " " DIGITS " 5 1",
	TOOK " " DIGITS DIGITS DIGITS "0123456789abcde/ 5 1",
	LEARNED,
	LEARNED " 429",
	LEARNED " 2147483648 other - channel -",
	LEARNED " -1 other - channel -",
	LEARNED " 429 late - channel -",
	LEARNED " 429 other 86400001 channel -",
	LEARNED " 429 other - nobody -",
	LEARNED " 429 other - channel 86400001",
	LEARNED " 429 other - channel",
	LEARNED " 429 other - channel - " DIGITS,
};

Test(pace_news, of_a_worker_are_read)
{
	struct pace_news news;

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		cr_expect_eq(pace_news_read(str_of(good[i]), &news), 0, "%s", good[i]);
}

Test(pace_news, that_no_worker_writes_are_refused)
{
	struct pace_news news;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_expect_eq(pace_news_read(str_of(bad[i]), &news), -EINVAL, "%s", bad[i]);
}

/* A slice need not end with a NUL. A sanitizer sees a byte too many. */
Test(pace_news, are_read_only_to_their_end)
{
	struct pace_news news;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct str line = str_of(good[i]);

		for (size_t len = 0; len <= line.len; len++) {
			char *copy = malloc(len ? len : 1);

			memcpy(copy, line.at, len);
			(void)!pace_news_read((struct str){ copy, len }, &news);
			cr_expect_leq(news.paced.count, PROVIDER_MAX_PACES);
			free(copy);
		}
	}
}

Test(pace_news, with_a_nul_are_refused)
{
	static const char line[] = TOOK " 0123456789abcde\0" DIGITS DIGITS DIGITS " 5 1";
	struct pace_news news;

	cr_expect_eq(pace_news_read((struct str){ line, sizeof(line) - 1 }, &news), -EINVAL);
}
