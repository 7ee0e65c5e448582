/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How late the loop is: a timer that asks for a fixed time and notes how much later it is called.
 * What holds up this timer holds up every stream and every delivery as long.
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
};

/* `now_ns` is uv_hrtime() but in tests. */
void loop_lag_start(struct loop_lag *lag, uv_loop_t *loop, uint64_t (*now_ns)(void));
void loop_lag_stop(struct loop_lag *lag); /* its memory may go when the loop has ended */

#endif
