/* SPDX-License-Identifier: Apache-2.0 */

/* The larger actions of `channels`. channels.c has the others and the table. */
#ifndef CLI_CHANNEL_ACTIONS_H
#define CLI_CHANNEL_ACTIONS_H

#include "cli/command.h"

extern const struct command channels_create_action;
extern const struct command channels_update_action;
extern const struct command channels_test_action;
extern const struct command channels_preview_action;
extern const struct command channels_snooze_action;

#endif
