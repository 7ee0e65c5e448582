/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `publish`: sends one event from flags, or JSON lines from a file or standard input, as the
 * control plane does (contract a.2, o.2). Each event is checked before it is sent. The first bad
 * line ends the command: the error has its number, and no later line is sent.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus/bus.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/redis_settings.h"
#include "core/clock.h"
#include "core/errno_text.h"
#include "core/log.h"

static const char usage[] =
	"Usage: wrenn-events publish KIND --team TEAM --resource ID [OPTION...]\n"
	"       wrenn-events publish --file FILE\n"
	"       wrenn-events publish -\n"
	"\n"
	"Publishes an event to Redis, or every line of JSON in FILE or standard input.\n"
	"Prints the stream ids, and on standard error where they went.\n"
	"\n"
	"  --team TEAM          team-... id of the owner\n"
	"  --resource ID        cl-... or host-... id, or the name of a snapshot\n"
	"  --outcome OUTCOME    success or error\n"
	"  --error TEXT         why it failed\n"
	"  --reason REASON      metadata `reason`\n"
	"  --actor TYPE         user, api_key or system (the default)\n"
	"  --actor-id ID        usr-... or key-... id\n"
	"  --actor-name NAME    display name\n"
	"  --metadata KEY=VALUE more metadata; may be repeated\n"
	"  --config FILE        read KEY=VALUE lines; the environment wins over the file\n"
	"  --json               a JSON object per event, with its stream id\n"
	"\n"
	"REDIS_URL says where (redis://localhost:6379/0).\n"
	"\n"
	"Example: wrenn-events publish host.up --team $team --resource $host\n";

enum {
	FLAG_TEAM = 256,
	FLAG_RESOURCE,
	FLAG_OUTCOME,
	FLAG_ERROR,
	FLAG_REASON,
	FLAG_ACTOR,
	FLAG_ACTOR_ID,
	FLAG_ACTOR_NAME,
	FLAG_METADATA,
	FLAG_FILE,
	FLAG_CONFIG,
	FLAG_JSON
};

static const struct option options[] = {
	{ "team", required_argument, NULL, FLAG_TEAM },
	{ "resource", required_argument, NULL, FLAG_RESOURCE },
	{ "outcome", required_argument, NULL, FLAG_OUTCOME },
	{ "error", required_argument, NULL, FLAG_ERROR },
	{ "reason", required_argument, NULL, FLAG_REASON },
	{ "actor", required_argument, NULL, FLAG_ACTOR },
	{ "actor-id", required_argument, NULL, FLAG_ACTOR_ID },
	{ "actor-name", required_argument, NULL, FLAG_ACTOR_NAME },
	{ "metadata", required_argument, NULL, FLAG_METADATA },
	{ "file", required_argument, NULL, FLAG_FILE },
	{ "config", required_argument, NULL, FLAG_CONFIG },
	{ "json", no_argument, NULL, FLAG_JSON },
	{ 0 },
};

struct publish_flags {
	struct bus_publication event;
	struct event_member metadata[EVENT_MAX_METADATA];
	const char *file; /* "-" for standard input; NULL: the event from flags */
	const char *config;
	bool as_json;
};

static int add_metadata(struct publish_flags *flags, struct str name, struct str value)
{
	if (flags->event.metadata_count == EVENT_MAX_METADATA)
		return command_fault(EXIT_USAGE, "--metadata: at most %d members are allowed",
				     EVENT_MAX_METADATA);
	flags->metadata[flags->event.metadata_count++] =
		(struct event_member){ .name = name, .value = value };
	return EXIT_GOOD;
}

static int add_metadata_pair(struct publish_flags *flags, const char *pair)
{
	struct str value = str_of(pair);
	struct str name = str_cut(&value, '=');

	if (!value.at || name.len == 0)
		return command_fault(EXIT_USAGE, "--metadata: expected KEY=VALUE, got \"%s\"",
				     pair);
	return add_metadata(flags, name, value);
}

/* The member of the event that the flag sets, or NULL for other flags. */
static struct str *member_of(struct publish_flags *flags, int flag)
{
	switch (flag) {
	case FLAG_TEAM:
		return &flags->event.team;
	case FLAG_RESOURCE:
		return &flags->event.resource_id;
	case FLAG_OUTCOME:
		return &flags->event.outcome;
	case FLAG_ERROR:
		return &flags->event.error;
	case FLAG_ACTOR:
		return &flags->event.actor_type;
	case FLAG_ACTOR_ID:
		return &flags->event.actor_id;
	case FLAG_ACTOR_NAME:
		return &flags->event.actor_name;
	default:
		return NULL;
	}
}

static int take_flag(struct publish_flags *flags, int flag, const char *value)
{
	struct str *member = member_of(flags, flag);

	if (member)
		*member = str_of(value);
	else if (flag == FLAG_REASON)
		return add_metadata(flags, STR("reason"), str_of(value));
	else if (flag == FLAG_METADATA)
		return add_metadata_pair(flags, value);
	else if (flag == FLAG_FILE)
		flags->file = value;
	else if (flag == FLAG_CONFIG)
		flags->config = value;
	else if (flag == FLAG_JSON)
		flags->as_json = true;
	else
		return EXIT_USAGE;
	return EXIT_GOOD;
}

static int read_flags(int argc, char **argv, struct publish_flags *flags)
{
	int flag;

	flags->event.metadata = flags->metadata;
	while ((flag = command_flag(argc, argv, options)) != -1) {
		int code = take_flag(flags, flag, optarg);

		if (code != EXIT_GOOD)
			return code;
	}
	if (optind + 1 < argc)
		return command_fault(EXIT_USAGE, "publish: unexpected argument \"%s\"",
				     argv[optind + 1]);
	if (optind < argc && flags->file)
		return command_fault(EXIT_USAGE, "publish: give either an event or --file");
	if (optind < argc && strcmp(argv[optind], "-") == 0)
		flags->file = "-";
	else if (optind < argc)
		flags->event.kind = str_of(argv[optind]);
	if (flags->file)
		return EXIT_GOOD;
	if (flags->event.kind.len == 0 || flags->event.team.len == 0 ||
	    flags->event.resource_id.len == 0)
		return command_fault(EXIT_USAGE,
				     "publish needs KIND, --team and --resource; see --help");
	return EXIT_GOOD;
}

static int publish_event(struct redis_blocking *redis, struct str event, bool as_json,
			 struct reason *why)
{
	char id[STREAM_ID_TEXT_SIZE] = "";
	int rc = bus_publish(redis, event, id, why);

	if (rc == 0 && id[0])
		printf(as_json ? "{\"id\":\"%s\"}\n" : "%s\n", id);
	return rc;
}

static int publish_flags(struct redis_blocking *redis, const struct publish_flags *flags)
{
	struct reason why = { .text = "" };
	struct buf json;

	buf_init(&json, EVENT_MAX_BYTES);

	int rc = bus_publication_write(&flags->event, clock_wall_us(), &json, &why);

	if (rc == 0)
		rc = publish_event(redis, buf_str(&json), flags->as_json, &why);
	buf_done(&json);
	if (rc < 0)
		return command_fault(command_code(rc), "%s%s%s", why.field,
				     why.field[0] ? ": " : "",
				     why.text[0] ? why.text : errno_text(rc));
	return EXIT_GOOD;
}

static int publish_lines(struct redis_blocking *redis, FILE *in, bool as_json)
{
	struct reason why = { .text = "" };
	unsigned long number = 0;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int code = EXIT_GOOD;

	while (code == EXIT_GOOD && (len = getline(&line, &size, in)) >= 0) {
		struct str json = str_trim((struct str){ .at = line, .len = (size_t)len });

		number++;
		if (json.len == 0)
			continue;
		int rc = publish_event(redis, json, as_json, &why);

		if (rc < 0)
			code = command_fault(command_code(rc), "line %lu: %s%s%s", number,
					     why.field, why.field[0] ? ": " : "", why.text);
	}
	if (code == EXIT_GOOD && ferror(in))
		code = command_fault(EXIT_FAILED, "cannot read after line %lu: %s", number,
				     errno_text(-errno));
	free(line);
	return code;
}

static int publish_file(struct redis_blocking *redis, const char *path, bool as_json)
{
	if (strcmp(path, "-") == 0)
		return publish_lines(redis, stdin, as_json);

	FILE *in = fopen(path, "re");

	if (!in)
		return command_fault(EXIT_USAGE, "%s: %s", path, errno_text(-errno));

	int code = publish_lines(redis, in, as_json);

	fclose(in);
	return code;
}

/* Any Redis accepts an event, even if REDIS_URL is missing or outdated. So show where it went. */
static void say_where(const struct config *config)
{
	struct buf place;

	buf_init(&place, 4096);
	output_add_place(&place, str_of(config->redis_url));
	command_fault(EXIT_GOOD, "published to %.*s", STR_ARGS(buf_str(&place)));
	buf_done(&place);
}

static int publish_all(const struct config *config, const struct publish_flags *flags)
{
	const struct redis_settings settings = redis_settings_of(config);
	struct redis_address address = { 0 };
	struct redis_blocking *redis = NULL;
	struct reason why = { .text = "" };
	int rc = redis_address_read(&settings, &address, &why);
	int code;

	if (rc == 0)
		rc = redis_blocking_open(&address, &redis, &why);
	if (rc < 0)
		code = command_fault(command_code(rc), "%s: %s", why.field, why.text);
	else
		code = flags->file ? publish_file(redis, flags->file, flags->as_json)
				   : publish_flags(redis, flags);
	if (code == EXIT_GOOD)
		say_where(config);
	if (!redis_blocking_close(redis))
		_exit(output_end(code));
	redis_address_done(&address);
	return code;
}

static int run(int argc, char **argv)
{
	struct publish_flags flags = { .event.actor_type = STR("system") };
	struct config config = { 0 };
	int code = read_flags(argc, argv, &flags);

	/* The command reports these errors itself. */
	log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_ERROR, -1);
	if (code == EXIT_GOOD)
		code = command_config(CONFIG_FOR_REDIS, flags.config, &config);
	if (code == EXIT_GOOD)
		code = publish_all(&config, &flags);
	config_done(&config);
	return code;
}

const struct command publish_command = {
	.name = "publish",
	.summary = "publish an event, or JSON lines",
	.usage = usage,
	.run = run,
};
