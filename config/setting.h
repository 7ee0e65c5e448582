/* SPDX-License-Identifier: Apache-2.0 */

/* One variable: a row of the table in config/table.h. Private to config/. */
#ifndef CONFIG_SETTING_H
#define CONFIG_SETTING_H

#include <stdbool.h>
#include <stddef.h>

#include "config/values.h"
#include "core/attributes.h"
#include "core/buf.h"
#include "core/str.h"

struct setting {
	const char *name;
	const char *fallback; /* the default as text; NULL: the member stays as it is */
	const char *meaning;  /* for the manual */
	const char *unset;    /* without a fallback: describes what happens when it is not set */
	bool is_live;         /* SIGHUP changes it */
	/* 0, or -EINVAL with a line in *faults, or -ENOMEM. */
	int (*read)(const struct setting *setting, struct str value, struct config *out,
		    struct buf *faults);
	size_t offset;            /* of the member, for readers that fit several */
	unsigned least;           /* numbers */
	unsigned most;            /* numbers */
	const char *const *words; /* choices, in the order of their enum, NULL after the last */
	const char *provider;     /* origins */
};

/* Appends "NAME: ", the sentence and a newline. Returns -EINVAL. */
int setting_fault(const char *name, struct buf *faults, const char *format, ...) printf_like(3, 4);

#endif
