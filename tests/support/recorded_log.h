/* SPDX-License-Identifier: Apache-2.0 */

/* Records the log of a test, to count its lines. */
#ifndef TESTS_SUPPORT_RECORDED_LOG_H
#define TESTS_SUPPORT_RECORDED_LOG_H

#include <stdio.h>

/* Keeps the log from here on, instead of standard error. */
FILE *record_log(void);

/* The lines that contain these words. */
int count_lines(FILE *log, const char *words);

#endif
