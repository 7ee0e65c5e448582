/* SPDX-License-Identifier: Apache-2.0 */

/* The rows of `channel_fallbacks`, as changes of channels make and remove them. */
#ifndef CHANNELS_ROWS_FALLBACK_H
#define CHANNELS_ROWS_FALLBACK_H

#include <stdint.h>

#include "core/attributes.h"
#include "core/json.h"
#include "core/uuid.h"
#include "store/store.h"

/* The part of channel_store_options() for the fallback, with its codes. */
int channel_store_fallback(struct db *db, const struct uuid *team, const struct uuid *id,
			   const cJSON *request) must_check;
int channel_delete_fallback(struct db *db, const struct uuid *id) must_check;

#endif
