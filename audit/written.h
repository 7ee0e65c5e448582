/* SPDX-License-Identifier: Apache-2.0 */

/* Registers the counters of rows.c; audit_open() calls it before the first row. */
#ifndef AUDIT_WRITTEN_H
#define AUDIT_WRITTEN_H

#include "core/metrics.h"

void audit_count_rows(void);

#endif
