/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The hourly round: a checkpoint for every tree that has grown since its last one. It also finds
 * the newest checkpoints that have not left the host, and so does a round that is not due, which
 * makes none. It runs in pieces, each of them part of one job under the fence.
 */
#ifndef LEDGER_CHECKPOINT_ROUND_H
#define LEDGER_CHECKPOINT_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/audit.h"
#include "core/attributes.h"
#include "store/store.h"

#define ROUND_EVERY_US (INT64_C(3600) * 1000000)
#define ROUND_PIECE    32 /* trees of one job */

struct checkpoint_round {
	bool is_due;       /* by what the store says */
	int64_t wait_us;   /* if it is not due: the time until then */
	int64_t last_tree; /* how far the round has got */
	size_t seen;       /* trees that the last piece looked at */
	size_t count;      /* of its checkpoints */
	struct audit_checkpoint made[ROUND_PIECE];
	size_t other_count;
	struct audit_checkpoint others[PUBLISHED_PIECE]; /* not out, and made before */
};

/* Reads when the last round began, on any machine, and notes a new one if it is due. Flushes. A
 * round in the future is due: the clock has been set back since. */
int checkpoint_round_begin(struct checkpoint_round *round, struct db *db,
			   int64_t now_us) must_check;

/* The next piece, from round->last_tree on. Makes checkpoints if the round is due. Flushes. */
int checkpoint_round_piece(struct checkpoint_round *round, struct db *db,
			   const struct audit_signer *signer, int64_t now_us) must_check;

/* True when the piece was the last. */
bool checkpoint_round_is_over(const struct checkpoint_round *round);

#endif
