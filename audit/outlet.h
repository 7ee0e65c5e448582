/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where checkpoints leave the host: a log line for each, an event `audit.checkpoint`, and, when the
 * operator names them, a file for each in a folder and a command that gets each on its standard
 * input.
 *
 * One checkpoint at a time, in order. A failure is logged and tried again, with growing pauses,
 * until it succeeds or the process ends. on_out says when the checkpoint is out, so that the next
 * process can publish what this one did not.
 */
#ifndef AUDIT_OUTLET_H
#define AUDIT_OUTLET_H

#include <uv.h>

#include "audit/checkpoint.h"
#include "core/attributes.h"

struct outlet;

struct outlet_options {
	uv_loop_t *loop;
	const char *folder;   /* NULL: none */
	const char *command;  /* words separated by spaces; NULL: none. No shell reads it. */
	unsigned limit_ms;    /* a command that takes longer is killed */
	unsigned retry_ms;    /* the first pause after a failure; 0: a second */
	announce_fn announce; /* for channels that subscribe to it; NULL: no event */
	/* It has left the host by every way that it has. May be NULL. */
	void (*on_out)(const struct audit_checkpoint *checkpoint, void *owner);
	void *owner; /* of on_out */
	void *announcer;
};

int outlet_open(const struct outlet_options *options, struct outlet **out) must_check;
/* Ends a running command, and drops waiting notes. Accepts NULL, and then calls on_closed at
 * once. */
void outlet_close(struct outlet *outlet, void (*on_closed)(void *owner), void *owner);

/* A checkpoint that is not new goes to folder, command and event alone, unless it waits already. */
void outlet_publish(struct outlet *outlet, const struct audit_checkpoint *checkpoint);

#endif
