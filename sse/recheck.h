/* SPDX-License-Identifier: Apache-2.0 */

/* Looks at every listener's credential again within a minute, and offers it a bookmark. */
#ifndef SSE_RECHECK_H
#define SSE_RECHECK_H

#include "sse/live.h"

/* RECHECK_ROUNDS of them are a little under a minute, since the loop may come late to a round. */
#define RECHECK_ROUND_MS 950

/* Begins the rounds. */
void recheck_start(struct sse *sse);

/* For sse->recheck_rounds. */
void on_recheck_due(struct deadline *deadline, void *owner);

#endif
