/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Gives checkpoints to a command of the operator, one at a time, on its standard input. The command
 * gets no variable except PATH: ours hold keys. Its standard error is ours.
 */
#ifndef AUDIT_NOTE_COMMAND_H
#define AUDIT_NOTE_COMMAND_H

#include <stdbool.h>
#include <uv.h>

#include "core/attributes.h"

#define NOTE_COMMAND_WORDS 32

struct note_command {
	uv_loop_t *loop;
	unsigned limit_ms; /* a command that takes longer is killed */
	/* The rest is the file's own. */
	char *words; /* `argv` points into it */
	char *argv[NOTE_COMMAND_WORDS + 1];
	uv_process_t process;
	uv_pipe_t input;
	uv_write_t write;
	uv_timer_t limit;
	unsigned open_handles;
	bool is_running;
	bool has_taken;
	void (*on_done)(bool has_taken, void *owner);
	void *owner;
};

/* Words separated by spaces; no shell reads them. 0, -ENOMEM or -E2BIG; needs
 * note_command_done() after all of them. */
int note_command_set(struct note_command *command, const char *words) must_check;
void note_command_done(struct note_command *command);
bool note_command_is_set(const struct note_command *command);

/* The note must stay valid until on_done, which is never called before this returns. A failure is
 * logged. */
void note_command_run(struct note_command *command, char *note,
		      void (*on_done)(bool has_taken, void *owner), void *owner);
/* Ends it soon; on_done is called even so. */
void note_command_kill(struct note_command *command);

#endif
