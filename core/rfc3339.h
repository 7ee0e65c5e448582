/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Times as text. The service writes RFC 3339 in UTC with a trailing Z; it reads any
 * offset and up to nine fractional digits (digits past the sixth are dropped). Times are
 * microseconds since 1970-01-01T00:00:00Z, years 0001 to 9999.
 */
#ifndef CORE_RFC3339_H
#define CORE_RFC3339_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/str.h"

#define RFC3339_TEXT_SIZE 32                          /* longest text we write, with its NUL */
#define RFC3339_LAST_US   INT64_C(253402300799999999) /* 9999-12-31T23:59:59.999999Z */

/* 0, or -EINVAL. The offset (Z or +hh:mm) is required; 't', 'z' and a space between date
 * and time are accepted; a leap second (:60) counts as :59. */
int rfc3339_parse(struct str text, int64_t *out_us) must_check;

/* The way PostgreSQL prints timestamptz with TimeZone UTC: "2026-05-24 05:02:08.123456+00".
 * Accepts everything rfc3339_parse() does as well. */
int rfc3339_parse_sql(struct str text, int64_t *out_us) must_check;

/* Date and time alone, without an offset: taken as UTC. 0, or -EINVAL. */
int rfc3339_parse_zoneless(struct str text, int64_t *out_us) must_check;

/* True for a time that every parser accepts: rfc3339_parse() does, T and Z are capitals, and it is
 * not a leap second. */
bool rfc3339_is_strict(struct str text);

/* Writes with 0 or 6 fractional digits, rounded down. A time outside the years 0001 to 9999
 * becomes the nearest one inside. */
void rfc3339_format(int64_t us, int fraction_digits, char out[RFC3339_TEXT_SIZE]);

/* A duration: digits and one unit, s m h or d. 0 or -EINVAL (also past ten years). */
int duration_parse(struct str text, int64_t *out_ms) must_check;

/* RFC 9110 HTTP-date in its three forms: "Sun, 24 May 2026 05:02:08 GMT", "Sunday, 24-May-26
 * 05:02:08 GMT" and "Sun May 24 05:02:08 2026". */
int http_date_parse(struct str text, int64_t *out_us) must_check;

#endif
