/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A ring of ids and digests. Streams whose last entries agree, ids and bytes, count as the same
 * stream. Redis makes ids from its clock, so another stream has other ids.
 */
#include "bus/recent.h"

#include <errno.h>
#include <string.h>

#include "bus/reply.h"
#include "core/event.h"

/* An event and its field names. Of a longer text only the length counts: no reader accepts it. */
#define CONTENT_MAX_BYTES ((size_t)2 * EVENT_MAX_BYTES)

static int digest_fields(const redisReply *fields, uint8_t out[SHA256_SIZE])
{
	struct buf content;
	int rc;

	buf_init(&content, CONTENT_MAX_BYTES);
	for (size_t i = 0; i < fields->elements; i++) {
		struct str text = reply_text(fields->element[i]);

		buf_addf(&content, "%zu:", text.len);
		buf_add_str(&content, text);
	}
	rc = content.err == -ENOMEM ? -ENOMEM : 0;
	if (rc == 0)
		crypto_sha256(buf_str(&content), out);
	buf_done(&content);
	return rc;
}

static int read_entry(const redisReply *reply, struct recent_entry *out)
{
	struct str id = reply_text(reply_element(reply, 0));
	const redisReply *fields = reply_element(reply, 1);

	if (!id.at || !fields || fields->type != REDIS_REPLY_ARRAY ||
	    stream_id_parse(id, &out->id) != 0)
		return -EBADMSG;
	return digest_fields(fields, out->digest);
}

static const struct recent_entry *nth(const struct recent_entries *recent, size_t n)
{
	return &recent->entries[(recent->first + n) % RECENT_MAX];
}

int recent_add(struct recent_entries *recent, const redisReply *entry)
{
	struct recent_entry new;
	int rc = read_entry(entry, &new);

	if (rc)
		return rc;
	recent->entries[(recent->first + recent->count) % RECENT_MAX] = new;
	if (recent->count < RECENT_MAX)
		recent->count++;
	else
		recent->first = (recent->first + 1) % RECENT_MAX;
	return 0;
}

struct stream_id recent_oldest(const struct recent_entries *recent)
{
	return nth(recent, 0)->id;
}

struct stream_id recent_newest(const struct recent_entries *recent)
{
	return nth(recent, recent->count - 1)->id;
}

void recent_cut(struct recent_entries *recent, struct stream_id last)
{
	while (recent->count > 0 && stream_id_compare(recent_newest(recent), last) > 0)
		recent->count--;
}

static bool has(const struct recent_entries *recent, const struct recent_entry *entry)
{
	for (size_t i = 0; i < recent->count; i++) {
		const struct recent_entry *known = nth(recent, i);

		if (stream_id_compare(known->id, entry->id) == 0)
			return memcmp(known->digest, entry->digest, SHA256_SIZE) == 0;
	}
	return false;
}

int recent_compare(const struct recent_entries *recent, const redisReply *list,
		   struct recent_match *out)
{
	struct recent_match match = { .newest_is_there = false };

	if (list->type != REDIS_REPLY_ARRAY)
		return -EBADMSG;
	for (size_t i = 0; i < list->elements && !match.has_strangers; i++) {
		struct recent_entry entry;
		int rc = read_entry(list->element[i], &entry);

		if (rc)
			return rc;
		match.has_strangers = !has(recent, &entry);
		if (match.has_strangers)
			break;
		match.has_common = true;
		match.common = entry.id;
	}
	match.newest_is_there = match.has_common && !match.has_strangers &&
				stream_id_compare(match.common, recent_newest(recent)) == 0;
	*out = match;
	return 0;
}
