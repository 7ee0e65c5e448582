/* SPDX-License-Identifier: Apache-2.0 */

/* How long a test waits for what must happen. Less than the deadline of a whole test, so that it
 * can say what it waited for, and far more than a busy machine needs. */
#ifndef TESTS_SUPPORT_PATIENCE_H
#define TESTS_SUPPORT_PATIENCE_H

#define PATIENCE_MS 240000

#endif
