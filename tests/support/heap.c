/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/heap.h"

#include <stdbool.h>
#include <stdlib.h>

/* The linker's names for the wrapped functions and for the ones they replace. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static _Thread_local bool is_armed;
static _Thread_local unsigned left;

static bool fails(void)
{
	if (!is_armed || left-- > 0)
		return false;
	is_armed = false;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

void heap_fail_after(unsigned count)
{
	is_armed = true;
	left = count;
}

bool heap_recover(void)
{
	bool was_met = !is_armed;

	is_armed = false;
	return was_met;
}
