/* SPDX-License-Identifier: Apache-2.0 */

/* A fault is one line of text, which starts with the name of the variable. */
#include "config/setting.h"

#include <errno.h>
#include <stdarg.h>

int setting_fault(const char *name, struct buf *faults, const char *format, ...)
{
	va_list args;

	buf_addf(faults, "%s: ", name);
	va_start(args, format);
	buf_vaddf(faults, format, args);
	va_end(args);
	buf_add_char(faults, '\n');
	return -EINVAL;
}
