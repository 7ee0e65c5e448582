/* SPDX-License-Identifier: Apache-2.0 */

/* Describes the settings to a person, from the same table that reads them. */
#include "config/config.h"
#include "config/table.h"

void config_describe(struct buf *out)
{
	for (size_t row = 0; row < settings_count; row++) {
		const struct setting *setting = &settings[row];

		buf_addf(out, "%s%s\n    %s\n    Default: %s.%s\n", row ? "\n" : "", setting->name,
			 setting->meaning, setting->fallback ? setting->fallback : setting->unset,
			 setting->is_live ? " SIGHUP changes it." : "");
	}
}
