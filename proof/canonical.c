/* SPDX-License-Identifier: Apache-2.0 */

/* The depth of the value bounds the recursion; core/json.h bounds the depth of what it reads. */
#include "proof/canonical.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/utf8.h"

#define MAX_DIGITS 17 /* enough for every double */

/* ---- strings ------------------------------------------------------------------------------- */

static void add_escaped(struct buf *out, char c)
{
	static const char shorts[] = "\bb\tt\nn\ff\rr\"\"\\\\";

	for (size_t i = 0; i + 1 < sizeof(shorts); i += 2) {
		if (shorts[i] == c) {
			buf_add_char(out, '\\');
			buf_add_char(out, shorts[i + 1]);
			return;
		}
	}
	buf_addf(out, "\\u%04x", (unsigned)(unsigned char)c);
}

/* A table, because each byte of every leaf is looked up. */
static bool needs_escape(char c)
{
	static const bool needs[256] = { [0 ... 0x1f] = true, ['"'] = true, ['\\'] = true };

	return needs[(unsigned char)c];
}

void canonical_add_string(struct buf *out, struct str text)
{
	size_t plain = 0; /* start of the bytes that need no escape */

	buf_add_char(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (!needs_escape(text.at[i]))
			continue;
		buf_add(out, text.at + plain, i - plain);
		add_escaped(out, text.at[i]);
		plain = i + 1;
	}
	buf_add_str(out, str_from(text, plain));
	buf_add_char(out, '"');
}

/* ---- numbers ------------------------------------------------------------------------------- */

struct decimal {
	char digits[MAX_DIGITS + 1];
	int count;
	int point; /* digits before the decimal point; may be negative or more than there are */
};

static bool means(const struct decimal *decimal, double number)
{
	char text[48];

	snprintf(text, sizeof(text), "0.%se%d", decimal->digits, decimal->point);
	return strtod(text, NULL) == number;
}

static void round_to(double number, int count, struct decimal *out)
{
	char text[48];

	snprintf(text, sizeof(text), "%.*e", count - 1, number);
	out->digits[0] = text[0];
	if (count > 1)
		memcpy(out->digits + 1, text + 2, (size_t)count - 1);
	out->digits[count] = '\0';
	out->count = count;
	out->point = (int)strtol(strchr(text, 'e') + 1, NULL, 10) + 1;
}

/* The next larger decimal with as many digits. False when there is none. */
static bool step_up(struct decimal *decimal)
{
	for (int i = decimal->count - 1; i >= 0; i--) {
		if (decimal->digits[i] < '9') {
			decimal->digits[i]++;
			return true;
		}
		decimal->digits[i] = '0';
	}
	return false;
}

/* The fewest digits that read back as the number. Below a power of two the doubles are closer than
 * above it, so the next decimal up may mean the number when the nearest one does not. */
static void find_shortest(double number, struct decimal *out)
{
	for (int count = 1; count < MAX_DIGITS; count++) {
		round_to(number, count, out);
		if (means(out, number) || (step_up(out) && means(out, number)))
			return;
	}
	round_to(number, MAX_DIGITS, out);
}

static void add_zeros(struct buf *out, int count)
{
	for (; count > 0; count--)
		buf_add_char(out, '0');
}

/* Number::toString of ECMAScript for a positive number. */
static void add_decimal(struct buf *out, const struct decimal *decimal)
{
	struct str digits = str_of(decimal->digits);
	int point = decimal->point;
	int exponent = point - 1;

	if (point > 21 || point <= -6) {
		buf_add(out, digits.at, 1);
		buf_add_text(out, decimal->count > 1 ? "." : "");
		buf_add_str(out, str_from(digits, 1));
		buf_addf(out, "e%c%d", exponent < 0 ? '-' : '+', abs(exponent));
	} else if (point <= 0) {
		buf_add_text(out, "0.");
		add_zeros(out, -point);
		buf_add_str(out, digits);
	} else if (point >= decimal->count) {
		buf_add_str(out, digits);
		add_zeros(out, point - decimal->count);
	} else {
		buf_add(out, digits.at, (size_t)point);
		buf_add_char(out, '.');
		buf_add_str(out, str_from(digits, (size_t)point));
	}
}

static void add_number(struct buf *out, double number)
{
	struct decimal decimal;

	if (!isfinite(number)) {
		out->err = out->err ? out->err : -EINVAL;
		return;
	}
	if (number == 0) {
		buf_add_char(out, '0');
		return;
	}
	if (number < 0)
		buf_add_char(out, '-');
	find_shortest(fabs(number), &decimal);
	add_decimal(out, &decimal);
}

/* ---- the order ----------------------------------------------------------------------------- */

/* Orders code points as their UTF-16 code units: those past U+FFFF come before U+E000. */
static uint32_t units_of(uint32_t code)
{
	uint32_t past = code - 0x10000;

	if (code < 0x10000)
		return code << 16;
	return (0xd800 + (past >> 10)) << 16 | (0xdc00 + (past & 0x3ff));
}

static int compare_names(struct str a, struct str b)
{
	while (a.len > 0 && b.len > 0) {
		uint32_t a_code = 0;
		uint32_t b_code = 0;
		size_t a_len = utf8_decode(a, &a_code);
		size_t b_len = utf8_decode(b, &b_code);

		if (a_len == 0 || b_len == 0)
			break; /* not UTF-8 */
		if (a_code != b_code)
			return units_of(a_code) < units_of(b_code) ? -1 : 1;
		a = str_from(a, a_len);
		b = str_from(b, b_len);
	}
	return (a.len > 0) - (b.len > 0);
}

static int compare_members(const void *a, const void *b)
{
	const cJSON *const *left = a;
	const cJSON *const *right = b;

	return compare_names(str_of((*left)->string), str_of((*right)->string));
}

int canonical_order(const cJSON *parent, const cJSON ***out, size_t *count)
{
	const cJSON **items;
	size_t n = 0;

	for (const cJSON *item = parent->child; item; item = item->next)
		n++;
	items = calloc(n ? n : 1, sizeof(const cJSON *));
	if (!items)
		return -ENOMEM;
	*count = n;
	n = 0;
	for (const cJSON *item = parent->child; item; item = item->next)
		items[n++] = item;
	if (cJSON_IsObject(parent))
		qsort(items, n, sizeof(const cJSON *), compare_members);
	*out = items;
	return 0;
}

/* ---- values -------------------------------------------------------------------------------- */

static void add_parent(struct buf *out, const cJSON *parent)
{
	bool is_object = cJSON_IsObject(parent);
	const cJSON **items;
	size_t count;
	int rc = canonical_order(parent, &items, &count);

	if (rc < 0) {
		out->err = out->err ? out->err : rc;
		return;
	}
	buf_add_char(out, is_object ? '{' : '[');
	for (size_t i = 0; i < count; i++) {
		buf_add_text(out, i > 0 ? "," : "");
		if (is_object) {
			canonical_add_string(out, str_of(items[i]->string));
			buf_add_char(out, ':');
		}
		canonical_add(out, items[i]);
	}
	buf_add_char(out, is_object ? '}' : ']');
	free(items);
}

void canonical_add(struct buf *out, const cJSON *value)
{
	if (cJSON_IsString(value))
		canonical_add_string(out, str_of(value->valuestring));
	else if (cJSON_IsNumber(value))
		add_number(out, value->valuedouble);
	else if (cJSON_IsBool(value))
		buf_add_text(out, cJSON_IsTrue(value) ? "true" : "false");
	else if (cJSON_IsNull(value))
		buf_add_text(out, "null");
	else
		add_parent(out, value);
}
