/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Strict parsing of untrusted JSON, on top of cJSON, and writing into a buffer. It refuses whatever
 * RFC 8259 does not allow, and also invalid UTF-8, NUL (also as \u0000), lone surrogates, nesting
 * deeper than JSON_MAX_DEPTH, a member name twice in one object, a number of more than 60
 * characters.
 *
 * Everything written escapes the control characters (U+0000 to U+001F, U+007F to U+009F) and the
 * separators U+2028 and U+2029, because some programs that read lines end a line at one of them.
 */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include <cjson/cJSON.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/reason.h"
#include "core/str.h"

#define JSON_MAX_DEPTH 16

/* 0 with the tree in *out, freed by the caller with cJSON_Delete(); -EINVAL with the fault in *why,
 * -E2BIG past max_bytes, or -ENOMEM. `why` may be NULL; it names the member if a string is bad or a
 * key is repeated. */
int json_parse(struct str text, size_t max_bytes, cJSON **out, struct reason *why) must_check;

/* For JSON whose author cannot correct it, such as an event: each \u0000 is read as U+FFFD, because
 * the tree's strings end at a NUL, and so is half of a surrogate pair, which Go passes on in what
 * others wrote. Otherwise the same as json_parse(). */
int json_parse_foreign(struct str text, size_t max_bytes, cJSON **out,
		       struct reason *why) must_check;

/* The member, or NULL. Names are compared exactly. */
const cJSON *json_get(const cJSON *object, const char *name);

/* The member's string; NULL when it is absent, null or not a string. Owned by the tree. */
const char *json_get_string(const cJSON *object, const char *name);

/* 0, or -EINVAL when this is not an object, or has a member that `names` (ended by NULL) lacks: a
 * misspelt name would be ignored otherwise. `field` is the path of the object, empty for the body
 * of a request. */
int json_check_object(const cJSON *object, const char *const *names, const char *field,
		      struct reason *why) must_check;

/* Appends a JSON string with its quotes. The text must be valid UTF-8. */
void json_add_string(struct buf *out, struct str text);

/* Appends `"name":"value"`, with a comma before it unless the last byte is '{' or '['. */
void json_add_member(struct buf *out, const char *name, struct str value);

/* Appends `"name":` with the comma rule above; the caller appends the value. */
void json_add_name(struct buf *out, const char *name);

/* Appends a whole tree as compact JSON. Whole numbers up to 2^53 keep every digit (cJSON's own
 * printing rounds them); a number too large for a double becomes null. */
void json_add_value(struct buf *out, const cJSON *value);

/* Appends JSON that json_parse() or json_parse_foreign() has accepted. It is copied with its
 * escapes and digits. Only raw control characters and separators (see the top of this file) are
 * escaped, and line breaks between tokens are dropped. */
void json_add_parsed(struct buf *out, struct str json);

#endif
