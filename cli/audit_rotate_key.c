/* SPDX-License-Identifier: Apache-2.0 */

/* `audit rotate-key`: a new key signs the checkpoints from the next start on. */
#include <stdio.h>
#include <stdlib.h>

#include "audit/audit.h"
#include "cli/audit_actions.h"
#include "core/clock.h"
#include "core/errno_text.h"

static const char usage[] =
	"Usage: wrenn-events audit rotate-key [--config FILE]\n"
	"\n"
	"Makes a new key that signs the checkpoints of the audit trail. The old file is\n"
	"kept beside it; remove it if somebody may have read it. Restart the service\n"
	"afterwards, on this machine alone: each machine has a key of its own.\n"
	"Old keys stay listed at /v1/audit-logs/key, so old checkpoints still verify.\n"
	"\n"
	"  --config FILE   read KEY=VALUE lines; the environment wins over the file\n"
	"\n"
	"Example: wrenn-events audit rotate-key\n";

static int read_flags(int argc, char **argv, const char **config)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	int flag;

	while ((flag = command_flag(argc, argv, options)) != -1) {
		if (flag != 'c')
			return EXIT_USAGE;
		*config = optarg;
	}
	return optind < argc ? command_fault(EXIT_USAGE, "%s: unexpected argument \"%s\"", argv[0],
					     argv[optind])
			     : EXIT_GOOD;
}

static int rotate(const char *path)
{
	struct reason why = { .text = "" };
	char *kept = NULL;
	int rc = audit_key_rotate(path, clock_wall_us(), &kept, &why);

	if (rc < 0)
		return command_fault(command_code(rc), "%s",
				     why.text[0] ? why.text : errno_text(rc));
	printf("new key: %s\nold key: %s\nRestart the service, and give auditors the new line of "
	       "/v1/audit-logs/key.\n",
	       path, kept);
	free(kept);
	return EXIT_GOOD;
}

static int run(int argc, char **argv)
{
	const char *file = NULL;
	struct config config = { 0 };
	int code = read_flags(argc, argv, &file);

	if (code == EXIT_GOOD)
		code = command_config(CONFIG_FOR_STORE, file, &config);
	if (code == EXIT_GOOD)
		code = rotate(config.audit_key_file);
	config_done(&config);
	return code;
}

const struct command audit_rotate_key_action = {
	.name = "rotate-key",
	.summary = "make a new key that signs the checkpoints",
	.usage = usage,
	.run = run,
};
