/* SPDX-License-Identifier: Apache-2.0 */

/* The findings of `doctor`: a line or a JSON object per check. */
#ifndef CLI_FINDINGS_H
#define CLI_FINDINGS_H

#include <stdbool.h>

#include "core/attributes.h"
#include "core/buf.h"

enum finding { FINDING_OK, FINDING_WARNING, FINDING_FAULT };

struct findings {
	struct buf out;
	bool json;
	unsigned faults;
};

void findings_init(struct findings *findings, bool json);
void findings_done(struct findings *findings);

/* `what` was checked; the sentence says what was seen. `remedy` says what to do, NULL: nothing. */
void findings_add(struct findings *findings, enum finding level, const char *what,
		  const char *remedy, const char *format, ...) printf_like(5, 6);

/* Prints everything. Returns an exit code. */
int findings_print(struct findings *findings);

#endif
