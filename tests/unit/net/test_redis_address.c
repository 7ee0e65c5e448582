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
	{ "rediss://ada:geheim@h:6390/7", "h", "", 6390, 7, "ada", "geheim" },
	{ "redis://h/3?db=3", "h", "", 6379, 3, "", "" },
	{ "redis://h/?db=3&db=3", "h", "", 6379, 3, "", "" },
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
		cr_expect_str_eq(got.hosts[0].name, want->host, "%s", want->url);
		cr_expect_str_eq(got.path, want->path, "%s", want->url);
		cr_expect_eq(got.hosts[0].port, want->port, "%s", want->url);
		cr_expect_eq(got.host_count, want->host[0] != 0, "%s", want->url);
		cr_expect_eq(got.is_tls, strncmp(want->url, "rediss", 6) == 0, "%s", want->url);
		cr_expect_str_empty(got.master_name, "%s", want->url);
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
		"rediss+unix://u:geheim@h",
		"redis://h/1?db=2",
		"redis://h?db=1&db=2",
		"redis://h?db=1&",
		"redis://h#geheim",
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

Test(redis_address, reads_sentinels)
{
	struct redis_address got;
	struct reason why;

	cr_assert_eq(redis_address_parse(STR("redis+sentinel://ada:geheim@a,b:1,[::1]:2/events/5"),
					 &got, &why),
		     0, "%s", why.text);
	cr_expect_eq(got.host_count, 3);
	cr_expect_str_eq(got.hosts[0].name, "a");
	cr_expect_eq(got.hosts[0].port, 26379);
	cr_expect_str_eq(got.hosts[1].name, "b");
	cr_expect_eq(got.hosts[1].port, 1);
	cr_expect_str_eq(got.hosts[2].name, "::1");
	cr_expect_eq(got.hosts[2].port, 2);
	cr_expect_str_eq(got.master_name, "events");
	cr_expect_eq(got.db, 5);
	cr_expect_str_eq(got.user, "ada");
	cr_expect(str_is(secret_reveal(&got.password), "geheim"));
	cr_expect_not(got.is_tls);
	redis_address_done(&got);
	cr_assert_eq(redis_address_parse(STR("rediss+sentinel://a/my%20events?db=1"), &got, &why),
		     0, "%s", why.text);
	cr_expect_str_eq(got.master_name, "my events");
	cr_expect_eq(got.db, 1);
	cr_expect(got.is_tls);
	redis_address_done(&got);
}

Test(redis_address, names_the_part_that_cannot_be_used)
{
	static const struct {
		const char *url;
		const char *words;
	} cases[] = {
		{ "redis://a,b", "several hosts" },
		{ "redis://a:1,b:2/0", "cluster of several shards" },
		{ "redis://a,b", "redis+sentinel://host,host/master-name" },
		{ "redis://h?ssl_cert_reqs=none", "the parameter \"ssl_cert_reqs\"" },
		{ "redis://h?ssl_cert_reqs=none", "rediss://" },
		{ "rediss://h/1?protocol=3", "the parameter \"protocol\"" },
		{ "unix:///a?client_name=x", "the parameter \"client_name\"" },
		{ "redis://h?a%20b=x", "an unknown parameter" },
		{ "redis://h/0/1", "the database" },
		{ "redis://h/1?db=2", "two databases" },
		{ "redis://u:ge/heim@h", "%2F" },
		{ "redis://u:1?geheim=x@h", "%3F" },
		{ "redis+sentinel://a", "the master's name is missing" },
		{ "redis+sentinel://a/", "the master's name is missing" },
		{ "redis+sentinel://a,/m", "the host is missing" },
		{ "redis+sentinel://a,b:0/m", "the port" },
		{ "redis+sentinel://a/m/x", "the database" },
		{ "redis+sentinel://1,2,3,4,5,6,7,8,9/m", "more than eight hosts" },
		{ "redis-sentinel://a/m", "redis+sentinel://" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct redis_address out;
		struct reason why = { .text = "" };

		cr_expect_eq(redis_address_parse(str_of(cases[i].url), &out, &why), -EINVAL, "%s",
			     cases[i].url);
		cr_expect_neq(strstr(why.text, cases[i].words), NULL, "%s: %s", cases[i].url,
			      why.text);
		cr_expect_null(strstr(why.text, "geheim"), "%s", cases[i].url);
		cr_expect_null(strstr(why.text, "heim"), "%s", cases[i].url);
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
