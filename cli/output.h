/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Prints the output of commands. The text of events, answers and names is untrusted. On a terminal
 * every control character, bidi mark and line separator is escaped, so that the text can neither
 * move the cursor nor reorder a line. Files and pipes get the bytes unchanged.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "core/buf.h"
#include "core/str.h"

/* Appends the text with \u009b in place of U+009B, and \x9b in place of a byte that is not
 * UTF-8. In strings of valid JSON that is JSON's own escape. keep_lines keeps tabs, line feeds,
 * and carriage returns before them. */
void output_escape(struct buf *out, struct str text, bool keep_lines);

/* Writes the text. On a terminal everything except tabs and line feeds is escaped. */
void output_write(FILE *out, struct str text);

/* Standard output is a terminal. There a command prints for people, else for programs. */
bool output_is_terminal(void);

/* A terminal that may be coloured: NO_COLOR is not set, and TERM is not "dumb". */
bool output_is_coloured(void);

/* The columns of the terminal, or 0 if they are not known. */
size_t output_columns(void);

/* Appends a URL without user, password and parameters, so that it may be shown. */
void output_add_place(struct buf *out, struct str url);

/* Flushes. Returns true if a write to standard output has failed, now or before. */
bool output_failed(void);

/* Every command ends with this. Returns `code`. If a write to standard output failed, prints the
 * error and returns EXIT_FAILED. If the reader of the pipe has gone, ends the process by SIGPIPE
 * without a message. */
int output_end(int code);

#endif
