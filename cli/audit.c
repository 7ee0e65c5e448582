/* SPDX-License-Identifier: Apache-2.0 */

/* `audit`: the audit trail. */
#include "cli/audit_verify.h"
#include "cli/command.h"

static const char usage[] = "Usage: wrenn-events audit ACTION [OPTION...]\n"
			    "\n"
			    "The audit trail of a team: who did what, and whether it worked.\n";

static const struct command *const actions[] = { &audit_verify_action, NULL };

const struct command audit_command = {
	.name = "audit",
	.summary = "verify an export of the audit trail",
	.usage = usage,
	.actions = actions,
	.example = "wrenn-events audit verify audit.jsonl --key wrenn.key",
};
