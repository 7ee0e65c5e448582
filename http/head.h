/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The request line and the header fields, read by llhttp in one go. Knows nothing of what they
 * mean. Apart from http/http.h because llhttp's method names are the same as ours.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/str.h"

#define HEAD_MAX_FIELDS 64

/* Places in the text given to head_parse(). */
struct field {
	uint16_t name_at;
	uint16_t name_len;
	uint16_t value_at;
	uint16_t value_len;
};

struct head {
	const char *method; /* in capitals, a constant */
	uint16_t target_at;
	uint16_t target_len;
	uint8_t major;
	uint8_t minor;
	bool keep_alive;
	uint8_t field_count;
	struct field fields[HEAD_MAX_FIELDS];
};

/* `text` is the whole head, its empty line included, and at most 65,535 bytes. 0; -EINVAL when it
 * is not HTTP; -E2BIG with more than HEAD_MAX_FIELDS fields. */
int head_parse(struct head *head, struct str text) must_check;

#endif
