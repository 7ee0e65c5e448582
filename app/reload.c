/* SPDX-License-Identifier: Apache-2.0 */

/* Each change is a line of the log, and so is each fault. Neither shows a value. */
#include "app/reload.h"

#include <unistd.h>

#include "app/open_files.h"
#include "core/log.h"

#define FAULT_LIMIT 65536

struct changes {
	unsigned live;
	unsigned late;
};

static void log_change(const char *setting, bool is_live, void *owner)
{
	struct changes *changes = owner;

	if (is_live) {
		changes->live++;
		log_info("a setting has changed", log_str("setting", setting));
	} else {
		changes->late++;
		log_warn("a changed setting waits for a restart", log_str("setting", setting));
	}
}

static void log_faults(struct str faults)
{
	log_error("the settings have faults; no setting has changed");
	while (faults.len > 0)
		log_error("fault in the settings", log_slice("fault", str_cut(&faults, '\n')));
}

void reload_log(const struct config *config, int worker)
{
	static const enum log_level levels[] = {
		[CONFIG_LOG_INFO] = LOG_LEVEL_INFO,
		[CONFIG_LOG_WARN] = LOG_LEVEL_WARN,
		[CONFIG_LOG_ERROR] = LOG_LEVEL_ERROR,
	};

	log_setup(config->log == CONFIG_LOG_JSON ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT,
		  levels[config->log_level], worker);
}

static void take(const struct reload *reload, struct config *fresh)
{
	struct changes changes = { .live = 0 };

	open_files_fit(fresh);
	config_compare(reload->config, fresh, log_change, &changes);
	if (changes.live + changes.late == 0)
		log_info("SIGHUP: no setting has changed");
	config_take_live(reload->config, fresh);
	if (reload->apply)
		reload->apply(reload->owner);
	reload_log(reload->config, reload->worker);
}

void reload_settings(const struct reload *reload)
{
	struct config fresh = { 0 };
	struct buf faults;

	buf_init(&faults, FAULT_LIMIT);
	if (config_load(environ, reload->file, CONFIG_FOR_SERVE, &fresh, &faults) < 0)
		log_faults(buf_str(&faults));
	else
		take(reload, &fresh);
	config_done(&fresh);
	buf_done(&faults);
}
