/* SPDX-License-Identifier: Apache-2.0 */

/* Messages for hosts other than Slack that accept Slack's webhooks: Mattermost and others. */
#ifndef PROVIDERS_SLACK_LIKE_H
#define PROVIDERS_SLACK_LIKE_H

#include "providers/chat.h"

#define SLACK_LIKE_RICH_LIMIT 7000 /* UTF-16 units; Mattermost keeps attachments of 8,000 */

extern const struct chat_form slack_like_rich;
extern const struct chat_form slack_like_plain;

#endif
