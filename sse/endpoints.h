/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From request to listener: reads the query, checks the limit, and asks Redis whether anything is
 * lost when the cursor lies before the history.
 */
#ifndef SSE_ENDPOINTS_H
#define SSE_ENDPOINTS_H

#include "sse/live.h"

/* The preload has ended, or everything ends: serves the requests that waited. */
void openings_resume(struct sse *sse);

#endif
