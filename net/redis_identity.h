/* SPDX-License-Identifier: Apache-2.0 */

/* Which Redis server answers, and which history it holds, from its answer to INFO. Pure. */
#ifndef NET_REDIS_IDENTITY_H
#define NET_REDIS_IDENTITY_H

#include <stdint.h>

#include "core/str.h"

#define REDIS_ID_SIZE 48 /* Redis's ids have forty characters */

/*
 * `replid` names the history that the server writes: it is the same on a master and its replicas. A
 * replica that becomes master begins a new one. Then `replid2` names the old one, and
 * `second_offset` is the byte up to which the two are the same.
 */
struct redis_identity {
	char run_id[REDIS_ID_SIZE];  /* changes with every restart */
	char replid[REDIS_ID_SIZE];  /* like run_id, empty when the server does not report it */
	char replid2[REDIS_ID_SIZE]; /* empty: none */
	int64_t second_offset;       /* -1: none */
};

/* Members that `info` lacks stay empty. */
void redis_identity_parse(struct str info, struct redis_identity *out);

#endif
