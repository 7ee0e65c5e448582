/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Takes over what consumers of other names left pending, and removes those names. Only older
 * versions of this program use other names. Private to bus/.
 */
#ifndef BUS_CLAIM_H
#define BUS_CLAIM_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/step.h"
#include "core/log_limit.h"
#include "core/stream_id.h"

struct claim {
	/* The owner sets these once. */
	struct step step;
	unsigned idle_ms; /* an entry that has been pending for longer is taken over */
	/* `taken` entries are pending for us now. Unless `is_finished`, call claim_next() to
	 * continue. */
	void (*on_claimed)(size_t taken, bool is_finished, void *owner);
	/* Private. */
	struct stream_id cursor;
	bool is_busy;
	bool is_cancelled;
	struct log_limit taken_lines;
	struct log_limit removal_lines;
};

/* Takes over some entries. Does nothing while an answer is awaited. An unusable answer drops the
 * connection, and then there is no callback. */
void claim_next(struct claim *claim);
/* Ignores the answer that it waits for. The next call begins a new round. */
void claim_cancel(struct claim *claim);

#endif
