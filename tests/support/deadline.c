/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ends a unit test that hangs. Criterion's own --timeout (2.4.1) ends neither a test that waits nor
 * one that computes, so each test's process gets an alarm, and Criterion names the test as crashed.
 */
#include <stdlib.h>
#include <unistd.h>

#define DEADLINE_S 300 /* with a sanitizer and on a busy machine, too */

/* Criterion runs this program again for each test; boxfort tells it so by this variable. */
static __attribute__((constructor)) void set_deadline(void)
{
	if (getenv("BXFI_MAP"))
		alarm(DEADLINE_S);
}
