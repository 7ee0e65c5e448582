/* SPDX-License-Identifier: Apache-2.0 */

/* `audit rotate-key`: a new key signs the checkpoints from the next start on. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/audit.h"
#include "cli/audit_actions.h"
#include "cli/output.h"
#include "core/clock.h"
#include "core/errno_text.h"
#include "core/json.h"

#define ANSWER_LIMIT 65536

static const char usage[] =
	"Usage: wrenn-events audit rotate-key [--json] [--config FILE]\n"
	"\n"
	"Makes a new key that signs the checkpoints of the audit trail. The old file is\n"
	"kept beside it; remove it if somebody may have read it. Restart the service\n"
	"afterwards, on this machine alone: each machine has a key of its own.\n"
	"Old keys stay listed at /v1/audit-logs/key, so old checkpoints still verify.\n"
	"\n"
	"  --json          print the names of both files as a line of JSON\n"
	"  --config FILE   read KEY=VALUE lines; the environment wins over the file\n"
	"\n"
	"Example: wrenn-events audit rotate-key\n";

struct rotate_flags {
	const char *config;
	bool as_json;
};

static int read_flags(int argc, char **argv, struct rotate_flags *out)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "config", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	int flag;

	while ((flag = command_flag(argc, argv, options)) != -1) {
		if (flag == 'j')
			out->as_json = true;
		else if (flag == 'c')
			out->config = optarg;
		else
			return EXIT_USAGE;
	}
	return optind < argc ? command_fault(EXIT_USAGE, "%s: unexpected argument \"%s\"", argv[0],
					     argv[optind])
			     : EXIT_GOOD;
}

static void print_files(const char *key, const char *old_key, bool as_json)
{
	struct buf answer;

	buf_init(&answer, ANSWER_LIMIT);
	if (as_json) {
		buf_add_text(&answer, "{\"key_file\":");
		json_add_string(&answer, str_of(key));
		buf_add_text(&answer, ",\"old_key_file\":");
		json_add_string(&answer, str_of(old_key));
		buf_add_text(&answer, "}\n");
	} else {
		buf_addf(&answer,
			 "new key: %s\nold key: %s\n"
			 "Restart the service. Its next checkpoint, within the hour or by an "
			 "export, adds a line\nto /v1/audit-logs/key; give auditors this line.\n",
			 key, old_key);
	}
	output_write(stdout, buf_str(&answer));
	buf_done(&answer);
}

static int rotate(const char *path, bool as_json)
{
	struct reason why = { .text = "" };
	char *kept = NULL;
	int rc = audit_key_rotate(path, clock_wall_us(), &kept, &why);

	if (rc == -ENOENT)
		return command_fault(EXIT_USAGE,
				     "%s: there is no key yet; the first start of `wrenn-events "
				     "serve` makes it",
				     path);
	if (rc < 0)
		return command_fault(command_code(rc), "%s",
				     why.text[0] ? why.text : errno_text(rc));
	print_files(path, kept, as_json);
	free(kept);
	return EXIT_GOOD;
}

static int run(int argc, char **argv)
{
	struct rotate_flags flags = { .config = NULL };
	struct config config = { 0 };
	int code = read_flags(argc, argv, &flags);

	if (code == EXIT_GOOD)
		code = command_config(CONFIG_FOR_STORE, flags.config, &config);
	if (code == EXIT_GOOD)
		code = rotate(config.audit_key_file, flags.as_json);
	config_done(&config);
	return code;
}

const struct command audit_rotate_key_action = {
	.name = "rotate-key",
	.summary = "make a new key that signs the checkpoints",
	.usage = usage,
	.run = run,
};
