/* SPDX-License-Identifier: Apache-2.0 */

/* Shared by the message (providers/telegram.c) and the judge of its answers. */
#ifndef PROVIDERS_TELEGRAM_H
#define PROVIDERS_TELEGRAM_H

#include <stdbool.h>

#include "core/str.h"
#include "providers/provider.h"

struct telegram_chat {
	struct str id; /* as it is sent: a number or "@name" */
	bool is_name;
	bool is_group;
	struct str thread; /* a number, or empty */
};

/* <id>, @name, or either with :<thread>. */
bool telegram_parse_chat(struct str text, struct telegram_chat *out);

struct verdict telegram_judge(const struct answer *answer, int64_t now_us);

extern const struct provider_edit telegram_edit;

#endif
