/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Measures how late the loop is, with a timer that records how long after its due time it runs.
 * Whatever delays this timer delays every stream and every delivery as much.
 */
#ifndef APP_LOOP_LAG_H
#define APP_LOOP_LAG_H

#include <uv.h>

#include "core/metrics.h"

struct loop_lag {
	uv_timer_t timer;
	struct metric *seconds;
	uint64_t due_ns;
	uint64_t (*now_ns)(void);
	/* The latest samples: two halves, each of about a minute. */
	uint64_t worst_ns[2];
	unsigned samples; /* in the current half, worst_ns[0] */
};

/* `now_ns` is uv_hrtime() except in tests. */
void loop_lag_start(struct loop_lag *lag, uv_loop_t *loop, uint64_t (*now_ns)(void));
/* The worst of the last one to two minutes. */
int64_t loop_lag_worst_ms(const struct loop_lag *lag);
void loop_lag_stop(struct loop_lag *lag); /* free the memory only after the loop has ended */

#endif
