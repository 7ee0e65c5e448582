/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the commands print. Events, answers and names are the text of strangers: a terminal gets
 * it with every control character, bidi mark and line separator escaped, so that it can neither
 * move the cursor nor reorder a line. Files and pipes get the bytes as they are.
 */
#ifndef APP_OUTPUT_H
#define APP_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "core/buf.h"
#include "core/str.h"

/* Appends the text with \u009b in place of U+009B and \x9b in place of a byte that is no UTF-8.
 * Inside the strings of valid JSON that is JSON's own escape. keep_lines: tabs and line feeds
 * stay. */
void output_escape(struct buf *out, struct str text, bool keep_lines);

/* Writes the text, escaped but for tabs and line feeds when `out` is a terminal. */
void output_write(FILE *out, struct str text);

/* Appends a URL as people may see it: without user, password and parameters. */
void output_add_place(struct buf *out, struct str url);

/* Flushes; true when standard output could not be written, now or before. */
bool output_failed(void);

/* The end of every command: `code`, or EXIT_FAILED with a printed fault when standard output could
 * not be written. Where the reader of a pipe has gone the process ends by SIGPIPE, in silence. */
int output_end(int code);

#endif
