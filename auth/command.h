/* SPDX-License-Identifier: Apache-2.0 */

/* Shared by the commands: each is one blocking job in one transaction. Private to auth/. */
#ifndef AUTH_COMMAND_H
#define AUTH_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/reason.h"
#include "core/str.h"
#include "core/uuid.h"
#include "store/store.h"

/* The first member of every command's own struct. */
struct auth_command {
	struct store_job job;
	struct reason why;
	struct uuid team;
	struct str name;
	int64_t now_us;
};

int command_run(const char *store_url, struct auth_command *command,
		int (*run)(struct db *db, struct store_job *job), struct reason *why) must_check;

/* People read a name in lists and in the audit trail, so it must be one line of text. -EINVAL with
 * a sentence in *why. */
int command_check_name(struct str name, struct reason *why) must_check;

/* Writes 2 * n digits, for at most 32 bytes. */
void command_random_hex(size_t n, char *out);

int command_add_team(struct db *db, const struct uuid *team, struct str name,
		     int64_t now_us) must_check;

/* Adds the command's team when it is unknown and the tables are ours. On the control plane's tables
 * an unknown team is more likely a typing mistake: -ENOENT. */
int command_need_team(struct db *db, struct auth_command *command) must_check;

#endif
