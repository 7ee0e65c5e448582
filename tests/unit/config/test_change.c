/* SPDX-License-Identifier: Apache-2.0 */

/* What changed between two loads, and what a running service takes of it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"

#define KEY       "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"
#define OTHER_KEY "100102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"

static char heard[1024];

static void hear(const char *name, bool is_live, void *owner)
{
	size_t len = strlen(heard);

	(void)owner;
	snprintf(heard + len, sizeof(heard) - len, "%s%s ", name, is_live ? "+" : "-");
}

static void load(const char *key, const char *first, const char *second, struct config *out)
{
	char variable[128];
	const char *const environment[] = { variable, first, second, NULL };
	struct buf faults;

	snprintf(variable, sizeof(variable), "WRENN_ENCRYPTION_KEY=%s", key);
	buf_init(&faults, 65536);
	cr_assert_eq(config_load((char *const *)environment, NULL, CONFIG_FOR_SERVE, out, &faults),
		     0, "%s", buf_text(&faults));
	buf_done(&faults);
}

Test(config_change, names_what_differs_and_takes_what_may_change)
{
	struct config old;
	struct config fresh;

	load(KEY, "WRENN_EVENTS_LINK_BASE=https://a.example", "WRENN_EVENTS_GROUP=a", &old);
	load(OTHER_KEY, "WRENN_EVENTS_LINK_BASE=https://b.example", "WRENN_EVENTS_GROUP=b", &fresh);
	config_compare(&old, &fresh, hear, NULL);
	cr_expect_str_eq(heard, "WRENN_ENCRYPTION_KEY- WRENN_EVENTS_GROUP- "
				"WRENN_EVENTS_LINK_BASE+ ");
	config_take_live(&old, &fresh);
	cr_expect_str_eq(old.link_base, "https://b.example");
	cr_expect_str_eq(old.group, "a");
	cr_expect_eq(old.encryption_key[0], 0);
	heard[0] = '\0';
	config_done(&fresh);
	load(OTHER_KEY, "WRENN_EVENTS_LINK_BASE=https://b.example", "WRENN_EVENTS_GROUP=b", &fresh);
	config_compare(&old, &fresh, hear, NULL);
	cr_expect_str_eq(heard, "WRENN_ENCRYPTION_KEY- WRENN_EVENTS_GROUP- ");
	config_done(&old);
	config_done(&fresh);
}

Test(config_change, takes_every_setting_that_may_change)
{
	const char *const environment[] = { "WRENN_ENCRYPTION_KEY=" KEY,
					    "WRENN_EVENTS_LOG=text",
					    "WRENN_EVENTS_LOG_LEVEL=error",
					    "WRENN_EVENTS_MAX_CONNECTIONS=7",
					    "WRENN_EVENTS_MAX_STREAMS_PER_TEAM=8",
					    "WRENN_EVENTS_CA_FILE=/dev/null",
					    "WRENN_EVENTS_CORS_ORIGINS=https://a.example",
					    "WRENN_EVENTS_LINK_BASE=https://b.example",
					    NULL };
	struct config old;
	struct config fresh;
	struct buf faults;

	buf_init(&faults, 65536);
	load(KEY, "WRENN_EVENTS_LOG=json", NULL, &old);
	cr_assert_eq(
		config_load((char *const *)environment, NULL, CONFIG_FOR_SERVE, &fresh, &faults), 0,
		"%s", buf_text(&faults));
	config_take_live(&old, &fresh);
	config_done(&fresh);
	cr_expect_eq(old.log, CONFIG_LOG_TEXT);
	cr_expect_eq(old.log_level, CONFIG_LOG_ERROR);
	cr_expect_eq(old.max_connections, 7);
	cr_expect_eq(old.max_streams_per_team, 8);
	cr_expect_str_eq(old.ca_file, "/dev/null");
	cr_expect_str_eq(old.cors_origins, "https://a.example");
	cr_expect_str_eq(old.link_base, "https://b.example");
	cr_assert_eq(
		config_load((char *const *)environment, NULL, CONFIG_FOR_SERVE, &fresh, &faults),
		0);
	config_compare(&old, &fresh, hear, NULL);
	cr_expect_str_eq(heard, "");
	config_done(&old);
	config_done(&fresh);
	buf_done(&faults);
}
