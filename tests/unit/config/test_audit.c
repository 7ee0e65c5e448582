/* SPDX-License-Identifier: Apache-2.0 */

/* The settings of the audit log's proof: their defaults, their values, and what is refused. */
#include <criterion/criterion.h>
#include <errno.h>

#include "config/config.h"

static int load(const char *const environment[], struct config *out)
{
	struct buf faults;

	buf_init(&faults, 4096);
	int rc = config_load((char *const *)environment, NULL, CONFIG_FOR_STORE, out, &faults);
	buf_done(&faults);
	return rc;
}

Test(audit, has_a_key_in_the_data_directory_and_nothing_else)
{
	static const char *const environment[] = { "WRENN_EVENTS_DATA_DIR=/srv/events", NULL };
	struct config config;

	cr_assert_eq(load(environment, &config), 0);
	cr_expect_null(config.audit_origin);
	cr_expect_str_eq(config.audit_key_file, "/srv/events/audit-signing.key");
	cr_expect_null(config.audit_checkpoint_dir);
	cr_expect_null(config.audit_checkpoint_command);
	cr_expect_eq(config.audit_keep_days, 0);
	cr_expect_null(config.audit_archive_dir);
	config_done(&config);
}

Test(audit, takes_every_setting)
{
	static const char *const environment[] = {
		"WRENN_EVENTS_AUDIT_ORIGIN=events.example.com",
		"WRENN_EVENTS_AUDIT_KEY_FILE=/etc/signing",
		"WRENN_EVENTS_AUDIT_CHECKPOINT_DIR=/srv/notes",
		"WRENN_EVENTS_AUDIT_CHECKPOINT_COMMAND=mail -s checkpoint",
		"WRENN_EVENTS_AUDIT_KEEP_DAYS=400",
		"WRENN_EVENTS_AUDIT_ARCHIVE_DIR=/srv/archive",
		NULL,
	};
	struct config config;

	cr_assert_eq(load(environment, &config), 0);
	cr_expect_str_eq(config.audit_origin, "events.example.com");
	cr_expect_str_eq(config.audit_key_file, "/etc/signing");
	cr_expect_str_eq(config.audit_checkpoint_dir, "/srv/notes");
	cr_expect_str_eq(config.audit_checkpoint_command, "mail -s checkpoint");
	cr_expect_eq(config.audit_keep_days, 400);
	cr_expect_str_eq(config.audit_archive_dir, "/srv/archive");
	config_done(&config);
}

Test(audit, refuses_an_origin_that_no_key_may_have)
{
	static const char *const refused[] = {
		"WRENN_EVENTS_AUDIT_ORIGIN=two words",
		"WRENN_EVENTS_AUDIT_ORIGIN=a+b",
	};

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		const char *const environment[] = { refused[i], NULL };
		struct config config;

		cr_expect_eq(load(environment, &config), -EINVAL, "%s", refused[i]);
	}
}
