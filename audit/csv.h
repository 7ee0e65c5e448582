/* SPDX-License-Identifier: Apache-2.0 */

/* Rows of the trail as CSV (RFC 4180). */
#ifndef AUDIT_CSV_H
#define AUDIT_CSV_H

#include "audit/page.h"

extern const char csv_header[]; /* the line of names */

void csv_add_row(struct page *page, const struct db_row *row);

#endif
