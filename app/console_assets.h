/* SPDX-License-Identifier: Apache-2.0 */

/* The files of the console, embedded into the program. tools/embed-console writes the table. */
#ifndef APP_CONSOLE_ASSETS_H
#define APP_CONSOLE_ASSETS_H

#include "core/str.h"

/* console.c serves it. */
struct console_asset {
	const char *path; /* below /console/ */
	const char *type;
	const char *hash; /* of the content, for the ETag */
	struct str bytes;
	struct str gzip;
};

/* Ends with a row without a path. If it is the only row, the build had no npm packages. */
extern const struct console_asset console_assets[];

#endif
