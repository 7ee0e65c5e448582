/* SPDX-License-Identifier: Apache-2.0 */

/* The base of links in messages: what is kept, and what a fault says. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "config/config.h"

static char faults_text[4096];

static int load_one(const char *variable, struct config *out)
{
	const char *const environment[] = { variable, NULL };
	struct buf faults;

	buf_init(&faults, sizeof(faults_text) - 1);
	int rc = config_load((char *const *)environment, NULL, CONFIG_FOR_STORE, out, &faults);
	snprintf(faults_text, sizeof(faults_text), "%s", buf_text(&faults));
	buf_done(&faults);
	return rc;
}

Test(link_base, is_kept_without_its_trailing_slashes)
{
	static const struct {
		const char *value;
		const char *expected;
	} cases[] = {
		{ "https://h", "https://h" },
		{ "https://h/", "https://h" },
		{ "https://h///", "https://h" },
		{ "http://127.0.0.1:8000/", "http://127.0.0.1:8000" },
		{ "https://[::1]:8000/a/", "https://[::1]:8000/a" },
		{ "https://h/a//b~c/d.e-f_g", "https://h/a//b~c/d.e-f_g" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char variable[100];
		struct config config;

		snprintf(variable, sizeof(variable), "WRENN_EVENTS_LINK_BASE=%s", cases[i].value);
		cr_assert_eq(load_one(variable, &config), 0, "%s", faults_text);
		cr_expect_str_eq(config.link_base, cases[i].expected);
		config_done(&config);
	}
}

Test(link_base, has_512_bytes_and_no_more)
{
	char variable[600] = "WRENN_EVENTS_LINK_BASE=https://h/";
	const size_t name_len = strlen("WRENN_EVENTS_LINK_BASE=");
	const size_t len = strlen(variable);
	struct config config;

	memset(variable + len, 'a', name_len + 512 - len);
	cr_expect_eq(load_one(variable, &config), 0, "%s", faults_text);
	config_done(&config);
	variable[name_len + 512] = 'a';
	cr_expect_eq(load_one(variable, &config), -EINVAL);
}

Test(link_base, is_refused_with_the_part_that_is_wrong)
{
	static const struct {
		const char *value;
		const char *words;
	} cases[] = {
		{ "ftp://h", "the URL does not begin with https:// or http://" },
		{ "HTTPS://h", "the URL does not begin with https:// or http://" },
		{ "https://u:hunter2@h", "the URL has a user name or password in it" },
		{ "https://h:0", "the URL has a port" },
		{ "https://h/?q", "after the host only letters" },
		{ "https://h/a(b)", "after the host only letters" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char variable[100];
		struct config config;

		snprintf(variable, sizeof(variable), "WRENN_EVENTS_LINK_BASE=%s", cases[i].value);
		cr_expect_eq(load_one(variable, &config), -EINVAL, "%s", cases[i].value);
		cr_expect_not_null(strstr(faults_text, cases[i].words), "%s: %s", cases[i].value,
				   faults_text);
		cr_expect_null(strstr(faults_text, "hunter2"));
	}
}
