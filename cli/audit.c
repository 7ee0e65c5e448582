/* SPDX-License-Identifier: Apache-2.0 */

/* `audit`: the audit trail of a team. One file for each action. */
#include "cli/audit_actions.h"
#include "cli/audit_verify.h"

static const char usage[] = "Usage: wrenn-events audit ACTION [OPTION...]\n"
			    "\n"
			    "The audit trail of a team: who did what, and whether it worked.\n";

static const struct command *const actions[] = { &audit_list_action,       &audit_export_action,
						 &audit_verify_action,     &audit_forget_action,
						 &audit_rotate_key_action, NULL };

const struct command audit_command = {
	.name = "audit",
	.summary = "list, export and verify the audit trail; erase a person",
	.usage = usage,
	.actions = actions,
	.example = "wrenn-events audit list --limit 10",
};
