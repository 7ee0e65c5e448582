/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `due_ms` names the wait, so that the ledger finds out whether the notice is still true. The other
 * members are for people.
 */
#include "expect/notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/id.h"
#include "core/json.h"
#include "core/rfc3339.h"

#define MAX_DIGITS 15

static void add_time(struct buf *out, const char *name, int64_t ms)
{
	char time[RFC3339_TEXT_SIZE];

	rfc3339_format(ms * 1000, 0, time);
	json_add_member(out, name, str_of(time));
}

static void add_number(struct buf *out, const char *name, int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)number);
	json_add_member(out, name, str_of(text));
}

static void name_kinds(unsigned kinds, const char *between, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (enum event_kind kind = EVENT_UNKNOWN + 1; kind < EVENT_KINDS && len < size; kind++) {
		if (kinds & 1u << kind)
			len += (size_t)snprintf(out + len, size - len, "%s%s", len ? between : "",
						event_kind_name(kind));
	}
}

static void add_kinds(struct buf *out, const char *name, unsigned kinds)
{
	char text[128];

	name_kinds(kinds, ",", text, sizeof(text));
	json_add_member(out, name, str_of(text));
}

static void write_metadata(struct buf *out, const struct expect_notice *notice)
{
	const struct expect_rule *rule = notice->rule;

	json_add_name(out, "metadata");
	buf_add_char(out, '{');
	if (rule->is_of_request)
		json_add_member(out, "after", STR("request of template.snapshot.create"));
	else
		add_kinds(out, "after", rule->after.kinds);
	add_time(out, "due", notice->due_ms);
	add_number(out, "due_ms", notice->due_ms);
	if (notice->arrived_ms) {
		int64_t late_ms = notice->arrived_ms - notice->due_ms;

		add_number(out, "late_s", late_ms > 0 ? (late_ms + 999) / 1000 : 0);
	}
	json_add_member(out, "rule", str_of(rule->name));
	add_time(out, "since", notice->since_ms);
	add_number(out, "within_s", rule->within_ms / 1000);
	add_kinds(out, "without", rule->without.kinds);
	buf_add_char(out, '}');
}

/* "15 min"; the rules have whole seconds. */
static void say_span(int64_t ms, char out[32])
{
	long long seconds = (long long)(ms / 1000);

	if (seconds % 3600 == 0)
		snprintf(out, 32, "%lld h", seconds / 3600);
	else if (seconds % 60 == 0)
		snprintf(out, 32, "%lld min", seconds / 60);
	else
		snprintf(out, 32, "%lld s", seconds);
}

/* The title of a message, after its colon. */
static void write_error(struct buf *out, const struct expect_notice *notice)
{
	const struct expect_rule *rule = notice->rule;
	bool is_completion = (rule->after.kinds & rule->without.kinds) != 0;
	char x[128], y[128], span[32], time[RFC3339_TEXT_SIZE], text[400];

	rfc3339_format(notice->since_ms * 1000, 0, time);
	say_span(rule->within_ms, span);
	name_kinds(rule->after.kinds, " or ", x, sizeof(x));
	name_kinds(rule->without.kinds, " or ", y, sizeof(y));
	if (rule->is_of_request || is_completion)
		snprintf(text, sizeof(text), "asked for at %.5s UTC, %s after %s", time + 11,
			 is_completion ? "not completed" : "no outcome", span);
	else if (rule->after.kinds == 1u << EVENT_HOST_DOWN)
		snprintf(text, sizeof(text), "down since %.5s UTC, not up after %s", time + 11,
			 span);
	else
		snprintf(text, sizeof(text), "%s at %.5s UTC, no %s after %s", x, time + 11, y,
			 span);
	json_add_member(out, "error", str_of(text));
}

void expect_notice_write(struct buf *out, const struct expect_notice *notice, int64_t now_ms)
{
	char team[ID_TEXT_SIZE];

	id_format(ID_TEAM, notice->team, team);
	buf_add_char(out, '{');
	json_add_member(out, "event", str_of(event_kind_name(EVENT_EXPECTATION_MISSED)));
	json_add_member(out, "outcome", notice->arrived_ms ? STR("success") : STR("error"));
	add_time(out, "timestamp", now_ms);
	json_add_member(out, "team_id", str_of(team));
	json_add_name(out, "actor");
	buf_add_text(out, "{\"type\":\"system\"}");
	json_add_name(out, "resource");
	buf_add_char(out, '{');
	json_add_member(out, "id", notice->resource);
	json_add_member(out, "type", str_of(expect_rule_resource_type(notice->rule)));
	buf_add_char(out, '}');
	write_metadata(out, notice);
	if (!notice->arrived_ms)
		write_error(out, notice);
	buf_add_char(out, '}');
}

int64_t expect_notice_due_ms(const struct event *event)
{
	struct str text = event_metadata(event, "due_ms");

	return text.len && text.len <= MAX_DIGITS ? strtoll(text.at, NULL, 10) : 0;
}
