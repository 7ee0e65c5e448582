/* SPDX-License-Identifier: Apache-2.0 */

#include "audit/note_command.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/attributes.h"
#include "core/errno_text.h"
#include "core/log.h"
#include "core/str.h"

#define SETTING "WRENN_EVENTS_AUDIT_CHECKPOINT_COMMAND"

/* ---- the words ----------------------------------------------------------------------------- */

int note_command_set(struct note_command *command, const char *words)
{
	size_t count = 0;
	char *rest;

	command->words = strdup(words);
	if (!command->words)
		return -ENOMEM;
	rest = command->words;
	for (char *word; count < NOTE_COMMAND_WORDS && (word = strsep(&rest, " "));) {
		if (word[0])
			command->argv[count++] = word;
	}
	return rest ? -E2BIG : 0;
}

void note_command_done(struct note_command *command)
{
	free(command->words);
	command->words = NULL;
	command->argv[0] = NULL;
}

bool note_command_is_set(const struct note_command *command)
{
	return command->argv[0];
}

/* ---- the end ------------------------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle)
{
	struct note_command *command = handle->data;

	if (--command->open_handles == 0)
		command->on_done(command->has_taken, command->owner);
}

static void close_input(struct note_command *command)
{
	if (!uv_is_closing((uv_handle_t *)&command->input))
		uv_close((uv_handle_t *)&command->input, on_handle_closed);
}

static void close_handles(struct note_command *command)
{
	command->is_running = false;
	close_input(command);
	uv_close((uv_handle_t *)&command->limit, on_handle_closed);
	uv_close((uv_handle_t *)&command->process, on_handle_closed);
}

static void on_exit_of_command(uv_process_t *process, int64_t status, int signal)
{
	struct note_command *command = process->data;

	command->has_taken = status == 0 && signal == 0;
	if (!command->has_taken)
		log_error("the command for checkpoints failed", log_str("setting", SETTING),
			  log_int("status", status), log_int("signal", signal));
	close_handles(command);
}

static void on_limit(uv_timer_t *timer)
{
	struct note_command *command = timer->data;

	log_error("the command for checkpoints took too long and is killed",
		  log_str("setting", SETTING), log_int("limit_ms", command->limit_ms));
	note_command_kill(command);
}

void note_command_kill(struct note_command *command)
{
	if (command->is_running)
		uv_process_kill(&command->process, SIGKILL);
}

/* ---- the start ----------------------------------------------------------------------------- */

/* A write error is ignored: the exit status of the command says whether it has read enough. */
static void on_written(uv_write_t *write, int status)
{
	(void)status;
	close_input(write->data);
}

static void open_handles(struct note_command *command)
{
	uv_pipe_init(command->loop, &command->input, 0);
	uv_timer_init(command->loop, &command->limit);
	command->input.data = command;
	command->limit.data = command;
	command->process.data = command;
	command->write.data = command;
	command->open_handles = 3;
}

static int spawn(struct note_command *command)
{
	char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	char *environment[] = { path, NULL };
	uv_stdio_container_t stdio[] = {
		{ .flags = UV_CREATE_PIPE | UV_READABLE_PIPE,
		  .data.stream = (uv_stream_t *)&command->input },
		{ .flags = UV_IGNORE },
		{ .flags = UV_INHERIT_FD, .data.fd = 2 },
	};
	const uv_process_options_t options = {
		.file = command->argv[0],
		.args = command->argv,
		.env = environment,
		.stdio = stdio,
		.stdio_count = ARRAY_LEN(stdio),
		.exit_cb = on_exit_of_command,
	};

	return uv_spawn(command->loop, &command->process, &options);
}

void note_command_run(struct note_command *command, char *note,
		      void (*on_done)(bool has_taken, void *owner), void *owner)
{
	uv_buf_t text = uv_buf_init(note, (unsigned)strlen(note));
	int rc;

	command->on_done = on_done;
	command->owner = owner;
	command->has_taken = false;
	open_handles(command);
	rc = spawn(command);
	if (rc < 0) {
		log_error("cannot start the command for checkpoints", log_str("setting", SETTING),
			  log_str("error", errno_text(rc)));
		close_handles(command);
		return;
	}
	command->is_running = true;
	uv_timer_start(&command->limit, on_limit, command->limit_ms, 0);
	if (uv_write(&command->write, (uv_stream_t *)&command->input, &text, 1, on_written) < 0)
		close_input(command);
}
