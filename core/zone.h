/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A time zone of the system's tzdata: how far its clocks are from UTC at any moment. glibc knows
 * one zone per process, so the file is read here (RFC 9636, version 2 or later).
 */
#ifndef CORE_ZONE_H
#define CORE_ZONE_H

#include <stdint.h>

#include "core/attributes.h"
#include "core/str.h"

#define ZONE_NAME_SIZE 64
#define ZONE_FOLDER    "/usr/share/zoneinfo"

struct zone;

/* Reads a zone by its name, "Europe/Berlin". 0, -ENOENT when the system has no zone of that name,
 * -EBADMSG for a damaged file, -ENOMEM. */
int zone_open(const char *folder, struct str name, struct zone **out) must_check;
void zone_close(struct zone *zone); /* accepts NULL */

/* Reads the content of such a file. */
int zone_parse(struct str content, struct zone **out) must_check;

/* Seconds that local time is ahead of UTC at this UTC time, in seconds since 1970. */
int64_t zone_offset(const struct zone *zone, int64_t utc_s);

/* The first moment at which the zone's clocks show local_s (a local time as if it were UTC) or
 * later. So a time that daylight saving skips is the moment of the change, and of a time that
 * happens twice the first counts. Correct as long as changes are more than two days apart. */
int64_t zone_to_utc(const struct zone *zone, int64_t local_s);

#endif
