/* SPDX-License-Identifier: Apache-2.0 */

/* Finding providers by name and fields by name, and what every provider must define. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "providers/provider.h"

Test(provider_find, knows_every_provider_by_its_exact_name)
{
	static const char *const names[] = { "discord", "googlechat", "matrix", "slack",
					     "teams",   "telegram",   "webhook" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		cr_assert_not_null(provider_find(str_of(names[i])), "%s", names[i]);
	for (size_t i = 0; provider_at(i); i++) {
		const struct provider *provider = provider_at(i);

		cr_expect_eq(provider_find(str_of(provider->name)), provider);
		cr_expect_not_null(provider->check);
		cr_expect_not_null(provider->build);
		cr_expect_not_null(provider->judge);
		cr_expect_not_null(provider->fields[0].name);
	}
}

/* The console asks for the fields by a table of its own. */
Test(provider_find, knows_no_provider_that_the_console_does_not_offer)
{
	static char table[32768];
	FILE *file = fopen("console/channels/providers.js", "r");

	cr_assert_not_null(file);
	table[fread(table, 1, sizeof(table) - 1, file)] = '\0';
	fclose(file);
	for (size_t i = 0; provider_at(i); i++) {
		char row[64];

		snprintf(row, sizeof(row), "provider: \"%s\"", provider_at(i)->name);
		cr_expect_not_null(strstr(table, row), "%s", provider_at(i)->name);
		for (size_t j = 0; provider_at(i)->fields[j].name; j++) {
			snprintf(row, sizeof(row), "name: \"%s\"", provider_at(i)->fields[j].name);
			cr_expect_not_null(strstr(table, row), "%s", row);
		}
	}
}

Test(provider_find, gives_every_chat_provider_a_pace_and_a_size)
{
	for (size_t i = 0; provider_at(i); i++) {
		const struct provider *provider = provider_at(i);
		bool is_chat = strcmp(provider->name, "webhook") != 0;

		cr_expect_eq(provider->folds, is_chat, "%s", provider->name);
		cr_expect_eq(provider->paces != NULL, is_chat, "%s", provider->name);
		cr_expect_not_null(provider->measure, "%s", provider->name);
	}
}

Test(provider_find, knows_nothing_else)
{
	static const struct str unknown[] = {
		{ "", 0 },         { "Webhook", 7 },   { "webhoo", 6 }, { "webhooks", 8 },
		{ " webhook", 8 }, { "webhook\0", 8 }, { "email", 5 },
	};

	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		cr_expect_null(provider_find(unknown[i]), "case %zu", i);
}

Test(config_value, finds_a_field_or_gives_the_empty_slice)
{
	const struct provider_config config = {
		.count = 2,
		.fields = { { "url", STR("u") }, { "secret", STR("") }, { "room_id", STR("r") } },
	};

	cr_expect(str_is(config_value(&config, "url"), "u"));
	cr_expect_eq(config_value(&config, "secret").len, 0);
	cr_expect_eq(config_value(&config, "ur").len, 0);
	cr_expect_eq(config_value(&config, "room_id").len, 0, "after the count");
}
