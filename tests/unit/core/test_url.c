/* SPDX-License-Identifier: Apache-2.0 */

/* Which URLs are taken apart, into what, and which are refused. */
#include <criterion/criterion.h>

#include "core/url.h"

static void expect_part(const char *url, const char *name, struct str got, const char *wanted)
{
	cr_expect(str_is(got, wanted), "%s of \"%s\" is \"%.*s\"", name, url, STR_ARGS(got));
}

Test(url_split, gives_the_parts_as_they_stand)
{
	static const struct {
		const char *url, *scheme, *host, *port, *path, *query;
	} cases[] = {
		{ "https://example.com", "https", "example.com", "", "", "" },
		{ "http://example.com/", "http", "example.com", "", "/", "" },
		{ "HTTPS://Example.COM:8443/A/%2e%2E?q=1&r=/?", "HTTPS", "Example.COM", "8443",
		  "/A/%2e%2E", "q=1&r=/?" },
		{ "https://h?q", "https", "h", "", "", "q" },
		{ "https://h/?", "https", "h", "", "/", "" },
		{ "http://127.0.0.1:1", "http", "127.0.0.1", "1", "", "" },
		{ "http://127.1:80/x", "http", "127.1", "80", "/x", "" },
		{ "http://0x7f000001", "http", "0x7f000001", "", "", "" },
		{ "http://h:65535", "http", "h", "65535", "", "" },
		{ "http://[::1]", "http", "::1", "", "", "" },
		{ "http://[2001:DB8::1.2.3.4]:80/x", "http", "2001:DB8::1.2.3.4", "80", "/x", "" },
		{ "https://a_b-c.d.", "https", "a_b-c.d.", "", "", "" },
		{ "https://h/a@b:c[d]", "https", "h", "", "/a@b:c[d]", "" },
		{ "https://h/caf\xc3\xa9", "https", "h", "", "/caf\xc3\xa9", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct url_parts parts;

		cr_expect(url_split(str_of(cases[i].url), &parts), "%s", cases[i].url);
		expect_part(cases[i].url, "scheme", parts.scheme, cases[i].scheme);
		expect_part(cases[i].url, "host", parts.host, cases[i].host);
		expect_part(cases[i].url, "port", parts.port, cases[i].port);
		expect_part(cases[i].url, "path", parts.path, cases[i].path);
		expect_part(cases[i].url, "query", parts.query, cases[i].query);
	}
}

static const char *const refused[] = {
	/* scheme */
	"",
	":",
	"://",
	"h",
	"http",
	"http:",
	"http:/h",
	"http//h",
	"://h",
	"/h",
	"//h",
	"ftp://h",
	"file:///etc/passwd",
	"httpss://h",
	"gopher://h",
	"javascript:alert(1)",
	"http:h",
	" http://h",
	"http ://h",
	"https:///h",
	"http:\\\\h",
	/* host */
	"http://",
	"http:///",
	"http://?q",
	"http://:80",
	"http://:80/x",
	"http://.h",
	"http://h%2e",
	"http://127%2e0.0.1",
	"http://h,i",
	"http://h;i",
	"http://h*",
	"http://caf\xc3\xa9.example",
	"http://h\x7f",
	"http://h'",
	"http://(h)",
	"http://h!",
	"http://h~",
	/* user info */
	"http://u@h",
	"http://u:p@h",
	"http://@h",
	"http://u:p@h:80/x",
	"http://h:80@i",
	"http://[::1]@h",
	/* port */
	"http://h:",
	"http://h:/",
	"http://h:0",
	"http://h:65536",
	"http://h:99999",
	"http://h:000080",
	"http://h:-1",
	"http://h:+1",
	"http://h:80a",
	"http://h: 80",
	"http://h:80:80",
	"http://h:0x50",
	/* IPv6 */
	"http://[",
	"http://[]",
	"http://]",
	"http://[:",
	"http://[::1",
	"http://[::1]x",
	"http://[::1]:",
	"http://[fe80::1%25eth0]",
	"http://[::g]",
	"http://::1",
	"http://[::1]]",
	"http://[h]",
	"http://[1.2.3.4]",
	"http://[1.2.3.4]/",
	"http://[12:34]",
	"http://[12345::1]",
	"http://[0000:0000:0000:0000:0000:0000:0000:0000:0000:0]",
	/* fragments and bytes that have no place in a URL */
	"http://h#",
	"http://h/#f",
	"http://h/?q#f",
	"http://h/a b",
	"http://h/\t",
	"http://h/\n",
	"http://h/\r\nX-Evil: 1",
	"http://h\n",
	"http://h/\x01",
	"http://h/\x7f",
	"http://h/\\x",
	"http://good\\@evil",
	"http://h\\.evil/",
};

Test(url_split, refuses_what_readers_could_disagree_about)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct url_parts parts = { .host = STR("untouched") };

		cr_expect_not(url_split(str_of(refused[i]), &parts), "\"%s\"", refused[i]);
		cr_expect(str_is(parts.host, "untouched"), "\"%s\"", refused[i]);
	}
}

Test(url_split, refuses_a_nul_byte_anywhere)
{
	char url[] = "http://h:80/p?q";
	struct url_parts parts;

	for (size_t i = 0; i < sizeof(url) - 1; i++) {
		char kept = url[i];

		url[i] = '\0';
		cr_expect_not(url_split((struct str){ .at = url, .len = sizeof(url) - 1 }, &parts),
			      "byte %zu", i);
		url[i] = kept;
	}
}

Test(url_split, takes_a_host_of_253_bytes_and_no_more)
{
	char url[300] = "http://";
	struct url_parts parts;

	memset(url + 7, 'a', 254);
	cr_expect(url_split((struct str){ .at = url, .len = 7 + 253 }, &parts));
	cr_expect_not(url_split((struct str){ .at = url, .len = 7 + 254 }, &parts));
}

Test(url_split, does_not_read_past_its_slice)
{
	static const char url[] = "http://h:80/p?q";
	struct url_parts parts;

	cr_expect(url_split((struct str){ .at = url, .len = 10 }, &parts));
	cr_expect(str_is(parts.port, "8"));
	cr_expect(url_split((struct str){ .at = url, .len = 8 }, &parts));
	cr_expect_not(url_split((struct str){ .at = url, .len = 7 }, &parts));
}

Test(url_fault, says_which_part_is_wrong)
{
	static const struct {
		const char *url, *words;
	} cases[] = {
		{ "h", "begin with https://" },
		{ "ftp://h", "begin with https://" },
		{ "http:/h", "begin with https://" },
		{ "http://h/#f", "after #" },
		{ "http://h/a b", "a space" },
		{ "http://u:p@h", "user name or password" },
		{ "http://caf\xc3\xa9.example", "host name" },
		{ "http://127%2e0.0.1", "host name" },
		{ "http://[h]", "not an IPv6 address" },
		{ "http://[::1%25lo]", "not an IPv6 address" },
		{ "http://h:", "a port" },
		{ "http://h:0", "a port" },
		{ "http://h:080", "a port" },
		{ "http://h:65536", "a port" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct url_parts parts;
		const char *fault = url_fault(str_of(cases[i].url), &parts);

		cr_assert_not_null(fault, "%s", cases[i].url);
		cr_expect_not_null(strstr(fault, cases[i].words), "%s: %s", cases[i].url, fault);
	}
}
