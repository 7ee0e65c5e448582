/* SPDX-License-Identifier: Apache-2.0 */

/* The entry point: finds the subcommand and runs it. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "app/help.h"
#include "cli/actions.h"
#include "cli/command.h"
#include "cli/output.h"
#include "core/version.h"

static int dispatch(int argc, char **argv)
{
	if (argc < 2) {
		help_print_overview(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("wrenn-events " WRENN_EVENTS_VERSION);
		return EXIT_GOOD;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help_print_overview(stdout);
		return EXIT_GOOD;
	}
	if (strcmp(argv[1], "help") == 0)
		return help_print(argc - 1, argv + 1);

	const struct command *command = command_find(help_commands, argv[1]);

	return command ? command_start(command, argc - 1, argv + 1) : help_refuse(argv[1]);
}

/* If one is closed, the next socket or database would get its number, and be written to. */
static void hold_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	hold_standard_files();
	/* libuv resolves names on at most half of its threads. That is enough for all
	 * look-ups that the guard in targets/ allows at once, and for Redis. */
	setenv("UV_THREADPOOL_SIZE", "72", 1);
	/* Memory holds keys and passwords. Keep them out of core dumps, and out of reach of the
	 * user's other processes. */
	prctl(PR_SET_DUMPABLE, 0);
	/* Our TLS libraries write the keys of every connection to the file that this names. */
	unsetenv("SSLKEYLOGFILE");
	/* TLS and Redis may write to a peer that is gone; the signal must not end the process. */
	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	return output_end(dispatch(argc, argv));
}
