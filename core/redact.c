/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One walk over the text. At each position each pattern may match the text that follows; text that
 * no pattern matches is copied. Inside a URL the walk continues over the host, to find a key hidden
 * there, and removes everything from the path to the next white space in one piece. Where a text is
 * ambiguous, more is removed rather than less.
 */
#include "core/redact.h"

#include <ctype.h>
#include <stdint.h>

#include "core/utf8.h"

#define API_KEY_DIGITS 32

static const struct str mark = { .at = "[redacted]", .len = sizeof("[redacted]") - 1 };

struct walk {
	struct str text;
	size_t at;
	size_t path_at; /* where the path of the current URL begins; SIZE_MAX outside URLs */
	size_t url_end;
	char *out;
	size_t out_len;
	size_t out_size;
};

static bool is_alnum(char c)
{
	return isalnum((unsigned char)c) != 0;
}

static bool is_space(char c)
{
	return isspace((unsigned char)c) != 0;
}

static void emit(struct walk *w, struct str piece)
{
	size_t n = w->out_size - w->out_len;

	if (piece.len < n)
		n = piece.len;
	memcpy(w->out + w->out_len, piece.at, n);
	w->out_len += n;
}

static void emit_next(struct walk *w, size_t n)
{
	emit(w, (struct str){ .at = w->text.at + w->at, .len = n });
	w->at += n;
}

/* The first position from `from` on that holds one of the stop characters or white space. */
static size_t find_end(struct str text, size_t from, const char *stops)
{
	while (from < text.len && !is_space(text.at[from]) &&
	       (text.at[from] == '\0' || !strchr(stops, text.at[from])))
		from++;
	return from;
}

static bool next_is(const struct walk *w, struct str word)
{
	struct str rest = str_from(w->text, w->at);

	return rest.len >= word.len &&
	       str_eq_nocase((struct str){ .at = rest.at, .len = word.len }, word);
}

/* wrn_ and at least 32 hexadecimal digits. Word characters that follow are removed as well. */
static bool take_api_key(struct walk *w)
{
	if (!next_is(w, STR("wrn_")))
		return false;

	size_t end = w->at + 4;
	while (end < w->text.len && isxdigit((unsigned char)w->text.at[end]))
		end++;
	if (end - w->at < 4 + API_KEY_DIGITS)
		return false;
	while (end < w->text.len && is_alnum(w->text.at[end]))
		end++;
	emit(w, mark);
	w->at = end;
	return true;
}

static bool take_bearer(struct walk *w)
{
	size_t token = w->at + strlen("bearer");

	if (!next_is(w, STR("bearer")) || (w->at > 0 && is_alnum(w->text.at[w->at - 1])))
		return false;
	while (token < w->text.len && is_space(w->text.at[token]))
		token++;
	if (token == w->text.len || token == w->at + strlen("bearer"))
		return false;
	emit_next(w, token - w->at);
	emit(w, mark);
	w->at = find_end(w->text, token, "");
	return true;
}

/* The cookie's name, then any of = : and quotes (it may be in JSON), then the value. */
static bool take_cookie(struct walk *w)
{
	static const struct str names[] = { { .at = "wrenn_sid", .len = 9 },
					    { .at = "wrenn_csrf", .len = 10 } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!next_is(w, names[i]))
			continue;
		size_t value = w->at + names[i].len;
		while (value < w->text.len && strchr("=:\"' ", w->text.at[value]) &&
		       w->text.at[value] != '\0')
			value++;
		if (value == w->text.len || value == w->at + names[i].len)
			return false;
		emit_next(w, value - w->at);
		emit(w, mark);
		w->at = find_end(w->text, value, ";,\"'");
		return true;
	}
	return false;
}

/* At "://": hides the user info and notes where path and URL end. An '@' after the path's start may
 * be a password with a slash in it, so then the whole URL is removed. */
static bool take_url(struct walk *w)
{
	if (!next_is(w, STR("://")) || w->at == 0 || !is_alnum(w->text.at[w->at - 1]))
		return false;
	emit_next(w, 3);

	size_t end = find_end(w->text, w->at, "");
	size_t path = find_end(w->text, w->at, "/?#\\");
	size_t host = w->at;
	for (size_t i = w->at; i < end; i++) {
		if (w->text.at[i] == '@')
			host = i + 1;
	}
	if (host > path) {
		emit(w, mark);
		w->at = end;
		return true;
	}
	if (host > w->at) {
		emit(w, mark);
		emit(w, STR("@"));
		w->at = host;
	}
	w->path_at = path;
	w->url_end = end;
	return true;
}

/* A lone slash reveals nothing and stays. */
static bool take_path(struct walk *w)
{
	if (w->at < w->path_at || w->at >= w->url_end)
		return false;
	emit_next(w, 1);
	if (w->at < w->url_end)
		emit(w, mark);
	w->at = w->url_end;
	w->path_at = SIZE_MAX;
	return true;
}

/* emit() may cut inside a code point. Drops an incomplete one at the end. */
static size_t whole_points(const char *text, size_t len)
{
	size_t lead = len;

	while (lead > 0 && len - lead < 3 && ((uint8_t)text[lead - 1] & 0xc0) == 0x80)
		lead--;
	if (lead == 0)
		return len;
	struct str last = { .at = text + lead - 1, .len = len - lead + 1 };
	return utf8_is_valid(last) ? len : lead - 1;
}

size_t redact_text(struct str text, char *out, size_t size)
{
	struct walk w = { .text = text, .path_at = SIZE_MAX, .out = out, .out_size = size };

	while (w.at < text.len && w.out_len < size) {
		if (take_path(&w) || take_api_key(&w) || take_bearer(&w) || take_cookie(&w) ||
		    take_url(&w))
			continue;
		emit_next(&w, 1);
	}
	return w.out_len < size ? w.out_len : whole_points(out, size);
}
