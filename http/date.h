/* SPDX-License-Identifier: Apache-2.0 */

/* The date of answers, formatted once a second. */
#ifndef HTTP_DATE_H
#define HTTP_DATE_H

#include <stdint.h>

/* Zeroed: nothing formatted yet. */
struct date {
	int64_t second;
	char text[32];
};

/* Now as IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT". */
const char *date_now(struct date *date);

#endif
