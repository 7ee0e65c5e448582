/* SPDX-License-Identifier: Apache-2.0 */

/* Checks for problems that occur with Redis in practice. Changes nothing. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/doctor_checks.h"
#include "cli/redis_settings.h"
#include "core/clock.h"
#include "net/net.h"

#define OLDEST_MAJOR  6
#define OLDEST_MINOR  2       /* XAUTOCLAIM */
#define FULL_STREAM   9000    /* of the 10,000 entries that the control plane keeps */
#define LONG_STREAM   20000   /* so nobody trims it */
#define CLOCK_WARN_US 2000000 /* leases and cursors tolerate this much */
#define TEXT_ROOM     16384

struct patient {
	struct findings *findings;
	const struct config *config;
	struct redis_blocking *redis;
	struct buf text; /* of the last answer */
	int64_t number;
	bool is_refused; /* the last answer was an error */
};

static void keep_text(const redisReply *reply, struct patient *p)
{
	struct str text = redis_reply_text(reply);

	buf_add_str(&p->text, text);
	buf_add_char(&p->text, '\n');
	for (size_t i = 0; i < reply->elements; i++) {
		const redisReply *element = reply->element[i];

		if (element->type == REDIS_REPLY_INTEGER)
			buf_addf(&p->text, "%lld\n", element->integer);
		else
			keep_text(element, p);
	}
}

static void on_reply(const redisReply *reply, void *owner)
{
	struct patient *p = owner;

	p->is_refused = reply->type == REDIS_REPLY_ERROR;
	p->number = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
	if (!p->is_refused)
		keep_text(reply, p);
}

/* Returns whether there is an answer. */
static bool ask(struct patient *p, const char *first, const char *second, const char *third)
{
	const struct str argv[] = { str_of(first), str_of(second), str_of(third) };
	const struct redis_blocking_command command = { .argc = third    ? 3
								: second ? 2
									 : 1,
							.argv = argv,
							.on_reply = on_reply,
							.owner = p };
	struct reason why = { .text = "" };

	p->text.len = 0;
	p->is_refused = true;
	if (redis_blocking_send(p->redis, &command, &why) < 0)
		return false;
	return !p->is_refused;
}

/* A field of INFO's answer, or the line after a name in a list; the empty text if there is none. */
static struct str field(struct str rest, const char *name, char separator)
{
	while (rest.len > 0) {
		struct str line = str_trim(str_cut(&rest, '\n'));
		struct str key = str_cut(&line, separator);

		if (str_is(key, name))
			return separator == '\n' ? str_trim(str_cut(&rest, '\n')) : line;
	}
	return STR("");
}

static int64_t number_of(struct str text)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%.*s", STR_ARGS(text));
	return strtoll(digits, NULL, 10);
}

static void check_server(struct patient *p)
{
	struct str version = field(buf_str(&p->text), "redis_version", ':');
	struct str rest = version;
	int64_t major = number_of(str_cut(&rest, '.'));
	int64_t minor = number_of(str_cut(&rest, '.'));
	bool is_old = major < OLDEST_MAJOR || (major == OLDEST_MAJOR && minor < OLDEST_MINOR);

	findings_add(p->findings, is_old ? FINDING_FAULT : FINDING_OK, "redis version",
		     is_old ? "upgrade Redis to 6.2 or later" : NULL, "%.*s", STR_ARGS(version));
}

/* A replica is refused when the connection opens. */
static void check_role(struct patient *p)
{
	struct str role = field(buf_str(&p->text), "role", ':');
	int64_t replicas = number_of(field(buf_str(&p->text), "connected_slaves", ':'));

	findings_add(p->findings, FINDING_OK, "redis role", NULL, "%.*s, %" PRId64 " replica%s",
		     STR_ARGS(role), replicas, replicas == 1 ? "" : "s");
}

static void check_memory(struct patient *p)
{
	struct str policy = field(buf_str(&p->text), "maxmemory_policy", ':');
	bool is_limited = number_of(field(buf_str(&p->text), "maxmemory", ':')) > 0;
	bool evicts = is_limited && !str_is(policy, "noeviction");

	findings_add(p->findings, evicts ? FINDING_FAULT : FINDING_OK, "redis maxmemory",
		     evicts ? "set maxmemory-policy noeviction: Redis may delete the stream" : NULL,
		     "%s, policy %.*s", is_limited ? "limited" : "no limit", STR_ARGS(policy));
}

static void check_persistence(struct patient *p)
{
	bool has_log = str_is(field(buf_str(&p->text), "aof_enabled", ':'), "1");
	bool has_dumps =
		ask(p, "CONFIG", "GET", "save") && field(buf_str(&p->text), "save", '\n').len > 0;

	findings_add(p->findings, has_log || has_dumps ? FINDING_OK : FINDING_WARNING,
		     "redis persistence",
		     has_log || has_dumps ? NULL
					  : "set appendonly yes: a restart loses events that were "
					    "not read yet",
		     "%s",
		     has_log     ? "append-only file"
		     : has_dumps ? "snapshots only"
				 : "none");
}

static void check_timeout(struct patient *p)
{
	if (!ask(p, "CONFIG", "GET", "timeout")) {
		findings_add(p->findings, FINDING_OK, "redis timeout", NULL,
			     "unknown: the user may not use CONFIG");
		return;
	}
	int64_t timeout_s = number_of(field(buf_str(&p->text), "timeout", '\n'));

	findings_add(p->findings, timeout_s ? FINDING_WARNING : FINDING_OK, "redis timeout",
		     timeout_s ? "set timeout 0: Redis closes connections that wait for events"
			       : NULL,
		     "%" PRId64 " s", timeout_s);
}

/* XINFO GROUPS is a flat list of names and values, group after group. Each begins with its name. */
static bool find_group(struct str rest, const char *name, struct str *out)
{
	while (rest.len > 0) {
		struct str key = str_trim(str_cut(&rest, '\n'));

		if (!str_is(key, "name"))
			continue;
		*out = rest;
		if (str_is(str_trim(str_cut(&rest, '\n')), name))
			return true;
	}
	return false;
}

static void check_lag(struct patient *p, struct str group)
{
	struct str text = field(group, "lag", '\n');
	int64_t pending = number_of(field(group, "pending", '\n'));
	int64_t lag = number_of(text);

	/* Redis before 7.0 does not count the lag, and later versions not always. */
	if (text.len == 0) {
		findings_add(p->findings, FINDING_WARNING, "consumer group",
			     "watch wrenn_events_bus_lag_entries, or upgrade to Redis 7",
			     "%s: unknown how many entries are not read, %" PRId64
			     " not acknowledged",
			     p->config->group, pending);
		return;
	}
	findings_add(p->findings, lag > FULL_STREAM ? FINDING_FAULT : FINDING_OK, "consumer group",
		     lag > FULL_STREAM ? "start a worker, or look in its log: entries are trimmed "
					 "soon"
				       : NULL,
		     "%s: %" PRId64 " entries not read, %" PRId64 " not acknowledged",
		     p->config->group, lag, pending);
}

static void check_stream(struct patient *p)
{
	bool has_stream = ask(p, "XLEN", "wrenn:events", NULL);
	int64_t length = p->number;
	bool is_long = length > LONG_STREAM;

	findings_add(p->findings,
		     !has_stream ? FINDING_FAULT
		     : is_long   ? FINDING_WARNING
				 : FINDING_OK,
		     "stream",
		     !has_stream ? "grant the user of REDIS_URL the key wrenn:events"
		     : is_long   ? "publish with MAXLEN ~ 10000: it fills the memory of Redis"
				 : NULL,
		     "%" PRId64 " entries", length);
	if (!has_stream || !ask(p, "XINFO", "GROUPS", "wrenn:events")) {
		findings_add(p->findings, FINDING_WARNING, "consumer group",
			     "start the service, which makes it", "none yet");
		return;
	}
	struct str group;

	if (!find_group(buf_str(&p->text), p->config->group, &group)) {
		findings_add(p->findings, FINDING_WARNING, "consumer group",
			     "start the service, which makes it", "%s does not exist",
			     p->config->group);
		return;
	}
	check_lag(p, group);
}

static void check_clock(struct patient *p)
{
	if (!ask(p, "TIME", NULL, NULL))
		return;
	struct str rest = str_from(buf_str(&p->text), 1);
	int64_t theirs_us = number_of(str_cut(&rest, '\n')) * 1000000;
	int64_t off_us = llabs(clock_wall_us() - theirs_us);
	bool is_off = off_us > CLOCK_WARN_US;

	findings_add(p->findings, is_off ? FINDING_WARNING : FINDING_OK, "redis clock",
		     is_off ? "run NTP on both machines" : NULL, "%" PRId64 " s from ours",
		     off_us / 1000000);
}

static void examine(struct patient *p)
{
	if (ask(p, "INFO", NULL, NULL)) {
		check_server(p);
		check_role(p);
		check_memory(p);
		check_persistence(p);
	} else {
		findings_add(p->findings, FINDING_WARNING, "redis server",
			     "grant the user of REDIS_URL +info and +role",
			     "INFO is denied, so version, role and memory are unknown");
	}
	check_timeout(p);
	check_stream(p);
	check_clock(p);
}

void doctor_check_redis(struct findings *findings, const struct config *config)
{
	const struct redis_settings settings = redis_settings_of(config);
	struct redis_address address = { 0 };
	struct reason why = { .text = "" };
	struct patient p = { .findings = findings, .config = config };
	int rc = redis_address_read(&settings, &address, &why);

	buf_init(&p.text, TEXT_ROOM);
	if (rc == 0)
		rc = redis_blocking_open(&address, &p.redis, &why);
	findings_add(findings, rc < 0 ? FINDING_FAULT : FINDING_OK, "redis",
		     rc < 0 ? "check REDIS_URL (a master, or redis+sentinel://), "
			      "the server and the way there"
			    : NULL,
		     "%s", rc < 0 ? why.text : "reachable");
	if (rc == 0)
		examine(&p);
	/* A silent name server still has the resolver; the process ends soon. */
	if (redis_blocking_close(p.redis))
		redis_address_done(&address);
	buf_done(&p.text);
}
