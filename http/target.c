/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A target is printable ASCII. A path that two readers could understand differently (control
 * characters, bad escapes, invalid UTF-8) is refused. Dots are not resolved: such a path matches no
 * route.
 */
#include "http/target.h"

#include <stdint.h>

#include "core/crypto.h"
#include "core/utf8.h"

int percent_decode(struct str text)
{
	uint8_t byte;

	if (text.len < 3 || text.at[0] != '%')
		return -1;
	if (!hex_decode((struct str){ .at = text.at + 1, .len = 2 }, &byte, 1))
		return -1;
	return byte;
}

/* Decoded text is never longer, so writing never overtakes reading. */
static const char *decode_path(char *text, size_t len, struct str *path)
{
	size_t written = 0;

	for (size_t i = 0; i < len; i++) {
		int byte;

		if (text[i] != '%') {
			text[written++] = text[i];
			continue;
		}
		byte = percent_decode((struct str){ .at = text + i, .len = len - i });
		if (byte < 0)
			return "the path has a malformed % escape";
		if (byte < 0x20 || byte == 0x7f)
			return "the path has an escaped control character";
		if (byte == '/') {
			text[written++] = text[i];
			continue; /* its digits follow as they are */
		}
		text[written++] = (char)byte;
		i += 2;
	}
	*path = (struct str){ .at = text, .len = written };
	return utf8_is_valid(*path) ? NULL : "the path is not UTF-8";
}

/* Length of "http://authority"; 0 when the target has no such prefix. */
static size_t origin_len(struct str target)
{
	static const struct str schemes[] = { { "http://", 7 }, { "https://", 8 } };

	for (size_t i = 0; i < 2; i++) {
		size_t n = schemes[i].len;

		if (target.len <= n ||
		    !str_eq_nocase((struct str){ .at = target.at, .len = n }, schemes[i]))
			continue;
		while (n < target.len && target.at[n] != '/' && target.at[n] != '?')
			n++;
		return n > schemes[i].len ? n : 0;
	}
	return 0;
}

const char *target_split(char *target, size_t len, bool may_be_star, struct str *path,
			 struct str *query)
{
	struct str rest = { .at = target, .len = len };
	size_t skipped;
	size_t path_len = 0;

	for (size_t i = 0; i < len; i++) {
		if (target[i] <= 0x20 || target[i] >= 0x7f || target[i] == '#')
			return "the request target has a character that must be escaped";
	}
	*query = (struct str){ .at = "", .len = 0 };
	if (may_be_star && str_eq(rest, STR("*"))) {
		*path = rest;
		return NULL;
	}
	skipped = origin_len(rest);
	rest = str_from(rest, skipped);
	while (path_len < rest.len && rest.at[path_len] != '?')
		path_len++;
	if (path_len < rest.len)
		*query = str_from(rest, path_len + 1);
	if (skipped && path_len == 0) {
		*path = STR("/");
		return NULL;
	}
	if (path_len == 0 || rest.at[0] != '/')
		return "the request target must be a path";
	return decode_path(target + skipped, path_len, path);
}
