/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where finished lines go: to standard error, at once and blocking, or through a bounded ring and a
 * thread, so that a reader who stalls holds up nobody but the thread.
 */
#ifndef CORE_LOG_WRITER_H
#define CORE_LOG_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"

#define LOG_LINE_SIZE 8192 /* no line is longer */
#define LOG_RING_SIZE 262144

/* Writes the line that says how many were lost into `out` and returns its length. On the thread. */
typedef size_t (*log_lost_fn)(uint64_t count, char out[LOG_LINE_SIZE]);

/* One line with its line end. Any thread. */
void log_writer_put(const char *line, size_t len);

/* Starts the thread, also again after log_writer_stop() or in a forked child. 0, or a negative
 * errno and lines go on being written at once. */
int log_writer_start(log_lost_fn describe_lost) must_check;

/* Waits until the ring is written, at most limit_ms; lines still in the ring are lost. Later
 * lines are written directly, or lost while the reader still stalls. */
void log_writer_stop(unsigned limit_ms);

#endif
