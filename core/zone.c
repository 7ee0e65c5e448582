/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads TZif: a table of changes up to some year, and a rule (POSIX TZ, core/zone_rule.c) for all
 * later years. The first version's table of 32 bits is skipped.
 */
#include "core/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/zone_rule.h"

#define MAX_FILE 65536
#define HEADER   44
#define DAY_S    86400

struct zone_change {
	int64_t at_s;
	int32_t offset_s; /* from then on */
};

struct zone {
	int32_t first_s; /* the offset before the first change */
	struct zone_rule rule;
	size_t count;
	struct zone_change changes[];
};

/* ---- reading ------------------------------------------------------------------------------- */

struct counts {
	size_t utc, standard, leaps, times, types, chars;
};

static uint32_t read_u32(const char *at)
{
	const unsigned char *bytes = (const unsigned char *)at;

	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static int64_t read_i64(const char *at)
{
	return (int64_t)((uint64_t)read_u32(at) << 32 | read_u32(at + 4));
}

static bool read_header(struct str content, struct counts *out)
{
	size_t *const counts[] = { &out->utc,   &out->standard, &out->leaps,
				   &out->times, &out->types,    &out->chars };

	if (content.len < HEADER || !str_starts(content, STR("TZif")) || content.at[4] < '2')
		return false;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		*counts[i] = read_u32(content.at + 20 + 4 * i);
		if (*counts[i] > MAX_FILE)
			return false;
	}
	return out->types > 0;
}

static size_t block_size(const struct counts *counts, size_t time_size)
{
	return counts->times * (time_size + 1) + counts->types * 6 + counts->chars +
	       counts->leaps * (time_size + 4) + counts->standard + counts->utc;
}

static int32_t read_type(const char *types, size_t index)
{
	return (int32_t)read_u32(types + 6 * index);
}

static bool read_changes(struct zone *zone, const char *block, const struct counts *counts)
{
	const char *indexes = block + 8 * counts->times;
	const char *types = indexes + counts->times;

	zone->first_s = read_type(types, 0);
	for (size_t i = 0; i < counts->times; i++) {
		size_t type = (unsigned char)indexes[i];

		if (type >= counts->types)
			return false;
		zone->changes[i] = (struct zone_change){ .at_s = read_i64(block + 8 * i),
							 .offset_s = read_type(types, type) };
		if (i > 0 && zone->changes[i].at_s <= zone->changes[i - 1].at_s)
			return false;
	}
	zone->count = counts->times;
	return true;
}

/* The rule between the two line ends after the block. */
static bool read_rule(struct zone *zone, struct str footer)
{
	const char *end;

	if (footer.len < 2 || footer.at[0] != '\n')
		return false;
	footer = str_from(footer, 1);
	end = memchr(footer.at, '\n', footer.len);
	if (!end)
		return false;
	footer.len = (size_t)(end - footer.at);
	return zone_rule_parse(footer, &zone->rule) == 0;
}

int zone_parse(struct str content, struct zone **out)
{
	struct counts counts;
	struct zone *zone;
	size_t size;

	if (!read_header(content, &counts) || block_size(&counts, 4) > content.len - HEADER)
		return -EBADMSG;
	content = str_from(content, HEADER + block_size(&counts, 4));
	if (!read_header(content, &counts))
		return -EBADMSG;
	content = str_from(content, HEADER);
	size = block_size(&counts, 8);
	if (size > content.len)
		return -EBADMSG;
	zone = calloc(1, sizeof(*zone) + counts.times * sizeof(zone->changes[0]));
	if (!zone)
		return -ENOMEM;
	if (!read_changes(zone, content.at, &counts) || !read_rule(zone, str_from(content, size))) {
		free(zone);
		return -EBADMSG;
	}
	*out = zone;
	return 0;
}

/* No dot and no slash at the beginning: nothing outside the folder is opened. */
static bool is_name(struct str name)
{
	if (name.len == 0 || name.len >= ZONE_NAME_SIZE || name.at[0] == '/')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!is_letter && !(c >= '0' && c <= '9') && !(c && strchr("/_+-", c)))
			return false;
	}
	return true;
}

static int read_file(int fd, char *bytes, struct zone **out)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, bytes + len, MAX_FILE - len);
		if (n < 0)
			return -ENOENT; /* a folder is not a zone either */
		len += (size_t)n;
	} while (n > 0 && len < MAX_FILE);
	return zone_parse((struct str){ .at = bytes, .len = len }, out);
}

int zone_open(const char *folder, struct str name, struct zone **out)
{
	char path[256];
	char *bytes;
	int fd;
	int rc;

	if (!is_name(name))
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/%.*s", folder, STR_ARGS(name));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ENOENT;
	bytes = malloc(MAX_FILE);
	rc = bytes ? read_file(fd, bytes, out) : -ENOMEM;
	free(bytes);
	close(fd);
	return rc;
}

void zone_close(struct zone *zone)
{
	free(zone);
}

/* ---- asking -------------------------------------------------------------------------------- */

int64_t zone_offset(const struct zone *zone, int64_t utc_s)
{
	size_t low = 0; /* all changes before this index have happened */
	size_t high = zone->count;

	if (zone->rule.has_rule && (high == 0 || utc_s >= zone->changes[high - 1].at_s))
		return zone_rule_offset(&zone->rule, utc_s);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (zone->changes[middle].at_s <= utc_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? zone->changes[low - 1].offset_s : zone->first_s;
}

/* The moment after `low` at which the offset changes; by `high` it has changed. */
static int64_t find_change(const struct zone *zone, int64_t low, int64_t high)
{
	int64_t before_s = zone_offset(zone, low);

	while (high - low > 1) {
		int64_t middle = low + (high - low) / 2;

		if (zone_offset(zone, middle) == before_s)
			low = middle;
		else
			high = middle;
	}
	return high;
}

int64_t zone_to_utc(const struct zone *zone, int64_t local_s)
{
	int64_t before_s = zone_offset(zone, local_s - DAY_S);
	int64_t after_s = zone_offset(zone, local_s + DAY_S);

	if (zone_offset(zone, local_s - before_s) == before_s)
		return local_s - before_s;
	if (zone_offset(zone, local_s - after_s) == after_s)
		return local_s - after_s;
	return find_change(zone, local_s - after_s, local_s - before_s);
}
