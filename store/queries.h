/* SPDX-License-Identifier: Apache-2.0 */

/* Prepared statements of one connection, found by the address of their query. */
#ifndef STORE_QUERIES_H
#define STORE_QUERIES_H

#include <stddef.h>

#include "store/db.h"

struct query_slot {
	const struct db_query *query; /* NULL: free */
	void *prepared;               /* the engine's own; NULL: not yet */
};

struct query_cache {
	struct query_slot *slots;
	size_t cap; /* a power of two, or 0 */
	size_t count;
};

/* The slot of the query, made when it is new. NULL when out of memory. It moves when the next is
 * made. */
struct query_slot *query_cache_slot(struct query_cache *cache, const struct db_query *query);

/* Calls `drop` for each prepared statement and frees the cache, which may be used again. */
void query_cache_clear(struct query_cache *cache, void (*drop)(void *prepared));

#endif
