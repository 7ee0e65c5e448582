/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Allocations that fail on request. The linker redirects every malloc(), calloc(), realloc() and
 * strdup() of our code in a unit test to this file (--wrap in the Makefile). cJSON uses these
 * functions too; other libraries do not.
 */
#ifndef TESTS_SUPPORT_HEAP_H
#define TESTS_SUPPORT_HEAP_H

#include <stdbool.h>

/* This thread's next `count` allocations succeed and the one after them fails, once. */
void heap_fail_after(unsigned count);

/* The same for the allocations of all threads together, including the store's threads. */
void heap_fail_after_in_any_thread(unsigned count);

/* All succeed again. Returns true if the requested failure has happened, also when called twice. */
bool heap_recover(void);

/* Whether the requested failure has happened. */
bool heap_was_met(void);

/* While true, this thread's allocations succeed and do not count. For the checks of a test. */
void heap_spare(bool is_spared);

/* Runs the scenario with its first allocation failing, then its second, and so on until a run has
 * no failure. The scenario must allocate at least once. */
void heap_fail_each(void (*scenario)(void *arg), void *arg);
void heap_fail_each_in_any_thread(void (*scenario)(void *arg), void *arg);

#endif
