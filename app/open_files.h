/* SPDX-License-Identifier: Apache-2.0 */

/* The limit of open files of this process. */
#ifndef APP_OPEN_FILES_H
#define APP_OPEN_FILES_H

#include <stdint.h>

/* Raises the soft limit to `wanted`, or to the hard limit if that is lower. Returns the new limit,
 * or 0 if it is unknown. */
uint64_t open_files_allow(uint64_t wanted);

#endif
