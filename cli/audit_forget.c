/* SPDX-License-Identifier: Apache-2.0 */

/* `audit forget`: erases a person from the trail of every team, on the store itself. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "audit/audit.h"
#include "cli/audit_actions.h"
#include "cli/existing_store.h"
#include "core/clock.h"
#include "core/errno_text.h"
#include "core/log.h"

static const char usage[] =
	"Usage: wrenn-events audit forget --user USER [--json] [--config FILE]\n"
	"\n"
	"Erases a person from the audit trail of every team: name and id, and what\n"
	"the docs list, are removed from the rows and cannot be guessed from what is\n"
	"left. Exports and checkpoints from before still verify. The service may\n"
	"run meanwhile. Backups still have the person: see docs/audit.md.\n"
	"\n"
	"  --user USER     usr-... id\n"
	"  --json          print the counts as a line of JSON\n"
	"  --config FILE   read KEY=VALUE lines; the environment wins over the file\n"
	"\n"
	"Example: wrenn-events audit forget --user $user\n";

struct forget_flags {
	const char *user;
	const char *config;
	bool as_json;
};

static int read_flags(int argc, char **argv, struct forget_flags *out)
{
	static const struct option options[] = {
		{ "user", required_argument, NULL, 'u' },
		{ "json", no_argument, NULL, 'j' },
		{ "config", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	struct uuid user;
	int flag;

	while ((flag = command_flag(argc, argv, options)) != -1) {
		if (flag == 'u')
			out->user = optarg;
		else if (flag == 'j')
			out->as_json = true;
		else if (flag == 'c')
			out->config = optarg;
		else
			return EXIT_USAGE;
	}
	if (optind < argc)
		return command_fault(EXIT_USAGE, "%s: unexpected argument \"%s\"", argv[0],
				     argv[optind]);
	if (!out->user)
		return command_fault(EXIT_USAGE, "%s needs --user; see --help", argv[0]);
	if (id_parse(ID_USER, str_of(out->user), &user) < 0)
		return command_fault(
			EXIT_USAGE, "--user: expected usr- and 25 characters of 0-9a-z, got \"%s\"",
			out->user);
	return EXIT_GOOD;
}

static void print_counts(const struct audit_forgetting *forgetting, bool as_json)
{
	if (as_json)
		printf("{\"teams\":%" PRId64 ",\"rows\":%" PRId64 "}\n", forgetting->teams,
		       forgetting->rows);
	else
		printf("erased from %" PRId64 " rows of %" PRId64 " teams\n", forgetting->rows,
		       forgetting->teams);
}

static int forget(const struct forget_flags *flags, const char *store_url)
{
	struct audit_forgetting forgetting = { .rows = 0 };
	struct reason why = { .text = "" };
	int rc;

	snprintf(forgetting.user, sizeof(forgetting.user), "%s", flags->user);
	rc = audit_forget(store_url, &forgetting, clock_wall_us, &why);
	if (rc == -EAGAIN)
		return command_fault(EXIT_FAILED,
				     "new rows of the trail are not in its tree yet; the running "
				     "service puts them there within seconds, so try again then");
	if (rc < 0)
		return command_fault(command_code(rc), "%s",
				     why.text[0] ? why.text : errno_text(rc));
	print_counts(&forgetting, flags->as_json);
	return EXIT_GOOD;
}

static int run(int argc, char **argv)
{
	struct forget_flags flags = { .user = NULL };
	struct config config = { 0 };
	int code = read_flags(argc, argv, &flags);

	if (code == EXIT_GOOD)
		code = existing_store(flags.config, &config);
	if (code == EXIT_GOOD)
		code = forget(&flags, config.database_url);
	config_done(&config);
	return code;
}

const struct command audit_forget_action = {
	.name = "forget",
	.summary = "erase a person from the trail of every team",
	.usage = usage,
	.run = run,
};
