/* SPDX-License-Identifier: Apache-2.0 */

/* How many files the process may have open. */
#ifndef APP_OPEN_FILES_H
#define APP_OPEN_FILES_H

#include <stdint.h>

/* Raises the soft limit to `wanted`, or as far as the hard one lets it. The limit from now on; 0
 * when it cannot be told. */
uint64_t open_files_allow(uint64_t wanted);

#endif
