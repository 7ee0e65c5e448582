/* SPDX-License-Identifier: Apache-2.0 */

/* A disk with little room, and what is left in a folder afterwards. Both end the test when the
 * system refuses. */
#ifndef TESTS_SUPPORT_FULL_DISK_H
#define TESTS_SUPPORT_FULL_DISK_H

#include <sys/resource.h>

/* From now on no file of this process grows beyond so many bytes; writing more fails with EFBIG.
 * RLIM_INFINITY: as much as before the test. */
void limit_files(rlim_t bytes);
/* Without "." and "..". */
int count_entries(const char *folder);

#endif
