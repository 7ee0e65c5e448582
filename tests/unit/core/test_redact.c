/* SPDX-License-Identifier: Apache-2.0 */

/* What looks like a secret does not come out, what is harmless does, at any size of output. */
#include <criterion/criterion.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/redact.h"
#include "core/utf8.h"

#define KEY    "wrn_00112233445566778899aabbccddeeff"
#define COOKIE "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const struct {
	const char *text;
	const char *expected;
} cases[] = {
	/* API keys */
	{ KEY, "[redacted]" },
	{ "key=" KEY " used", "key=[redacted] used" },
	{ KEY KEY, "[redacted]_00112233445566778899aabbccddeeff" },
	{ "WRN_00112233445566778899AABBCCDDEEFF", "[redacted]" },
	{ KEY "0123456789abcdefXYZ", "[redacted]" },
	{ "wrn_001122", "wrn_001122" },
	{ "wrn_0011223344556677 8899aabbccddeeff", "wrn_0011223344556677 8899aabbccddeeff" },
	{ "wrn_", "wrn_" },
	/* bearer tokens */
	{ "Authorization: Bearer abc.def-ghi", "Authorization: Bearer [redacted]" },
	{ "bearer \t x y", "bearer \t [redacted] y" },
	{ "BEARER x", "BEARER [redacted]" },
	{ "Bearer", "Bearer" },
	{ "Bearer ", "Bearer " },
	{ "bearerless talk", "bearerless talk" },
	{ "forbearer of", "forbearer of" },
	/* cookies */
	{ "Cookie: a=b; wrenn_sid=" COOKIE "; c=d", "Cookie: a=b; wrenn_sid=[redacted]; c=d" },
	{ "wrenn_csrf=" COOKIE, "wrenn_csrf=[redacted]" },
	{ "{\"wrenn_sid\":\"" COOKIE "\"}", "{\"wrenn_sid\":\"[redacted]\"}" },
	{ "wrenn_sid", "wrenn_sid" },
	{ "wrenn_sid=", "wrenn_sid=" },
	/* URLs */
	{ "https://example.com", "https://example.com" },
	{ "https://example.com/", "https://example.com/" },
	{ "https://example.com:8443/a/b?c=d#e f", "https://example.com:8443/[redacted] f" },
	{ "https://example.com?token=1", "https://example.com?[redacted]" },
	{ "https://example.com#part", "https://example.com#[redacted]" },
	{ "https://example.com\\part", "https://example.com\\[redacted]" },
	{ "postgres://wrenn:pass@db:5432/wrenn", "postgres://[redacted]@db:5432/[redacted]" },
	{ "redis://:pa@ss@host:1", "redis://[redacted]@host:1" },
	{ "redis://:pa/ss@host:1/0", "redis://[redacted]" },
	{ "see https://a/b and http://c/d.", "see https://a/[redacted] and http://c/[redacted]" },
	{ "https://" KEY ".example/x", "https://[redacted].example/[redacted]" },
	{ "https://a/" KEY, "https://a/[redacted]" },
	{ "https://h/x?u=http://i/j", "https://h/[redacted]" },
	{ "unix:///run/redis.sock", "unix:///[redacted]" },
	{ "https://[::1]:80/x", "https://[::1]:80/[redacted]" },
	{ "://", "://" },
	{ "a ://b/c", "a ://b/c" },
	{ "https://", "https://" },
	/* nothing to hide */
	{ "", "" },
	{ "capsule cl-6dfzh5ik5uxynzmlf5cshamdk paused",
	  "capsule cl-6dfzh5ik5uxynzmlf5cshamdk paused" },
	{ "caf\xc3\xa9 \xe2\x82\xac", "caf\xc3\xa9 \xe2\x82\xac" },
};

Test(redact_text, hides_what_looks_like_a_secret_and_nothing_else)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char out[256];
		size_t len = redact_text(str_of(cases[i].text), out, sizeof(out));
		struct str got = { .at = out, .len = len };

		cr_expect(str_is(got, cases[i].expected), "\"%s\" gave \"%.*s\"", cases[i].text,
			  STR_ARGS(got));
	}
}

Test(redact_text, gives_a_prefix_of_whole_code_points_when_the_room_is_short)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str full = str_of(cases[i].expected);

		for (size_t size = 0; size < full.len + 2; size++) {
			char out[256];
			size_t len = redact_text(str_of(cases[i].text), out, size);
			struct str got = { .at = out, .len = len };

			cr_expect_leq(len, size);
			cr_expect(str_starts(full, got), "\"%s\" in %zu", cases[i].text, size);
			cr_expect(utf8_is_valid(got), "\"%s\" in %zu", cases[i].text, size);
			cr_expect(size > full.len || len + 3 > size, "\"%s\" in %zu", cases[i].text,
				  size);
		}
	}
}

Test(redact_text, reads_any_byte)
{
	char text[300];
	char out[1024];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i % 256);
	for (size_t from = 0; from < sizeof(text); from++) {
		struct str all = { .at = text + from, .len = sizeof(text) - from };

		cr_expect_eq(redact_text(all, out, sizeof(out)), all.len);
	}
	cr_expect_eq(redact_text((struct str){ .at = NULL, .len = 0 }, out, sizeof(out)), 0);
}

Test(redact_text, finds_a_nul_byte_no_excuse)
{
	char out[64];
	const struct str text = { .at = "https://a\0b/secret", .len = 18 };
	size_t len = redact_text(text, out, sizeof(out));

	cr_expect_eq(len, 22);
	cr_expect_eq(memcmp(out, "https://a\0b/[redacted]", 22), 0);
}
