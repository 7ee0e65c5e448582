/* SPDX-License-Identifier: Apache-2.0 */

/* The rules of the guard: addresses as a table, then URLs with and without a look-up. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "targets/guard.h"

static bool judge(const char *text)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return address_is_public((const struct sockaddr *)&v4);
	cr_assert_eq(inet_pton(AF_INET6, text, &v6.sin6_addr), 1, "%s", text);
	return address_is_public((const struct sockaddr *)&v6);
}

static const struct {
	const char *address;
	bool is_public;
} addresses[] = {
	{ "0.0.0.0", false },
	{ "0.255.255.255", false },
	{ "1.0.0.0", true },
	{ "9.255.255.255", true },
	{ "10.0.0.0", false },
	{ "10.255.255.255", false },
	{ "11.0.0.0", true },
	{ "100.63.255.255", true },
	{ "100.64.0.0", false },
	{ "100.127.255.255", false },
	{ "100.128.0.0", true },
	{ "126.255.255.255", true },
	{ "127.0.0.1", false },
	{ "127.255.255.255", false },
	{ "128.0.0.0", true },
	{ "169.253.255.255", true },
	{ "169.254.169.254", false },
	{ "169.255.0.0", true },
	{ "172.15.255.255", true },
	{ "172.16.0.0", false },
	{ "172.31.255.255", false },
	{ "172.32.0.0", true },
	{ "191.255.255.255", true },
	{ "192.0.0.1", false },
	{ "192.0.1.0", true },
	{ "192.0.2.255", false },
	{ "192.0.3.0", true },
	{ "192.88.98.255", true },
	{ "192.88.99.1", false },
	{ "192.88.100.0", true },
	{ "192.167.255.255", true },
	{ "192.168.0.0", false },
	{ "192.168.255.255", false },
	{ "192.169.0.0", true },
	{ "198.17.255.255", true },
	{ "198.18.0.0", false },
	{ "198.19.255.255", false },
	{ "198.20.0.0", true },
	{ "198.51.99.255", true },
	{ "198.51.100.7", false },
	{ "198.51.101.0", true },
	{ "203.0.112.255", true },
	{ "203.0.113.7", false },
	{ "203.0.114.0", true },
	{ "223.255.255.255", true },
	{ "224.0.0.1", false },
	{ "239.255.255.255", false },
	{ "240.0.0.0", false },
	{ "255.255.255.255", false },
	{ "8.8.8.8", true },
	{ "::", false },
	{ "::1", false },
	{ "::8.8.8.8", false },
	{ "::ffff:8.8.8.8", true },
	{ "::ffff:127.0.0.1", false },
	{ "::ffff:10.1.2.3", false },
	{ "::fffe:8.8.8.8", false },
	{ "64:ff9b::8.8.8.8", false },
	{ "64:ff9b:1::1", false },
	{ "64:ff9b:2::1", false },
	{ "100::1", false },
	{ "100:0:0:1::", false },
	{ "2001::1", false },
	{ "2001:0:ffff::", false },
	{ "2001:1::1", true },
	{ "2001:db7:ffff::", true },
	{ "2001:db8::1", false },
	{ "2001:db9::1", true },
	{ "2002:808:808::1", false },
	{ "2003::1", true },
	{ "2606:4700::1111", true },
	{ "fbff::1", false },
	{ "fc00::1", false },
	{ "fdff:ffff::1", false },
	{ "fe00::1", false },
	{ "fe7f::1", false },
	{ "fe80::1", false },
	{ "febf::1", false },
	{ "fec0::1", false },
	{ "feff::1", false },
	{ "ff02::1", false },
	{ "ffff::1", false },
	{ "::ffff:0:127.0.0.1", false }, /* IPv4-translated */
	{ "64:ff9b:2::1", false },
	{ "1fff:ffff::1", false },
	{ "2000::1", true },
	{ "3ffe:ffff::1", true },
	{ "3fff::1", false },
	{ "3fff:fff:ffff::1", false },
	{ "3fff:1000::1", true },
	{ "4000::1", false },
	{ "5f00::1", false },
};

/* Every range: its first and last address, and the neighbours outside it. */
Test(guard, refuses_every_range_and_nothing_outside)
{
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++)
		cr_expect_eq(judge(addresses[i].address), addresses[i].is_public, "%s",
			     addresses[i].address);
}

Test(guard, refuses_addresses_of_other_families)
{
	const struct sockaddr_un local = { .sun_family = AF_UNIX };

	cr_assert_not(address_is_public((const struct sockaddr *)&local));
}

Test(guard, knows_hosts_that_are_disguised_numbers)
{
	static const struct {
		const char *host;
		bool is_odd;
	} cases[] = {
		{ "2130706433", true },
		{ "0x7f000001", true },
		{ "0X7F.1", true },
		{ "127.1", true },
		{ "0177.0.0.1", true },
		{ "1.2.3", true },
		{ "127.0.0.1.", true },
		{ "0x", true },
		{ "", true },
		{ ".", true },
		{ "example.0x7f", true },
		{ "example.com", false },
		{ "example.com.", false },
		{ "1.example", false },
		{ "3com", false },
		{ "0xexample", false },
		{ "a1", false },
		{ "localhost", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(host_is_odd_number(str_of(cases[i].host)), cases[i].is_odd, "\"%s\"",
			     cases[i].host);
}

struct outcome {
	int calls;
	int rc;
	struct reason why;
};

static void on_checked(int rc, const struct reason *why, void *owner)
{
	struct outcome *outcome = owner;

	outcome->calls++;
	outcome->rc = rc;
	outcome->why = *why;
}

static int check(bool allow_private, const char *url, struct outcome *outcome)
{
	struct guard guard;
	uv_loop_t loop;

	*outcome = (struct outcome){ .calls = 0 };
	uv_loop_init(&loop);
	guard_init(&guard, &loop, allow_private);
	const struct target target = { .url = str_of(url), .field = "url" };

	outcome->rc = guard_check_target(&guard, &target, &outcome->why, on_checked, outcome);
	if (outcome->rc == -EINPROGRESS) {
		cr_assert_eq(outcome->calls, 0, "called back from within");
		uv_run(&loop, UV_RUN_DEFAULT);
		cr_assert_eq(outcome->calls, 1, "%s", url);
	}
	cr_assert_eq(guard.lookup_count, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_assert_eq(uv_loop_close(&loop), 0);
	return outcome->rc;
}

static const struct {
	const char *url;
	int strict;
	int lenient;
} urls[] = {
	{ "https://8.8.8.8/hook", 0, 0 },
	{ "http://[2606:4700::1111]:8080/hook", 0, 0 },
	{ "http://127.0.0.1/", -EINVAL, 0 },
	{ "http://127.0.0.1:80/", -EINVAL, 0 },
	{ "http://[::1]/", -EINVAL, 0 },
	{ "http://[::ffff:10.0.0.1]/", -EINVAL, 0 },
	{ "http://169.254.169.254/latest/meta-data", -EINVAL, 0 },
	{ "http://2130706433/", -EINVAL, 0 },
	{ "http://0x7f000001/", -EINVAL, 0 },
	{ "http://127.1/", -EINVAL, 0 },
	{ "http://0177.0.0.1/", -EINVAL, 0 },
	{ "http://0x7f.1/", -EINVAL, 0 },
	{ "http://017700000001/", -EINVAL, 0 },
	{ "http://127.0.0.1./", -EINVAL, 0 },
	{ "http://10.1/", -EINVAL, 0 },
	{ "http://0/", -EINVAL, 0 },
	{ "http://0.0.0.0:9730/", -EINVAL, 0 },
	{ "http://LOCALHOST/", -EINVAL, 0 },
	{ "http://localhost./", -EINVAL, 0 },
	{ "HTTP://127.0.0.1/", -EINVAL, 0 },
	{ "HTTPS://8.8.8.8/", 0, 0 },
	{ "http://[::]/", -EINVAL, 0 },
	{ "http://[0:0:0:0:0:0:0:1]/", -EINVAL, 0 },
	{ "http://[::7f00:1]/", -EINVAL, 0 },
	{ "http://[::ffff:7f00:1]/", -EINVAL, 0 },
	{ "http://[::ffff:8.8.8.8]/", 0, 0 },
	{ "http://[64:ff9b::7f00:1]/", -EINVAL, 0 },
	{ "http://[64:ff9b::808:808]/", -EINVAL, 0 },
	{ "http://[2002:7f00:1::]/", -EINVAL, 0 },
	{ "http://[2001:0:808:808::]/", -EINVAL, 0 },
	{ "http://[fe80::1]/", -EINVAL, 0 },
	{ "http://[fe80::1%25eth0]/", -EINVAL, -EINVAL },
	{ "http://[fd00::1]:6379/", -EINVAL, 0 },
	{ "http://[ff02::1]/", -EINVAL, 0 },
	{ "http://[3fff::1]/", -EINVAL, 0 },
	{ "http://[5f00::1]/", -EINVAL, 0 },
	{ "http://100.64.0.1/", -EINVAL, 0 },
	{ "http://192.168.1.1:8080/admin", -EINVAL, 0 },
	{ "http://172.20.0.1/", -EINVAL, 0 },
	{ "http://198.18.0.1/", -EINVAL, 0 },
	{ "http://224.0.0.1/", -EINVAL, 0 },
	{ "http://255.255.255.255/", -EINVAL, 0 },
	{ "http://8.8.8.8:0/", -EINVAL, -EINVAL },
	{ "http://8.8.8.8:65536/", -EINVAL, -EINVAL },
	{ "http://8.8.8.8:443/", 0, 0 },
	{ "http://8.8.8.8:80:80/", -EINVAL, -EINVAL },
	{ "http://8.8.8.8\\@127.0.0.1/", -EINVAL, -EINVAL },
	{ "http://8.8.8.8@127.0.0.1/", -EINVAL, -EINVAL },
	{ "http://127.0.0.1%2f8.8.8.8/", -EINVAL, -EINVAL },
	{ "http://8.8.8.8 /", -EINVAL, -EINVAL },
	{ "http://8.8.8.8/\r\nHost: x", -EINVAL, -EINVAL },
	{ " http://8.8.8.8/", -EINVAL, -EINVAL },
	{ "//8.8.8.8/", -EINVAL, -EINVAL },
	{ "8.8.8.8", -EINVAL, -EINVAL },
	{ "gopher://8.8.8.8/", -EINVAL, -EINVAL },
	{ "unix:///var/run/redis.sock", -EINVAL, -EINVAL },
	{ "javascript:alert(1)", -EINVAL, -EINVAL },
	{ "http://[::1/", -EINVAL, -EINVAL },
	{ "http://[12345::1]/", -EINVAL, -EINVAL },
	{ "http://[8.8.8.8]/", -EINVAL, -EINVAL },
	{ "http://localhost/", -EINVAL, 0 },
	{ "http://no-such-name.invalid/", -EINVAL, 0 },
	{ "ftp://8.8.8.8/", -EINVAL, -EINVAL },
	{ "file:///etc/passwd", -EINVAL, -EINVAL },
	{ "http://user@8.8.8.8/", -EINVAL, -EINVAL },
	{ "http://8.8.8.8#fragment", -EINVAL, -EINVAL },
	{ "http:///path", -EINVAL, -EINVAL },
	{ "https://", -EINVAL, -EINVAL },
	{ "", -EINVAL, -EINVAL },
};

Test(guard, judges_urls)
{
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct outcome outcome;

		cr_expect_eq(check(false, urls[i].url, &outcome), urls[i].strict, "%s",
			     urls[i].url);
		if (urls[i].strict < 0) {
			cr_expect_str_eq(outcome.why.field, "url", "%s", urls[i].url);
			cr_expect_null(strstr(outcome.why.text, "://"), "the URL is repeated");
		}
		cr_expect_eq(check(true, urls[i].url, &outcome), urls[i].lenient, "%s",
			     urls[i].url);
	}
}

Test(guard, bounds_the_lookups_under_way_and_tells_when_they_are_over)
{
	static struct outcome outcomes[GUARD_MAX_LOOKUPS + 1];
	struct reason why;
	struct guard guard;
	uv_loop_t loop;

	uv_loop_init(&loop);
	guard_init(&guard, &loop, false);
	for (size_t i = 0; i <= GUARD_MAX_LOOKUPS; i++) {
		struct target target = { .url = STR("http://localhost/"), .field = "url" };

		target.team.bytes[0] = (uint8_t)i; /* each from another team */
		cr_assert_eq(guard_check_target(&guard, &target, &why, on_checked, &outcomes[i]),
			     i < GUARD_MAX_LOOKUPS ? -EINPROGRESS : -EBUSY);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	for (size_t i = 0; i < GUARD_MAX_LOOKUPS; i++)
		cr_expect_eq(outcomes[i].calls, 1);
	cr_assert_eq(outcomes[GUARD_MAX_LOOKUPS].calls, 0);
	cr_assert_eq(guard.lookup_count, 0);
	cr_assert_eq(uv_loop_close(&loop), 0);
}

Test(guard, lets_the_names_of_one_team_hinder_no_other)
{
	static struct outcome outcomes[GUARD_MAX_TEAM_LOOKUPS + 2];
	struct target target = { .url = STR("http://localhost/"), .field = "url" };
	struct reason why;
	struct guard guard;
	uv_loop_t loop;

	uv_loop_init(&loop);
	guard_init(&guard, &loop, false);
	for (size_t i = 0; i <= GUARD_MAX_TEAM_LOOKUPS; i++)
		cr_assert_eq(guard_check_target(&guard, &target, &why, on_checked, &outcomes[i]),
			     i < GUARD_MAX_TEAM_LOOKUPS ? -EINPROGRESS : -EBUSY);
	target.team.bytes[0] = 1;
	cr_assert_eq(guard_check_target(&guard, &target, &why, on_checked,
					&outcomes[GUARD_MAX_TEAM_LOOKUPS + 1]),
		     -EINPROGRESS);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_assert_eq(uv_loop_close(&loop), 0);
}

/* Eight teams, whose names never resolve, each ask for as many look-ups as they can get. */
Test(guard, leaves_look_ups_to_other_teams)
{
	static struct outcome outcomes[8 * GUARD_MAX_TEAM_LOOKUPS + 1];
	struct target target = { .url = STR("http://localhost/"), .field = "url" };
	struct reason why;
	struct guard guard;
	uv_loop_t loop;
	size_t n = 0;

	uv_loop_init(&loop);
	guard_init(&guard, &loop, false);
	for (; n < ARRAY_LEN(outcomes) - 1; n++) {
		int rc;

		target.team.bytes[0] = (uint8_t)(n / GUARD_MAX_TEAM_LOOKUPS);
		rc = guard_check_target(&guard, &target, &why, on_checked, &outcomes[n]);
		cr_assert(rc == -EINPROGRESS || rc == -EBUSY);
	}
	target.team.bytes[0] = 100;
	cr_expect_eq(guard_check_target(&guard, &target, &why, on_checked, &outcomes[n]),
		     -EINPROGRESS);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_assert_eq(uv_loop_close(&loop), 0);
}

Test(guard, counts_what_it_refuses_at_connect_time)
{
	struct sockaddr_in inside = { .sin_family = AF_INET };
	struct guard guard;
	int64_t before;

	guard_init(&guard, NULL, false);
	before = metric_value(guard.refusals);
	inside.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_not(guard_allows((const struct sockaddr *)&inside, &guard));
	cr_assert_eq(metric_value(guard.refusals), before + 1);
	guard.allow_private = true;
	cr_assert(guard_allows((const struct sockaddr *)&inside, &guard));
}
