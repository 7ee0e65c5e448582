/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ends a unit test that hangs. Criterion's own --timeout (2.4.1) ends neither a test that waits nor
 * one that computes. So each test's process gets an alarm, and Criterion reports a crash.
 */
#include <stdlib.h>
#include <unistd.h>

#define DEADLINE_S 300 /* long enough for sanitizers on a busy machine */

/* Criterion runs this program again for each test. boxfort then sets this variable. */
static __attribute__((constructor)) void set_deadline(void)
{
	if (getenv("BXFI_MAP"))
		alarm(DEADLINE_S);
}
