/* SPDX-License-Identifier: Apache-2.0 */

/* Checks every listener's credential again each minute, and offers the listener a bookmark. */
#ifndef SSE_RECHECK_H
#define SSE_RECHECK_H

#include "sse/live.h"

/* All rounds together take a little under a minute, because the loop may start a round late. */
#define RECHECK_ROUND_MS 950

/* Starts the rounds. */
void recheck_start(struct sse *sse);

/* For sse->recheck_rounds. */
void on_recheck_due(struct deadline *deadline, void *owner);

#endif
