/* SPDX-License-Identifier: Apache-2.0 */

/* What all subcommands share: wording a fault, loading the settings. */
#include "app/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

int command_fault(int code, const char *format, ...)
{
	va_list args;

	fputs("wrenn-events: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

int command_config(enum config_need need, const char *file, struct config *out)
{
	struct buf faults;
	int code = EXIT_GOOD;

	buf_init(&faults, 65536);
	if (config_load(environ, file, need, out, &faults) < 0) {
		const char *text = buf_text(&faults);

		fputs(text && *text ? text : "wrenn-events: the settings cannot be read\n", stderr);
		code = EXIT_FAILED;
	}
	buf_done(&faults);
	return code;
}
