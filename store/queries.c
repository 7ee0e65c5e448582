/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An open-addressing table from query address to prepared statement. The program has some
 * hundred queries, all static, so nothing is ever removed singly.
 */
#include "store/queries.h"

#include <stdint.h>
#include <stdlib.h>

#define FIRST_CAP 64

static struct query_slot *probe(const struct query_cache *cache, const struct db_query *query)
{
	/* Fibonacci hashing; the low bits of an address say little. */
	uint64_t hash = (uint64_t)(uintptr_t)query * UINT64_C(0x9E3779B97F4A7C15);
	size_t at = (size_t)(hash >> 32) & (cache->cap - 1);

	while (cache->slots[at].query && cache->slots[at].query != query)
		at = (at + 1) & (cache->cap - 1);
	return &cache->slots[at];
}

static bool grow(struct query_cache *cache)
{
	struct query_cache bigger = { .cap = cache->cap ? cache->cap * 2 : FIRST_CAP,
				      .count = cache->count };

	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return false;
	for (size_t i = 0; i < cache->cap; i++)
		if (cache->slots[i].query)
			*probe(&bigger, cache->slots[i].query) = cache->slots[i];
	free(cache->slots);
	*cache = bigger;
	return true;
}

struct query_slot *query_cache_slot(struct query_cache *cache, const struct db_query *query)
{
	if (cache->count * 2 >= cache->cap && !grow(cache))
		return NULL;

	struct query_slot *slot = probe(cache, query);
	if (!slot->query) {
		slot->query = query;
		cache->count++;
	}
	return slot;
}

void query_cache_clear(struct query_cache *cache, void (*drop)(void *prepared))
{
	for (size_t i = 0; i < cache->cap; i++)
		if (cache->slots[i].prepared)
			drop(cache->slots[i].prepared);
	free(cache->slots);
	*cache = (struct query_cache){ .slots = NULL };
}
