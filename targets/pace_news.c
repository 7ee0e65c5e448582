/* SPDX-License-Identifier: Apache-2.0 */

/*
 *   WORKER took    PROVIDER TEAM CHANNEL [KEY BURST INTERVAL_US]...
 *   WORKER learned PROVIDER TEAM CHANNEL STATUS WHAT RETRY_MS WHOM PAUSE_MS [KEY ...]...
 *   WORKER forgot  PROVIDER TEAM CHANNEL
 *
 * WHAT is delivered, throttled or other. RETRY_MS and PAUSE_MS are "-" for none. Workers of
 * other versions may listen: they ignore a line that they cannot read.
 */
#include "targets/pace_news.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "core/attributes.h"

#define NONE        "-"
#define MAX_SPAN_MS ((unsigned long long)24 * 3600 * 1000)
#define MAX_BURST   1000

static const char *const kinds[] = {
	[PACE_TOOK] = "took",
	[PACE_LEARNED] = "learned",
	[PACE_FORGOT] = "forgot",
};
static const char *const whom[] = {
	[PAUSE_CHANNEL] = "channel",
	[PAUSE_PROVIDER] = "provider",
	[PAUSE_EVERYBODY] = "everybody",
};

/* ---- writing ----------------------------------------------------------------------------- */

static void add_word(struct buf *out, const char *word)
{
	buf_add_char(out, ' ');
	buf_add_text(out, word);
}

static void add_id(struct buf *out, const struct uuid *id)
{
	char text[UUID_TEXT_SIZE];

	uuid_format(id, text);
	add_word(out, text);
}

static void add_ms(struct buf *out, int64_t ms)
{
	buf_add_char(out, ' ');
	if (ms < 0)
		buf_add_text(out, NONE);
	else
		buf_add_i64(out, ms);
}

static const char *what_of(const struct verdict *verdict)
{
	if (verdict->is_throttled)
		return "throttled";
	return verdict->kind == VERDICT_DELIVERED ? "delivered" : "other";
}

/* A wait that any other answer asks for is about one message only. */
static int64_t wish_of(const struct verdict *verdict)
{
	bool is_heard = verdict->is_throttled || verdict->kind == VERDICT_RETRY;

	return is_heard ? verdict->retry_after_ms : -1;
}

static void add_lesson(struct buf *out, const struct pace_news *news)
{
	const struct verdict *verdict = &news->verdict;

	add_ms(out, news->status);
	add_word(out, what_of(verdict));
	add_ms(out, wish_of(verdict));
	add_word(out, whom[verdict->pause]);
	add_ms(out, verdict->pause_ms);
}

void pace_news_write(struct buf *out, const struct pace_news *news)
{
	char worker[UUID_TEXT_SIZE];

	uuid_format(&news->worker, worker);
	buf_add_text(out, worker);
	add_word(out, kinds[news->kind]);
	add_word(out, news->paced.provider ? news->paced.provider->name : NONE);
	add_id(out, &news->paced.user.team);
	add_id(out, &news->paced.user.channel);
	if (news->kind == PACE_LEARNED)
		add_lesson(out, news);
	for (size_t i = 0; i < news->paced.count; i++) {
		add_word(out, news->paced.list[i].key);
		buf_addf(out, " %u", news->paced.list[i].burst);
		add_ms(out, news->paced.list[i].interval_us);
	}
}

/* ---- reading ----------------------------------------------------------------------------- */

static int read_up_to(struct str *rest, unsigned long long most, unsigned long long *out)
{
	return str_to_u64(str_cut(rest, ' '), out) && *out <= most ? 0 : -EINVAL;
}

static int read_ms(struct str *rest, int64_t *out)
{
	struct str word = str_cut(rest, ' ');
	unsigned long long number;

	*out = -1;
	if (str_is(word, NONE))
		return 0;
	if (!str_to_u64(word, &number) || number > MAX_SPAN_MS)
		return -EINVAL;
	*out = (int64_t)number;
	return 0;
}

static int read_one_of(struct str *rest, const char *const *words, size_t count)
{
	struct str word = str_cut(rest, ' ');

	for (size_t i = 0; i < count; i++) {
		if (str_is(word, words[i]))
			return (int)i;
	}
	return -EINVAL;
}

static int read_lesson(struct str *rest, struct pace_news *out)
{
	static const char *const whats[] = { "delivered", "throttled", "other" };
	unsigned long long status;
	int what, who;

	if (read_up_to(rest, INT_MAX, &status) < 0)
		return -EINVAL;
	out->status = (int)status;
	what = read_one_of(rest, whats, ARRAY_LEN(whats));
	if (what < 0)
		return what;
	out->verdict = verdict_of(what == 0 ? VERDICT_DELIVERED : VERDICT_RETRY);
	out->verdict.is_throttled = what == 1;
	if (read_ms(rest, &out->verdict.retry_after_ms) < 0)
		return -EINVAL;
	who = read_one_of(rest, whom, ARRAY_LEN(whom));
	if (who < 0)
		return who;
	if (who == PAUSE_PROVIDER)
		out->verdict.pause = PAUSE_PROVIDER;
	else if (who == PAUSE_EVERYBODY)
		out->verdict.pause = PAUSE_EVERYBODY;
	return read_ms(rest, &out->verdict.pause_ms);
}

static int read_pace(struct str *rest, struct pace *out)
{
	struct str key = str_cut(rest, ' ');
	unsigned long long burst, interval_us;

	if (key.len != sizeof(out->key) - 1 || !str_is_word(key, "") ||
	    read_up_to(rest, MAX_BURST, &burst) < 0 ||
	    read_up_to(rest, MAX_SPAN_MS * 1000, &interval_us) < 0)
		return -EINVAL;
	memcpy(out->key, key.at, key.len);
	out->key[key.len] = '\0';
	out->burst = (unsigned)burst;
	out->interval_us = (int64_t)interval_us;
	return 0;
}

int pace_news_read(struct str line, struct pace_news *out)
{
	struct str rest = line;
	int kind, rc = 0;

	*out = (struct pace_news){ .status = 0 };
	if (uuid_parse(str_cut(&rest, ' '), &out->worker) < 0)
		return -EINVAL;
	kind = read_one_of(&rest, kinds, ARRAY_LEN(kinds));
	if (kind < 0)
		return kind;
	out->kind = (enum pace_news_kind)kind;
	out->paced.provider = provider_find(str_cut(&rest, ' '));
	if (!out->paced.provider && out->kind != PACE_FORGOT)
		return -EINVAL;
	if (uuid_parse(str_cut(&rest, ' '), &out->paced.user.team) < 0 ||
	    uuid_parse(str_cut(&rest, ' '), &out->paced.user.channel) < 0)
		return -EINVAL;
	if (out->kind == PACE_LEARNED)
		rc = read_lesson(&rest, out);
	while (rc == 0 && rest.at) {
		if (out->paced.count == PROVIDER_MAX_PACES)
			return -EINVAL;
		rc = read_pace(&rest, &out->paced.list[out->paced.count++]);
	}
	return rc;
}
