/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation fails in turn: settings are read whole or not at all. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"
#include "tests/support/heap.h"

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"

static void load(void *arg)
{
	static const char *const environment[] = {
		"WRENN_ENCRYPTION_KEY=" KEY,
		"DATABASE_URL=sqlite:var/a.db",
		"WRENN_EVENTS_LISTEN=127.0.0.1:9731",
		"WRENN_EVENTS_CORS_ORIGINS=https://a.example,https://b.example",
		NULL,
	};
	struct config config;
	struct buf faults;
	int rc;

	buf_init(&faults, 65536);
	rc = config_load((char *const *)environment, arg, CONFIG_FOR_SERVE, &config, &faults);
	if (heap_was_met())
		cr_expect_eq(rc, -ENOMEM, "%d", rc);
	else
		cr_expect_eq(rc, 0, "%s", buf_text(&faults));
	if (rc == 0) {
		cr_expect_str_eq(config.database_url, "sqlite:var/a.db");
		config_done(&config);
	}
	buf_done(&faults);
}

Test(fault, settings_are_read_whole_or_there_was_no_memory)
{
	char path[] = "/tmp/wrenn-config-XXXXXX";
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_geq(dprintf(fd, "WRENN_EVENTS_DATA_DIR=elsewhere\nREDIS_URL=redis://h:1/2\n"), 0);
	close(fd);
	heap_fail_each(load, path);
	unlink(path);
}
