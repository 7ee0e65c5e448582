/* SPDX-License-Identifier: Apache-2.0 */

/* Shared by all subcommands: printing errors, exit codes, durations, loading the settings. */
#include "cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/output.h"
#include "core/rfc3339.h"

#define FAULT_LIMIT 65536

int command_fault(int code, const char *format, ...)
{
	struct buf fault;
	struct buf line;
	va_list args;

	buf_init(&fault, FAULT_LIMIT);
	va_start(args, format);
	buf_vaddf(&fault, format, args);
	va_end(args);
	buf_init(&line, 6 * FAULT_LIMIT);
	output_escape(&line, buf_str(&fault), false);
	fprintf(stderr, "wrenn-events: %.*s\n", STR_ARGS(buf_str(&line)));
	buf_done(&line);
	buf_done(&fault);
	return code;
}

int command_code(int rc)
{
	switch (rc) {
	case 0:
		return EXIT_GOOD;
	case -EINVAL:
	case -E2BIG:
	case -ENOENT:
	case -EEXIST:
		return EXIT_USAGE;
	case -ENOTCONN:
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -ECONNABORTED:
	case -EPIPE:
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -ETIMEDOUT:
	case -EACCES:
	case -EPERM:
		return EXIT_UNREACHABLE;
	default:
		return EXIT_FAILED;
	}
}

int command_duration(const char *text, int64_t *out_ms)
{
	char with_unit[32];
	unsigned long long seconds;

	if (!str_to_u64(str_of(text), &seconds))
		return duration_parse(str_of(text), out_ms);
	snprintf(with_unit, sizeof(with_unit), "%llus", seconds);
	return duration_parse(str_of(with_unit), out_ms);
}

int command_config(enum config_need need, const char *file, struct config *out)
{
	struct buf faults;
	int code = EXIT_GOOD;

	buf_init(&faults, FAULT_LIMIT);
	if (config_load(environ, file, need, out, &faults) < 0) {
		output_write(stderr, faults.len ? buf_str(&faults)
						: STR("wrenn-events: cannot read the settings\n"));
		code = EXIT_USAGE;
	}
	buf_done(&faults);
	return code;
}
