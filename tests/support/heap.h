/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Allocations that fail on request. The linker leads every malloc(), calloc() and realloc() of our
 * own code in a unit test here (--wrap in the Makefile); those of libraries stay as they are.
 */
#ifndef TESTS_SUPPORT_HEAP_H
#define TESTS_SUPPORT_HEAP_H

/* This thread's next `count` allocations succeed and the one after them fails, once. */
void heap_fail_after(unsigned count);

/* All succeed again. True when the failure asked for was met. */
_Bool heap_recover(void);

#endif
