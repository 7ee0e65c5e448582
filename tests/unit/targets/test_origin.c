/* SPDX-License-Identifier: Apache-2.0 */

/* Where a request goes with an override, and which addresses it may connect to. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "targets/origin.h"

static const struct target_origin origins[] = {
	{ .provider = "discord", .origin = "https://gateway.internal" },
	{ .provider = "slack", .origin = "http://127.0.0.1:8080" },
};

Test(origin, is_found_by_its_provider)
{
	cr_expect_eq(origin_find(origins, 2, "slack"), &origins[1]);
	cr_expect_eq(origin_find(origins, 2, "discord"), &origins[0]);
	cr_expect_null(origin_find(origins, 2, "webhook"));
	cr_expect_null(origin_find(origins, 2, "slac"));
	cr_expect_null(origin_find(origins, 1, "slack"));
	cr_expect_null(origin_find(NULL, 0, "slack"));
}

static int apply(const char *origin, const char *url, struct outgoing *request)
{
	const struct target_origin there = { .provider = "slack", .origin = origin };

	outgoing_init(request);
	buf_add_text(&request->url, url);
	return origin_apply(&there, request);
}

Test(origin, replaces_scheme_host_and_port_and_not_a_byte_after_them)
{
	static const struct {
		const char *origin;
		const char *url;
		const char *expected;
	} cases[] = {
		{ "http://127.0.0.1:8080", "https://hooks.slack.com/services/T0/B0/x",
		  "http://127.0.0.1:8080/services/T0/B0/x" },
		{ "https://g", "http://h:81/a?b=c", "https://g/a?b=c" },
		{ "https://g", "https://h", "https://g" },
		{ "https://g", "https://h/", "https://g/" },
		{ "https://g", "https://h?", "https://g?" },
		{ "https://g", "https://h?a", "https://g?a" },
		{ "https://g", "https://h:1?a", "https://g?a" },
		{ "https://g", "https://h/?", "https://g/?" },
		{ "https://g", "HTTPS://H/Path", "https://g/Path" },
		{ "https://g", "https://[::1]:99/v6", "https://g/v6" },
		{ "http://[::1]:99", "https://h/v6", "http://[::1]:99/v6" },
		{ "https://g", "https://h/a%2Fb/../c//d;e?x=%20&y=http://z/?&&=",
		  "https://g/a%2Fb/../c//d;e?x=%20&y=http://z/?&&=" },
		{ "https://g", "https://h//other/b", "https://g//other/b" },
		{ "https://g", "https://h/bot1:abc@d/send", "https://g/bot1:abc@d/send" },
		{ "https://g", "https://h/\xc3\xa9", "https://g/\xc3\xa9" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct outgoing request;

		cr_expect_eq(apply(cases[i].origin, cases[i].url, &request), 0, "case %zu", i);
		cr_expect_str_eq(buf_text(&request.url), cases[i].expected);
		outgoing_done(&request);
	}
}

Test(origin, changes_nothing_it_cannot_read)
{
	static const struct {
		const char *origin;
		const char *url;
	} cases[] = {
		{ "https://g", "" },
		{ "https://g", "h/a" },
		{ "https://g", "ftp://h/a" },
		{ "https://g", "https:///a" },
		{ "https://g", "https://u@h/a" },
		{ "https://g", "https://h/a#f" },
		{ "https://g", "https://h/a b" },
		{ "https://g", "https://h\\a" },
		{ "g:80", "https://h/a" },
		{ "", "https://h/a" },
		{ "https://g/", "https://h/a" },
		{ "https://g?", "https://h/a" },
		{ "https://g/p", "https://h/a" },
		{ "https://u@g", "https://h/a" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct outgoing request;

		cr_expect_eq(apply(cases[i].origin, cases[i].url, &request), -EINVAL, "case %zu",
			     i);
		cr_expect_str_eq(buf_text(&request.url), cases[i].url);
		outgoing_done(&request);
	}
}

Test(origin, says_when_the_url_has_no_room)
{
	const struct target_origin there = { .provider = "slack",
					     .origin = "https://a-much-longer-name.example" };
	struct outgoing request;

	outgoing_init(&request);
	buf_done(&request.url);
	buf_init(&request.url, 20);
	buf_add_text(&request.url, "https://h/0123456789");
	cr_assert_eq(request.url.err, 0);
	cr_expect_eq(origin_apply(&there, &request), -E2BIG);
	cr_expect_eq(outgoing_error(&request), -E2BIG);
	cr_expect_eq(origin_apply(&there, &request), -E2BIG, "it stays so");
	outgoing_done(&request);
}

static bool allows(const char *origin, const char *address, uint16_t port)
{
	const struct target_origin there = { .provider = "slack", .origin = origin };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
		return origin_allows((const struct sockaddr *)&v4, &there);
	cr_assert_eq(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
	return origin_allows((const struct sockaddr *)&v6, &there);
}

Test(origin, allows_its_own_address_and_port_and_no_other)
{
	static const struct {
		const char *origin;
		const char *address;
		uint16_t port;
		bool expected;
	} cases[] = {
		{ "http://127.0.0.1:8080", "127.0.0.1", 8080, true },
		{ "http://127.0.0.1:8080", "127.0.0.1", 8081, false },
		{ "http://127.0.0.1:8080", "127.0.0.2", 8080, false },
		{ "http://127.0.0.1:8080", "93.184.215.14", 8080, false },
		{ "http://127.0.0.1:8080", "::1", 8080, false },
		{ "http://127.0.0.1:8080", "::ffff:127.0.0.1", 8080, false },
		{ "http://127.0.0.1", "127.0.0.1", 80, true },
		{ "http://127.0.0.1", "127.0.0.1", 443, false },
		{ "https://127.0.0.1", "127.0.0.1", 443, true },
		{ "HTTPS://127.0.0.1", "127.0.0.1", 443, true },
		{ "http://[::1]:8080", "::1", 8080, true },
		{ "http://[::1]:8080", "::2", 8080, false },
		{ "http://[::1]:8080", "127.0.0.1", 8080, false },
		/* a name the operator chose */
		{ "https://gateway.internal", "10.0.0.1", 443, true },
		{ "https://gateway.internal", "fd00::1", 443, true },
		{ "https://gateway.internal", "10.0.0.1", 22, false },
		/* not an origin */
		{ "https://gateway.internal/", "10.0.0.1", 443, false },
		{ "gateway", "10.0.0.1", 443, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(allows(cases[i].origin, cases[i].address, cases[i].port),
			     cases[i].expected, "case %zu", i);
}

Test(origin, allows_no_other_family)
{
	const struct sockaddr_un local = { .sun_family = AF_UNIX };

	cr_expect_not(origin_allows((const struct sockaddr *)&local, &origins[0]));
}
