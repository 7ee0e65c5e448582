/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The part of an answer that the channel's owner may read: cleaned, at most 900 bytes. It is empty
 * if the answer repeats a setting, whole or in pieces, however it is spelled.
 */
#include "delivery/excerpt.h"

#include <string.h>

#include "core/attributes.h"
#include "core/crypto.h"
#include "core/url.h"
#include "core/utf8.h"

#define SHORT_VALUE 4 /* a setting this short is not worth hiding */
#define SHORT_PIECE 8 /* nor is a shorter piece of a setting */

static bool holds(struct str text, struct str piece)
{
	return memmem(text.at, text.len, piece.at, piece.len) != NULL;
}

static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

/* Decodes percent signs into `out`, which has room for as many bytes. */
static struct str decode_piece(struct str piece, char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < piece.len; i++) {
		uint8_t byte = (uint8_t)piece.at[i];

		if (byte == '%' && piece.len - i > 2 &&
		    hex_decode((struct str){ .at = piece.at + i + 1, .len = 2 }, &byte, 1))
			i += 2;
		out[len++] = (char)byte;
	}
	return (struct str){ .at = out, .len = len };
}

/* JSON, HTML and URLs escape special characters only. So search for each run of plain ones. */
static bool repeats_run(struct str body, struct str piece)
{
	size_t start = 0;

	for (size_t i = 0; i <= piece.len; i++) {
		if (i < piece.len && is_plain(piece.at[i]))
			continue;
		if (i - start >= SHORT_PIECE &&
		    holds(body, (struct str){ .at = piece.at + start, .len = i - start }))
			return true;
		start = i + 1;
	}
	return false;
}

static bool repeats_piece(struct str body, struct str piece)
{
	char bytes[CONFIG_MAX_VALUE];
	struct str decoded;
	bool found;

	if (piece.len < SHORT_PIECE)
		return false;
	if (piece.len > sizeof(bytes))
		return true; /* better no excerpt than a secret */
	decoded = decode_piece(piece, bytes);
	found = holds(body, piece) || repeats_run(body, piece) || repeats_run(body, decoded) ||
		(decoded.len >= SHORT_PIECE && holds(body, decoded));
	explicit_bzero(bytes, decoded.len);
	return found;
}

static bool repeats_url(struct str body, const struct url_parts *parts)
{
	struct str path = parts->path;
	struct str query = parts->query;

	if (path.len > SHORT_VALUE && holds(body, path))
		return true;
	if (query.len > SHORT_VALUE && holds(body, query))
		return true;
	while (path.at) {
		if (repeats_piece(body, str_cut(&path, '/')))
			return true;
	}
	while (query.at) {
		struct str value = str_cut(&query, '&');
		struct str name = str_cut(&value, '=');

		if (repeats_piece(body, value.at ? value : name))
			return true;
	}
	return false;
}

static bool repeats_value(struct str body, struct str value)
{
	struct url_parts parts;

	if (value.len <= SHORT_VALUE)
		return false;
	if (holds(body, value))
		return true;
	/* The host is left out: an answer may name it. */
	return url_split(value, &parts) ? repeats_url(body, &parts) : repeats_piece(body, value);
}

static bool repeats_a_setting(struct str body, const struct excerpt_secrets *secrets)
{
	for (size_t i = 0; i < secrets->config->count; i++) {
		if (repeats_value(body, secrets->config->fields[i].value))
			return true;
	}
	for (size_t i = 0; i < secrets->old_secret_count; i++) {
		if (repeats_value(body, secrets->old_secrets[i]))
			return true;
	}
	return false;
}

void excerpt_add(struct buf *out, struct str answer, const struct excerpt_secrets *secrets)
{
	struct buf cleaned;

	if (answer.len == 0)
		return;
	/* Cleaning may join what control characters kept apart, so search its result, too. */
	buf_init(&cleaned, EXCERPT_MAX);
	utf8_clean(&cleaned, answer, EXCERPT_MAX, false);
	if (!repeats_a_setting(answer, secrets) && !repeats_a_setting(buf_str(&cleaned), secrets)) {
		buf_add_text(out, ": ");
		buf_add_str(out, buf_str(&cleaned));
	}
	buf_done(&cleaned);
}
