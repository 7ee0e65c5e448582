/* SPDX-License-Identifier: Apache-2.0 */

/* The hosts beside the vendors' own: what is kept, for whom, and what is refused. */
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

Test(hosts, are_kept_for_each_provider)
{
	static const char *const environment[] = {
		"WRENN_EVENTS_HOSTS_SLACK=chat.example.org, mm-1.example",
		"WRENN_EVENTS_HOSTS_DISCORD=d.example", "WRENN_EVENTS_HOSTS_TEAMS=flow.example",
		NULL
	};
	static const char *const none[] = { "WRENN_EVENTS_HOSTS_SLACK=", NULL };
	static const struct {
		const char *provider, *hosts;
	} wanted[] = {
		{ "slack", "chat.example.org, mm-1.example" },
		{ "discord", "d.example" },
		{ "teams", "flow.example" },
	};
	struct config config;

	cr_assert_eq(load(environment, &config), 0);
	cr_assert_eq(config.hosts_count, ARRAY_LEN(wanted));
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		cr_expect_str_eq(config.hosts[i].provider, wanted[i].provider);
		cr_expect_str_eq(config.hosts[i].hosts, wanted[i].hosts);
	}
	config_done(&config);
	cr_assert_eq(load(none, &config), 0);
	cr_expect_eq(config.hosts_count, 0);
	config_done(&config);
}

Test(hosts, are_names_and_nothing_else)
{
	static const char *const refused[] = {
		"WRENN_EVENTS_HOSTS_SLACK=https://h",
		"WRENN_EVENTS_HOSTS_SLACK=h:80",
		"WRENN_EVENTS_HOSTS_SLACK=a.example,,b.example",
		"WRENN_EVENTS_HOSTS_DISCORD=a.example/x",
		"WRENN_EVENTS_HOSTS_TEAMS=*.example",
	};

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		const char *const environment[] = { refused[i], NULL };
		struct config config;

		cr_expect_eq(load(environment, &config), -EINVAL, "%s", refused[i]);
	}
}
