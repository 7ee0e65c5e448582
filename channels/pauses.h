/* SPDX-License-Identifier: Apache-2.0 */

/* Waits of requests at the endpoints. When the service stops, they end early. */
#ifndef CHANNELS_PAUSES_H
#define CHANNELS_PAUSES_H

#include <stdint.h>
#include <uv.h>

#include "core/attributes.h"
#include "core/list.h"

struct pauses {
	uv_loop_t *loop;
	struct list waiting;
};

/* 0 when the time is over, -ECANCELED when the service ends first. */
typedef void (*pause_done_fn)(int rc, void *owner);

void pauses_init(struct pauses *pauses, uv_loop_t *loop);

/* On 0 it calls back once, never from within this call. On -ENOMEM it does not call back. */
int pause_start(struct pauses *pauses, uint64_t wait_ms, pause_done_fn on_done,
		void *owner) must_check;

/* Ends all waits. No wait may be started after that. */
void pauses_end(struct pauses *pauses);

#endif
