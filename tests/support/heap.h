/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Allocations that fail on request. The linker leads every malloc(), calloc(), realloc() and
 * strdup() of our own code in a unit test here (--wrap in the Makefile), and cJSON is told to
 * allocate here, too. Those of other libraries stay as they are.
 */
#ifndef TESTS_SUPPORT_HEAP_H
#define TESTS_SUPPORT_HEAP_H

#include <stdbool.h>

/* This thread's next `count` allocations succeed and the one after them fails, once. */
void heap_fail_after(unsigned count);

/* The same for the allocations of all threads together, such as those of a store. */
void heap_fail_after_in_any_thread(unsigned count);

/* All succeed again. True when the failure asked for was met; so does a second call say. */
bool heap_recover(void);

/* Whether the failure asked for has been met. */
bool heap_was_met(void);

/* While true, this thread's allocations are not counted and succeed: for the questions of a
 * test. */
void heap_spare(bool is_spared);

/* Runs the scenario with its first allocation failing, then with its second, and so on until a run
 * meets no failure. At least one must. */
void heap_fail_each(void (*scenario)(void *arg), void *arg);
void heap_fail_each_in_any_thread(void (*scenario)(void *arg), void *arg);

#endif
