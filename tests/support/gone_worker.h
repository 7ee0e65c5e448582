/* SPDX-License-Identifier: Apache-2.0 */

/* The names of workers whose process has ended. */
#ifndef TESTS_SUPPORT_GONE_WORKER_H
#define TESTS_SUPPORT_GONE_WORKER_H

#include "core/worker_name.h"

/* The name of a worker of this machine that is gone. */
void name_the_gone(char out[WORKER_NAME_SIZE]);

#endif
