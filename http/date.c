/* SPDX-License-Identifier: Apache-2.0 */

/* Formatting a date costs more than the rest of a short answer's head, so the text is kept. */
#include "http/date.h"

#include <time.h>

#include "core/clock.h"

const char *date_now(struct date *date)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm parts;

	if (now != date->second || !date->text[0]) {
		gmtime_r(&now, &parts);
		strftime(date->text, sizeof(date->text), "%a, %d %b %Y %H:%M:%S GMT", &parts);
		date->second = now;
	}
	return date->text;
}
