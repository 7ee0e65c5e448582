/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/heap.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The linker's names for the wrappers and for the functions that they replace. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

#define MET  (-1) /* value of the countdown after the failure */
#define IDLE (-2)

static atomic_long left = IDLE; /* allocations until the one that fails */
static atomic_bool is_everywhere;
static bool was_met_before;        /* result of the last heap_recover() */
static _Thread_local bool is_here; /* this thread requested the failure */
static _Thread_local bool is_spared;

static bool fails(void)
{
	long before = atomic_load(&left);

	if (is_spared || (!is_here && !atomic_load(&is_everywhere)))
		return false;
	do {
		if (before < 0)
			return false;
	} while (!atomic_compare_exchange_weak(&left, &before, before - 1));
	return before == 0;
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

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

static void start(unsigned count, bool everywhere)
{
	cJSON_InitHooks(&(cJSON_Hooks){ .malloc_fn = __wrap_malloc, .free_fn = free });
	is_here = true;
	was_met_before = false;
	atomic_store(&is_everywhere, everywhere);
	atomic_store(&left, count);
}

void heap_fail_after(unsigned count)
{
	start(count, false);
}

void heap_fail_after_in_any_thread(unsigned count)
{
	start(count, true);
}

bool heap_was_met(void)
{
	long now = atomic_load(&left);

	return now == MET || (now == IDLE && was_met_before);
}

bool heap_recover(void)
{
	was_met_before = heap_was_met();
	atomic_store(&left, IDLE);
	return was_met_before;
}

void heap_spare(bool spare)
{
	is_spared = spare;
}

static void fail_each(void (*scenario)(void *arg), void *arg, bool everywhere)
{
	unsigned count = 0;

	do {
		start(count++, everywhere);
		scenario(arg);
	} while (heap_recover());
	cr_expect_gt(count, 1, "nothing was allocated");
}

void heap_fail_each(void (*scenario)(void *arg), void *arg)
{
	fail_each(scenario, arg, false);
}

void heap_fail_each_in_any_thread(void (*scenario)(void *arg), void *arg)
{
	fail_each(scenario, arg, true);
}
