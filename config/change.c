/* SPDX-License-Identifier: Apache-2.0 */

/* Finds the settings that changed by a hash of their texts: the texts themselves are not kept. */
#include "config/config.h"
#include "config/table.h"

#define EXCHANGE(a, b)                    \
	do {                              \
		__typeof__(a) kept = (a); \
		(a) = (b);                \
		(b) = kept;               \
	} while (0)

void config_compare(const struct config *old, const struct config *fresh,
		    config_change_fn on_change, void *owner)
{
	for (size_t row = 0; row < settings_count; row++)
		if (old->marks[row] != fresh->marks[row])
			on_change(settings[row].name, settings[row].is_live, owner);
}

void config_take_live(struct config *into, struct config *fresh)
{
	EXCHANGE(into->log, fresh->log);
	EXCHANGE(into->log_level, fresh->log_level);
	EXCHANGE(into->max_connections, fresh->max_connections);
	EXCHANGE(into->max_streams_per_team, fresh->max_streams_per_team);
	EXCHANGE(into->ca_file, fresh->ca_file);
	EXCHANGE(into->cors_origins, fresh->cors_origins);
	EXCHANGE(into->link_base, fresh->link_base);
	for (size_t row = 0; row < settings_count; row++)
		if (settings[row].is_live)
			EXCHANGE(into->marks[row], fresh->marks[row]);
}
