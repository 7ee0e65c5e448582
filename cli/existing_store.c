/* SPDX-License-Identifier: Apache-2.0 */

/* A command in the wrong folder, or without the service's settings, must not create a second store,
 * which the service would never read. */
#include "cli/existing_store.h"

#include <errno.h>
#include <stdio.h>

#include "cli/command.h"
#include "core/buf.h"
#include "core/errno_text.h"
#include "store/store.h"

static int expect_store(const char *store_url)
{
	struct reason why = { .text = "" };
	int rc = store_look(store_url, &why);
	int code;
	struct buf name;

	buf_init(&name, 8192);
	store_name(store_url, &name);

	const char *shown = name.err ? "the store" : buf_text(&name);

	if (rc == 0) {
		fprintf(stderr, "store: %s\n", shown);
		code = EXIT_GOOD;
	} else if (rc == -ENOENT) {
		code = command_fault(
			EXIT_USAGE,
			"%s: there is no store yet; `wrenn-events serve` creates it. If "
			"you expected one here, run this command in the service's "
			"folder, or set DATABASE_URL or WRENN_EVENTS_DATA_DIR",
			shown);
	} else {
		code = command_fault(command_code(rc), "%s",
				     why.text[0] ? why.text : errno_text(rc));
	}
	buf_done(&name);
	return code;
}

int existing_store(const char *config_file, struct config *out)
{
	int code = command_config(CONFIG_FOR_STORE, config_file, out);

	return code == EXIT_GOOD ? expect_store(out->database_url) : code;
}
