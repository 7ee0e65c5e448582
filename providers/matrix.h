/* SPDX-License-Identifier: Apache-2.0 */

/* Shared by the message (providers/matrix.c) and the judge of its answers. */
#ifndef PROVIDERS_MATRIX_H
#define PROVIDERS_MATRIX_H

#include <stdbool.h>

#include "core/str.h"
#include "providers/provider.h"

#define MATRIX_ROOM_MAX 255
#define MATRIX_ID_MAX   255 /* of an event */

/* From room version 12 on an id has no domain, so the text after '!' is not checked. */
bool matrix_is_room_id(struct str room);

struct verdict matrix_judge(const struct answer *answer, int64_t now_us);

/* Makes the request for the event that is to be replaced. */
int matrix_ask(const struct message *message, const struct provider_config *config,
	       const struct attempt *attempt, struct outgoing *out);

extern const struct provider_edit matrix_edit;

#endif
