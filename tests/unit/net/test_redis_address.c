/* SPDX-License-Identifier: Apache-2.0 */

/* REDIS_URL in every form it may have, and in many it may not. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "net/net.h"

static const struct good_address {
	const char *url;
	const char *host;
	const char *path;
	int port;
	int db;
	const char *user;
	const char *password;
} good_addresses[] = {
	{ "redis://localhost:6379/0", "localhost", "", 6379, 0, "", "" },
	{ "redis://localhost", "localhost", "", 6379, 0, "", "" },
	{ "redis://localhost/", "localhost", "", 6379, 0, "", "" },
	{ "redis://10.0.0.7:1/15", "10.0.0.7", "", 1, 15, "", "" },
	{ "redis://[::1]:6380/2", "::1", "", 6380, 2, "", "" },
	{ "redis://[::1]", "::1", "", 6379, 0, "", "" },
	{ "redis://h:65535?db=3", "h", "", 65535, 3, "", "" },
	{ "redis://:geheim@h", "h", "", 6379, 0, "", "geheim" },
	{ "redis://ada:ge%40he%3aim@h:1", "h", "", 1, 0, "ada", "ge@he:im" },
	{ "redis://ada:a@b@h", "h", "", 6379, 0, "ada", "a@b" },
	{ "redis://ada@h", "h", "", 6379, 0, "ada", "" },
	{ "unix:///run/redis.sock", "", "/run/redis.sock", 0, 0, "", "" },
	{ "unix:///run/a%20b.sock?db=4", "", "/run/a b.sock", 0, 4, "", "" },
};

Test(redis_address, reads_every_form)
{
	for (size_t i = 0; i < ARRAY_LEN(good_addresses); i++) {
		const struct good_address *want = &good_addresses[i];
		struct redis_address got;
		struct reason why;

		cr_assert_eq(redis_address_parse(str_of(want->url), &got, &why), 0, "%s: %s",
			     want->url, why.text);
		cr_expect_str_eq(got.host, want->host, "%s", want->url);
		cr_expect_str_eq(got.path, want->path, "%s", want->url);
		cr_expect_eq(got.port, want->port, "%s", want->url);
		cr_expect_eq(got.db, want->db, "%s", want->url);
		cr_expect_str_eq(got.user, want->user, "%s", want->url);
		cr_expect(str_is(secret_reveal(&got.password), want->password), "%s", want->url);
		redis_address_done(&got);
	}
}

Test(redis_address, refuses_what_is_malformed_and_repeats_no_password)
{
	static const char *const bad[] = {
		"",
		"redis",
		"redis:/",
		"redis://",
		"redis://:6379",
		"redis://h:0",
		"redis://h:65536",
		"redis://h:",
		"redis://h:12x",
		"redis://h:-1",
		"redis://h/x",
		"redis://h/-1",
		"redis://h/99999999999999999999",
		"redis://h/0/1",
		"redis://h?x=1",
		"redis://h?db=",
		"redis://u:geheim%@h",
		"redis://u:geheim%zz@h",
		"redis://u:geheim%00@h",
		"redis://a b",
		"redis://[::1",
		"rediss://u:geheim@h",
		"http://h",
		"unix://",
		"unix://relative",
		"unix:///a?x=1",
		"unix:///a?db=x",
		("unix:///"
		 "12345678901234567890123456789012345678901234567890123456789012345678901234"
		 "5678901234567890123456789012345678901234567890"),
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct redis_address out;
		struct reason why = { .text = "" };

		cr_expect_eq(redis_address_parse(str_of(bad[i]), &out, &why), -EINVAL, "%s",
			     bad[i]);
		cr_expect_str_eq(why.field, "REDIS_URL", "%s", bad[i]);
		cr_expect_neq(why.text[0], '\0', "%s", bad[i]);
		cr_expect_null(strstr(why.text, "geheim"), "%s", bad[i]);
	}
}

Test(redis_address, bounds_the_host_and_the_password)
{
	char url[4096];
	struct redis_address out;
	struct reason why;

	snprintf(url, sizeof(url), "redis://%0300d", 0);
	cr_expect_eq(redis_address_parse(str_of(url), &out, &why), -EINVAL);
	snprintf(url, sizeof(url), "redis://u:%02000d@h", 0);
	cr_expect_eq(redis_address_parse(str_of(url), &out, &why), -EINVAL);
}
