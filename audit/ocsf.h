/* SPDX-License-Identifier: Apache-2.0 */

/* Rows of the trail as events of the Open Cybersecurity Schema Framework 1.3.0, class Entity
 * Management (3004) with the profile host, as JSON Lines. */
#ifndef AUDIT_OCSF_H
#define AUDIT_OCSF_H

#include "audit/page.h"

void ocsf_add_row(struct page *page, const struct db_row *row);

#endif
