/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From request to listener: the query is read, limits are checked, and where the cursor lies before
 * the history, Redis is asked whether anything has been lost.
 */
#ifndef SSE_ENDPOINTS_H
#define SSE_ENDPOINTS_H

#include "sse/live.h"

/* The preload has ended: those who waited for it go on. */
void openings_resume(struct sse *sse);

#endif
