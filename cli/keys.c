/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `keys`, `teams` and `sessions`. With the embedded store only these commands make such rows;
 * elsewhere the control plane does (contract f.5). Standard output has only the results, for
 * scripts. Each command names the store it uses and never creates one. In the wrong folder, or
 * without the service's settings, that would be a second store, which the service never reads.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/auth.h"
#include "cli/command.h"
#include "cli/existing_store.h"
#include "cli/output.h"
#include "core/errno_text.h"
#include "core/id.h"
#include "core/json.h"
#include "core/suggest.h"
#include "store/store.h"

#define MAX_COLUMNS 6
#define LINE_LIMIT  65536

static const char keys_usage[] =
	"Usage: wrenn-events keys create --team TEAM --name LABEL\n"
	"       wrenn-events keys list\n"
	"       wrenn-events keys revoke KEY_ID\n"
	"\n"
	"Creates, lists and revokes API keys. `create` prints the new key, once, and adds\n"
	"the team if the embedded store does not have it.\n"
	"\n"
	"  --team TEAM     team-... id\n"
	"  --name LABEL    what the key is for\n"
	"  --config FILE   read KEY=VALUE lines; the environment wins over the file\n"
	"  --json          a JSON object, or one for each line of a list\n"
	"\n"
	"Example: wrenn-events keys create --team $team --name ci\n";

static const char teams_usage[] =
	"Usage: wrenn-events teams create --name NAME\n"
	"       wrenn-events teams list\n"
	"\n"
	"Adds a team to the embedded store and prints its id, or lists the teams.\n"
	"\n"
	"  --name NAME     what the team is called\n"
	"  --config FILE   read KEY=VALUE lines; the environment wins over the file\n"
	"  --json          a JSON object, or one for each line of a list\n"
	"\n"
	"Example: wrenn-events teams create --name Research\n";

static const char sessions_usage[] =
	"Usage: wrenn-events sessions create --team TEAM --name NAME --role ROLE\n"
	"                                    [--platform-admin]\n"
	"\n"
	"Creates a browser session and prints its two cookies, one per line.\n"
	"\n"
	"  --team TEAM       team-... id\n"
	"  --name NAME       display name of the user\n"
	"  --role ROLE       owner, admin or member\n"
	"  --platform-admin  the user may use the admin endpoints\n"
	"  --config FILE     read KEY=VALUE lines; the environment wins over the file\n"
	"  --json            a JSON object\n"
	"\n"
	"Example: wrenn-events sessions create --team $team --name Ada --role owner\n";

struct flags {
	const char *team;
	const char *name;
	const char *role;
	const char *config;
	bool platform_admin;
	bool as_json;
	const char *verb;
	const char *argument; /* the word after the verb, such as a key id; NULL: none */
};

static const struct option options[] = {
	{ "team", required_argument, NULL, 't' },
	{ "name", required_argument, NULL, 'n' },
	{ "role", required_argument, NULL, 'r' },
	{ "config", required_argument, NULL, 'c' },
	{ "platform-admin", no_argument, NULL, 'p' },
	{ "json", no_argument, NULL, 'j' },
	{ 0 },
};

static int read_flags(int argc, char **argv, struct flags *out)
{
	int flag;

	while ((flag = command_flag(argc, argv, options)) != -1) {
		switch (flag) {
		case 't':
			out->team = optarg;
			break;
		case 'n':
			out->name = optarg;
			break;
		case 'r':
			out->role = optarg;
			break;
		case 'c':
			out->config = optarg;
			break;
		case 'p':
			out->platform_admin = true;
			break;
		case 'j':
			out->as_json = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return command_fault(EXIT_USAGE, "%s: which action? See --help", argv[0]);
	out->verb = argv[optind];
	out->argument = optind + 1 < argc ? argv[optind + 1] : NULL;
	if (optind + 2 < argc)
		return command_fault(EXIT_USAGE, "%s: unexpected argument \"%s\"", argv[0],
				     argv[optind + 2]);
	return EXIT_GOOD;
}

static int need(const char *command, const char *flag, const char *value)
{
	if (value && *value)
		return EXIT_GOOD;
	return command_fault(EXIT_USAGE, "%s needs %s", command, flag);
}

static int read_team(const char *text, struct uuid *out)
{
	if (id_parse(ID_TEAM, str_of(text), out) == 0)
		return EXIT_GOOD;
	return command_fault(
		EXIT_USAGE, "--team: expected team- and 25 characters of 0-9a-z, got \"%s\"", text);
}

/* A key or a team that is not there is an answer. The store is there: existing_store() looked. */
static int worked(int rc, const struct reason *why)
{
	if (rc == 0)
		return EXIT_GOOD;
	return command_fault(rc == -ENOENT ? EXIT_FAILED : command_code(rc), "%s",
			     why->text[0] ? why->text : errno_text(rc));
}

/* One object of strings; "never" is null. Ends with NULL. */
static void print_object(const char *const *names, const struct str *values)
{
	struct buf line;

	buf_init(&line, LINE_LIMIT);
	buf_add_char(&line, '{');
	for (; *names; names++, values++) {
		if (!str_is(*values, "never")) {
			json_add_member(&line, *names, *values);
			continue;
		}
		json_add_name(&line, *names);
		buf_add_text(&line, "null");
	}
	buf_add_text(&line, "}\n");
	output_write(stdout, buf_str(&line));
	buf_done(&line);
}

static int create_key(const struct flags *flags, const char *store_url)
{
	struct uuid team;
	struct reason why = { .text = "" };
	char key[37];
	char key_id[ID_TEXT_SIZE];
	int code = need("keys create", "--team", flags->team);

	if (code == EXIT_GOOD)
		code = need("keys create", "--name", flags->name);
	if (code == EXIT_GOOD)
		code = read_team(flags->team, &team);
	if (code == EXIT_GOOD)
		code = worked(
			auth_key_create(store_url, &team, str_of(flags->name), key, key_id, &why),
			&why);
	if (code != EXIT_GOOD)
		return code;
	if (flags->as_json)
		print_object((const char *const[]){ "id", "key", NULL },
			     (const struct str[]){ str_of(key_id), str_of(key) });
	else
		puts(key);
	return EXIT_GOOD;
}

struct listing {
	int (*write)(const char *store_url, struct buf *out, struct reason *why);
	const char
		*names[MAX_COLUMNS + 1]; /* of the columns, which tabs separate; ends with NULL */
};

static const struct listing key_list = {
	.write = auth_key_list,
	.names = { "id", "team_id", "prefix", "name", "created_at", "last_used_at" },
};

static const struct listing team_list = {
	.write = auth_team_list,
	.names = { "id", "name", "created_at" },
};

static void print_objects(const struct listing *list, struct str lines)
{
	while (lines.len) {
		struct str line = str_cut(&lines, '\n');
		struct str values[MAX_COLUMNS] = { 0 };

		for (size_t i = 0; list->names[i]; i++)
			values[i] = str_cut(&line, '\t');
		print_object(list->names, values);
	}
}

static int print_list(const struct flags *flags, const struct listing *list, const char *store_url)
{
	struct reason why = { .text = "" };
	struct buf lines;

	buf_init(&lines, 64 * 1024 * 1024);

	int code = worked(list->write(store_url, &lines, &why), &why);

	if (code == EXIT_GOOD && flags->as_json)
		print_objects(list, buf_str(&lines));
	else if (code == EXIT_GOOD)
		output_write(stdout, buf_str(&lines));
	buf_done(&lines);
	return code;
}

static int revoke_key(const struct flags *flags, const char *store_url)
{
	struct reason why = { .text = "" };
	int code = need("keys revoke", "a key id", flags->argument);

	if (code == EXIT_GOOD)
		code = worked(auth_key_revoke(store_url, str_of(flags->argument), &why), &why);
	return code;
}

static int refuse_action(const struct flags *flags, const char *command, const char *const *actions)
{
	struct suggestion suggestion = { .typed = flags->verb };

	for (; *actions; actions++)
		suggest_consider(&suggestion, *actions);
	if (suggestion.meant)
		return command_fault(EXIT_USAGE, "%s: there is no action \"%s\"; did you mean %s?",
				     command, flags->verb, suggestion.meant);
	return command_fault(EXIT_USAGE, "%s: there is no action \"%s\"; see --help", command,
			     flags->verb);
}

static int refuse_argument(const struct flags *flags, const char *command)
{
	return command_fault(EXIT_USAGE, "%s: unexpected argument \"%s\"", command,
			     flags->argument);
}

static int do_keys(const struct flags *flags, const char *store_url)
{
	if (strcmp(flags->verb, "revoke") == 0)
		return revoke_key(flags, store_url);
	if (flags->argument)
		return refuse_argument(flags, "keys");
	if (strcmp(flags->verb, "create") == 0)
		return create_key(flags, store_url);
	if (strcmp(flags->verb, "list") == 0)
		return print_list(flags, &key_list, store_url);
	return refuse_action(flags, "keys",
			     (const char *const[]){ "create", "list", "revoke", NULL });
}

static int do_teams(const struct flags *flags, const char *store_url)
{
	struct reason why = { .text = "" };
	char team_id[ID_TEXT_SIZE];

	if (flags->argument)
		return refuse_argument(flags, "teams");
	if (strcmp(flags->verb, "list") == 0)
		return print_list(flags, &team_list, store_url);
	if (strcmp(flags->verb, "create") != 0)
		return refuse_action(flags, "teams",
				     (const char *const[]){ "create", "list", NULL });

	int code = need("teams create", "--name", flags->name);

	if (code == EXIT_GOOD)
		code = worked(auth_team_create(store_url, str_of(flags->name), team_id, &why),
			      &why);
	if (code != EXIT_GOOD)
		return code;
	if (flags->as_json)
		print_object((const char *const[]){ "id", NULL },
			     (const struct str[]){ str_of(team_id) });
	else
		puts(team_id);
	return EXIT_GOOD;
}

static int read_role(const char *text, enum team_role *out)
{
	static const struct {
		const char *word;
		enum team_role role;
	} roles[] = { { "owner", ROLE_OWNER }, { "admin", ROLE_ADMIN }, { "member", ROLE_MEMBER } };

	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (text && strcmp(roles[i].word, text) == 0) {
			*out = roles[i].role;
			return EXIT_GOOD;
		}
	return command_fault(EXIT_USAGE, "sessions create needs --role owner, admin or member");
}

static int do_sessions(const struct flags *flags, const char *store_url)
{
	struct reason why = { .text = "" };
	struct uuid team;
	enum team_role role = ROLE_NONE;
	char sid[65];
	char csrf[65];

	if (strcmp(flags->verb, "create") != 0)
		return refuse_action(flags, "sessions", (const char *const[]){ "create", NULL });
	if (flags->argument)
		return refuse_argument(flags, "sessions");

	int code = need("sessions create", "--team", flags->team);

	if (code == EXIT_GOOD)
		code = need("sessions create", "--name", flags->name);
	if (code == EXIT_GOOD)
		code = read_role(flags->role, &role);
	if (code == EXIT_GOOD)
		code = read_team(flags->team, &team);
	if (code == EXIT_GOOD)
		code = worked(auth_session_create(store_url, &team, str_of(flags->name), role,
						  flags->platform_admin, sid, csrf, &why),
			      &why);
	if (code != EXIT_GOOD)
		return code;
	if (flags->as_json)
		print_object((const char *const[]){ "wrenn_sid", "wrenn_csrf", NULL },
			     (const struct str[]){ str_of(sid), str_of(csrf) });
	else
		printf("wrenn_sid=%s\nwrenn_csrf=%s\n", sid, csrf);
	return EXIT_GOOD;
}

static int run_on_store(int argc, char **argv,
			int (*work)(const struct flags *flags, const char *store_url))
{
	struct flags flags = { .verb = "" };
	struct config config = { 0 };
	int code = read_flags(argc, argv, &flags);

	if (code == EXIT_GOOD)
		code = existing_store(flags.config, &config);
	if (code == EXIT_GOOD)
		code = work(&flags, config.database_url);
	config_done(&config);
	return code;
}

static int run_keys(int argc, char **argv)
{
	return run_on_store(argc, argv, do_keys);
}

static int run_teams(int argc, char **argv)
{
	return run_on_store(argc, argv, do_teams);
}

static int run_sessions(int argc, char **argv)
{
	return run_on_store(argc, argv, do_sessions);
}

const struct command keys_command = {
	.name = "keys",
	.summary = "create, list and revoke API keys",
	.usage = keys_usage,
	.run = run_keys,
};

const struct command teams_command = {
	.name = "teams",
	.summary = "create and list teams in the embedded store",
	.usage = teams_usage,
	.run = run_teams,
};

const struct command sessions_command = {
	.name = "sessions",
	.summary = "create a browser session in the embedded store",
	.usage = sessions_usage,
	.run = run_sessions,
};
