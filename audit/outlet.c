/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The file is written by a libuv thread, because a disk may hang.
 *
 *   publish --> waiting --> EVENT --> FILE --> COMMAND --> next
 *                  ^          |        |         |
 *                  +- pause --+---- failed ------+
 *
 * A failed note goes to the end of the line, so that it does not hold up the others. Only the ways
 * that failed get it again.
 */
#include "audit/outlet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit/checkpoint_event.h"
#include "audit/note_command.h"
#include "audit/note_file.h"
#include "core/backoff.h"
#include "core/errno_text.h"
#include "core/event.h"
#include "core/id.h"
#include "core/list.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/str.h"

#define MAX_WAITING 4096
#define FIRST_PAUSE 1000 /* ms */
#define MAX_PAUSE   600000

struct pending_note {
	struct list link;
	struct audit_checkpoint checkpoint;
	bool is_announced; /* the event stream has it */
	bool is_filed;     /* the folder has it */
	bool is_handed;    /* the command has it */
};

struct outlet_metrics {
	struct metric *waiting;
	struct metric *event_failures;
	struct metric *folder_failures;
	struct metric *command_failures;
};

struct outlet {
	struct outlet_options options;
	char *folder;
	struct note_command command;
	struct list waiting;
	size_t count; /* waiting notes, and the current one */
	struct pending_note *current;
	struct backoff backoff;
	struct outlet_metrics metrics;
	uv_work_t work;
	int file_rc;
	uv_timer_t timer; /* the pause after a failure */
	bool is_resting;
	bool is_closing;
	void (*on_closed)(void *owner);
	void *close_owner;
};

static void start_next(struct outlet *outlet);

/* ---- the end ------------------------------------------------------------------------------- */

static void set_count(struct outlet *outlet, size_t count)
{
	outlet->count = count;
	metric_set(outlet->metrics.waiting, (int64_t)count);
}

/* The note that has waited longest, or NULL. */
static struct pending_note *take(struct outlet *outlet)
{
	struct list *link = outlet->waiting.next;

	if (list_is_empty(&outlet->waiting))
		return NULL;
	list_remove(link);
	return list_item(link, struct pending_note, link);
}

static void drop_waiting(struct outlet *outlet)
{
	if (!list_is_empty(&outlet->waiting))
		log_warn("the service stopped before these checkpoints left the host; after its "
			 "next start it publishes the newest of each team",
			 log_int("checkpoints", (int64_t)outlet->count));
	LIST_EACH_SAFE (link, &outlet->waiting) {
		list_remove(link);
		free(list_item(link, struct pending_note, link));
	}
	set_count(outlet, 0);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct outlet *outlet = handle->data;

	outlet->on_closed(outlet->close_owner);
	free(outlet->folder);
	note_command_done(&outlet->command);
	free(outlet);
}

static void on_rested(uv_timer_t *timer)
{
	struct outlet *outlet = timer->data;

	outlet->is_resting = false;
	start_next(outlet);
}

static bool has_event(const struct outlet *outlet, const struct audit_checkpoint *checkpoint)
{
	return outlet->options.announce && checkpoint->is_wanted;
}

/* Other ways than the log. */
static bool has_way(const struct outlet *outlet, const struct audit_checkpoint *checkpoint)
{
	return outlet->folder || note_command_is_set(&outlet->command) ||
	       has_event(outlet, checkpoint);
}

static bool is_out(const struct outlet *outlet, const struct pending_note *note)
{
	return (note->is_announced || !has_event(outlet, &note->checkpoint)) &&
	       (note->is_filed || !outlet->folder) &&
	       (note->is_handed || !note_command_is_set(&outlet->command));
}

static void try_again_later(struct outlet *outlet, struct pending_note *note)
{
	unsigned pause_ms = backoff_next_ms(&outlet->backoff);

	list_add_tail(&outlet->waiting, &note->link);
	log_warn("a checkpoint has not left the host and is tried again",
		 log_int("size", note->checkpoint.size), log_int("pause_ms", pause_ms),
		 log_int("waiting", (int64_t)outlet->count));
	outlet->is_resting = true;
	uv_timer_start(&outlet->timer, on_rested, pause_ms, 0);
}

static void finish_current(struct outlet *outlet)
{
	struct pending_note *note = outlet->current;

	outlet->current = NULL;
	if (outlet->is_closing) {
		free(note);
		uv_close((uv_handle_t *)&outlet->timer, on_timer_closed);
	} else if (is_out(outlet, note)) {
		if (outlet->options.on_out)
			outlet->options.on_out(&note->checkpoint, outlet->options.owner);
		free(note);
		set_count(outlet, outlet->count - 1);
		backoff_reset(&outlet->backoff);
		start_next(outlet);
	} else {
		try_again_later(outlet, note);
	}
}

/* ---- the command --------------------------------------------------------------------------- */

static void on_command(bool has_taken, void *owner)
{
	struct outlet *outlet = owner;

	outlet->current->is_handed = has_taken;
	if (!has_taken)
		metric_add(outlet->metrics.command_failures, 1);
	finish_current(outlet);
}

/* ---- the file ------------------------------------------------------------------------------ */

static void write_file(uv_work_t *work)
{
	struct outlet *outlet = work->data;

	outlet->file_rc = note_file_write(outlet->folder, &outlet->current->checkpoint);
}

static void after_file(struct outlet *outlet)
{
	if (note_command_is_set(&outlet->command) && !outlet->current->is_handed &&
	    !outlet->is_closing)
		note_command_run(&outlet->command, outlet->current->checkpoint.note, on_command,
				 outlet);
	else
		finish_current(outlet);
}

static void on_file(uv_work_t *work, int status)
{
	struct outlet *outlet = work->data;

	(void)status; /* nobody cancels it */
	outlet->current->is_filed = outlet->file_rc == 0;
	if (outlet->file_rc < 0) {
		metric_add(outlet->metrics.folder_failures, 1);
		log_error("cannot write a checkpoint; see that the folder exists, is writable and "
			  "has room",
			  log_str("setting", "WRENN_EVENTS_AUDIT_CHECKPOINT_DIR"),
			  log_str("folder", outlet->folder),
			  log_str("error", errno_text(outlet->file_rc)));
	}
	after_file(outlet);
}

static void start_file(struct outlet *outlet)
{
	outlet->work.data = outlet;
	if (!outlet->folder || outlet->current->is_filed || outlet->is_closing ||
	    uv_queue_work(outlet->options.loop, &outlet->work, write_file, on_file) < 0)
		after_file(outlet);
}

/* ---- the event ----------------------------------------------------------------------------- */

static void on_announced(const char *fault, void *owner)
{
	struct outlet *outlet = owner;

	outlet->current->is_announced = !fault;
	if (fault) {
		metric_add(outlet->metrics.event_failures, 1);
		log_warn("a checkpoint of the audit log did not reach the event stream",
			 log_str("error", fault));
	}
	start_file(outlet);
}

static int announce(struct outlet *outlet)
{
	const struct outlet_options *options = &outlet->options;
	struct buf json;
	int rc;

	buf_init(&json, EVENT_MAX_BYTES);
	checkpoint_event_write(&json, &outlet->current->checkpoint);
	rc = json.err ? json.err
		      : options->announce(buf_str(&json), on_announced, outlet, options->announcer);
	buf_done(&json);
	return rc;
}

static void start_next(struct outlet *outlet)
{
	int rc;

	outlet->current = take(outlet);
	if (!outlet->current)
		return;
	if (outlet->current->is_announced || !has_event(outlet, &outlet->current->checkpoint)) {
		start_file(outlet);
		return;
	}
	rc = announce(outlet);
	if (rc < 0)
		on_announced(errno_text(rc), outlet);
}

/* ---- publishing ---------------------------------------------------------------------------- */

static void log_checkpoint(const struct audit_checkpoint *checkpoint)
{
	char team[ID_TEXT_SIZE];

	id_format(ID_TEAM, &checkpoint->team, team);
	log_info("checkpoint of an audit log", log_str("team", team),
		 log_int("size", checkpoint->size), log_str("note", checkpoint->note));
}

static bool is_same(const struct pending_note *note, const struct audit_checkpoint *checkpoint)
{
	return note->checkpoint.tree == checkpoint->tree &&
	       note->checkpoint.size == checkpoint->size;
}

static bool is_pending(const struct outlet *outlet, const struct audit_checkpoint *checkpoint)
{
	if (outlet->current && is_same(outlet->current, checkpoint))
		return true;
	LIST_EACH (link, &outlet->waiting) {
		if (is_same(list_item(link, struct pending_note, link), checkpoint))
			return true;
	}
	return false;
}

/* Memory for one more note. When too many wait, the oldest gives up its memory: newer checkpoints
 * of its team cover it. NULL: out of memory. */
static struct pending_note *make_room(struct outlet *outlet)
{
	if (outlet->count < MAX_WAITING)
		return malloc(sizeof(struct pending_note));
	log_error("too many checkpoints wait; the one that has waited longest stays in the store "
		  "and in the log");
	set_count(outlet, outlet->count - 1);
	return take(outlet);
}

void outlet_publish(struct outlet *outlet, const struct audit_checkpoint *checkpoint)
{
	struct pending_note *pending;

	if (checkpoint->is_new)
		log_checkpoint(checkpoint);
	if (!has_way(outlet, checkpoint) || (!checkpoint->is_new && is_pending(outlet, checkpoint)))
		return;
	pending = make_room(outlet);
	if (!pending) {
		log_error("a checkpoint goes only to the log: out of memory");
		return;
	}
	*pending = (struct pending_note){ .checkpoint = *checkpoint };
	list_add_tail(&outlet->waiting, &pending->link);
	set_count(outlet, outlet->count + 1);
	if (!outlet->current && !outlet->is_resting)
		start_next(outlet);
}

/* ---- opening and closing ------------------------------------------------------------------- */

static void register_metrics(struct outlet_metrics *metrics)
{
	static const char failures[] = "wrenn_events_audit_checkpoint_failures_total";
	static const char help[] = "Times that a checkpoint could not be added to the stream, put "
				   "into the folder or given to the command; each is tried again";

	metrics->waiting = metric_gauge("wrenn_events_audit_checkpoints_waiting", NULL,
					"Checkpoints that have not left the host");
	metrics->event_failures = metric_counter(failures, "to=\"event\"", help);
	metrics->folder_failures = metric_counter(failures, "to=\"folder\"", help);
	metrics->command_failures = metric_counter(failures, "to=\"command\"", help);
}

int outlet_open(const struct outlet_options *options, struct outlet **out)
{
	struct outlet *outlet = calloc(1, sizeof(*outlet));
	int rc = 0;

	if (!outlet)
		return -ENOMEM;
	outlet->options = *options;
	outlet->backoff = (struct backoff){
		.first_ms = options->retry_ms ? options->retry_ms : FIRST_PAUSE,
		.max_ms = MAX_PAUSE,
	};
	outlet->command.loop = options->loop;
	outlet->command.limit_ms = options->limit_ms;
	list_init(&outlet->waiting);
	if (options->folder && !(outlet->folder = strdup(options->folder)))
		rc = -ENOMEM;
	if (rc == 0 && options->command)
		rc = note_command_set(&outlet->command, options->command);
	if (rc < 0) {
		free(outlet->folder);
		note_command_done(&outlet->command);
		free(outlet);
		return rc;
	}
	register_metrics(&outlet->metrics);
	uv_timer_init(options->loop, &outlet->timer);
	outlet->timer.data = outlet;
	*out = outlet;
	return 0;
}

void outlet_close(struct outlet *outlet, void (*on_closed)(void *owner), void *owner)
{
	if (!outlet) {
		on_closed(owner);
		return;
	}
	outlet->is_closing = true;
	outlet->on_closed = on_closed;
	outlet->close_owner = owner;
	drop_waiting(outlet);
	note_command_kill(&outlet->command);
	if (!outlet->current)
		uv_close((uv_handle_t *)&outlet->timer, on_timer_closed);
}
