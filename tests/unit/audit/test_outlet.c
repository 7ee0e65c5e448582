/* SPDX-License-Identifier: Apache-2.0 */

/* Checkpoints leave the host in order. What fails is tried again, and holds up no other one. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/outlet.h"
#include "core/event.h"
#include "core/metrics.h"
#include "tests/support/full_disk.h"

#define TEAM_TEXT "team-0x5yg3bfyrehlas5fmd3rslxq"

static const struct uuid team = { { 0x0f, 0x8f, 0xad, 0x5b, 0xd9, 0xcb, 0x46, 0x9f, 0xa1, 0x65,
				    0x70, 0x86, 0x77, 0x28, 0x95, 0x0e } };

struct rig {
	uv_loop_t loop;
	struct outlet *outlet;
	char folder[64];
	unsigned closed;
};

/* The program does the same at its start. */
static void ignore_broken_pipes(void)
{
	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
}

TestSuite(outlet, .init = ignore_broken_pipes);

static void open_outlet(struct rig *rig, bool with_folder, const char *command)
{
	const struct outlet_options options = { .loop = &rig->loop,
						.folder = with_folder ? rig->folder : NULL,
						.command = command,
						.limit_ms = 60000,
						.retry_ms = 1 };

	cr_assert_eq(outlet_open(&options, &rig->outlet), 0);
}

static void open_rig(struct rig *rig, bool with_folder, const char *command)
{
	*rig = (struct rig){ .folder = "/tmp/wrenn-outlet-XXXXXX" };
	cr_assert(mkdtemp(rig->folder));
	cr_assert_eq(uv_loop_init(&rig->loop), 0);
	open_outlet(rig, with_folder, command);
}

static void count_closed(void *owner)
{
	((struct rig *)owner)->closed++;
}

/* For a command that names the folder. */
static void reopen(struct rig *rig, bool with_folder, const char *command)
{
	outlet_close(rig->outlet, count_closed, rig);
	uv_run(&rig->loop, UV_RUN_DEFAULT);
	rig->closed = 0;
	open_outlet(rig, with_folder, command);
}

static void close_rig(struct rig *rig)
{
	DIR *folder = opendir(rig->folder);

	outlet_close(rig->outlet, count_closed, rig);
	uv_run(&rig->loop, UV_RUN_DEFAULT);
	cr_expect_eq(rig->closed, 1);
	cr_assert_eq(uv_loop_close(&rig->loop), 0);
	cr_assert(folder);
	for (const struct dirent *file; (file = readdir(folder));)
		unlinkat(dirfd(folder), file->d_name, 0);
	closedir(folder);
	cr_expect_eq(rmdir(rig->folder), 0);
}

static void publish(struct rig *rig, int64_t size)
{
	struct audit_checkpoint checkpoint = {
		.team = team, .tree = 1, .size = size, .is_new = true, .is_wanted = true
	};

	snprintf(checkpoint.note, sizeof(checkpoint.note), "note %lld\n", (long long)size);
	outlet_publish(rig->outlet, &checkpoint);
}

static void expect_file(const struct rig *rig, const char *name, const char *text)
{
	char path[256];
	char found[4096] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", rig->folder, name);
	file = fopen(path, "r");
	cr_assert(file, "%s is missing", path);
	found[fread(found, 1, sizeof(found) - 1, file)] = '\0';
	fclose(file);
	cr_expect_str_eq(found, text);
}

static void make_file(const struct rig *rig, const char *name)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", rig->folder, name);
	file = fopen(path, "w");
	cr_assert(file);
	fclose(file);
}

static void remove_file(const struct rig *rig, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", rig->folder, name);
	cr_assert_eq(unlink(path), 0);
}

Test(outlet, writes_a_file_for_each_checkpoint)
{
	struct rig rig;

	open_rig(&rig, true, NULL);
	publish(&rig, 7);
	publish(&rig, 12);
	uv_run(&rig.loop, UV_RUN_DEFAULT);
	expect_file(&rig, TEAM_TEXT "-7.note", "note 7\n");
	expect_file(&rig, TEAM_TEXT "-12.note", "note 12\n");
	cr_expect_eq(count_entries(rig.folder), 2, "no draft is left");
	close_rig(&rig);
}

Test(outlet, gives_each_checkpoint_to_the_command_in_order)
{
	struct rig rig;
	char command[128];

	open_rig(&rig, true, NULL);
	snprintf(command, sizeof(command), "tee  -a %s/all", rig.folder);
	reopen(&rig, false, command);
	for (int64_t size = 1; size <= 3; size++)
		publish(&rig, size);
	uv_run(&rig.loop, UV_RUN_DEFAULT);
	expect_file(&rig, "all", "note 1\nnote 2\nnote 3\n");
	close_rig(&rig);
}

static int64_t waiting(void)
{
	return metric_value(metric_gauge("wrenn_events_audit_checkpoints_waiting", NULL, ""));
}

static int64_t failures(const char *to)
{
	return metric_value(metric_counter("wrenn_events_audit_checkpoint_failures_total", to, ""));
}

/* A pause of the outlet keeps the loop alive, so it turns until what is waited for is there. */
static void run_until_failed(struct rig *rig, const char *to, int64_t count)
{
	while (failures(to) < count)
		cr_assert(uv_run(&rig->loop, UV_RUN_ONCE));
}

static void run_until_out(struct rig *rig)
{
	while (waiting() > 0)
		cr_assert(uv_run(&rig->loop, UV_RUN_ONCE) || waiting() == 0);
}

Test(outlet, gives_a_checkpoint_again_until_the_command_takes_it, .timeout = 60)
{
	static const char marked[] = "mv %s/mark %s/taken"; /* fails until there is a mark */
	struct rig rig;
	char command[256];

	open_rig(&rig, true, NULL);
	snprintf(command, sizeof(command), marked, rig.folder, rig.folder);
	reopen(&rig, true, command);
	publish(&rig, 1);
	run_until_failed(&rig, "to=\"command\"", 2);
	expect_file(&rig, TEAM_TEXT "-1.note", "note 1\n");
	remove_file(&rig, TEAM_TEXT "-1.note");
	cr_expect_eq(waiting(), 1);
	make_file(&rig, "mark");
	run_until_out(&rig);
	expect_file(&rig, "taken", "");
	cr_expect_eq(count_entries(rig.folder), 1, "the folder does not get it twice");
	cr_expect_eq(failures("to=\"folder\""), 0);
	close_rig(&rig);
}

Test(outlet, holds_up_no_other_checkpoint_for_one_that_is_refused, .timeout = 60)
{
	struct rig rig;

	/* Lines that grep does not find are its failure. */
	open_rig(&rig, true, "grep -q 2");
	publish(&rig, 1);
	publish(&rig, 2);
	publish(&rig, 22);
	while (waiting() > 1)
		cr_assert(uv_run(&rig.loop, UV_RUN_ONCE));
	cr_expect_eq(count_entries(rig.folder), 3);
	cr_expect_geq(failures("to=\"command\""), 1);
	close_rig(&rig);
}

Test(outlet, counts_a_command_that_cannot_be_started, .timeout = 60)
{
	struct rig rig;

	open_rig(&rig, true, "/nowhere/at/all");
	publish(&rig, 1);
	run_until_failed(&rig, "to=\"command\"", 2);
	cr_expect_eq(count_entries(rig.folder), 1);
	close_rig(&rig);
}

Test(outlet, writes_again_what_a_folder_that_was_gone_did_not_take, .timeout = 60)
{
	struct rig rig;

	open_rig(&rig, true, NULL);
	cr_assert_eq(rmdir(rig.folder), 0);
	publish(&rig, 1);
	publish(&rig, 2);
	run_until_failed(&rig, "to=\"folder\"", 3);
	cr_expect_eq(waiting(), 2);
	cr_assert_eq(mkdir(rig.folder, 0700), 0);
	run_until_out(&rig);
	expect_file(&rig, TEAM_TEXT "-1.note", "note 1\n");
	expect_file(&rig, TEAM_TEXT "-2.note", "note 2\n");
	close_rig(&rig);
}

Test(outlet, keeps_a_bounded_number_of_checkpoints)
{
	struct rig rig;

	open_rig(&rig, true, NULL);
	cr_assert_eq(rmdir(rig.folder), 0);
	for (int64_t size = 1; size <= 4100; size++)
		publish(&rig, size);
	cr_expect_eq(waiting(), 4096);
	cr_assert_eq(mkdir(rig.folder, 0700), 0);
	close_rig(&rig);
	cr_expect_eq(waiting(), 0);
}

/* The loop ends only when the command has. */
Test(outlet, kills_a_command_that_does_not_end, .timeout = 60)
{
	struct rig rig;
	struct outlet_options options = { .command = "sleep 1000", .limit_ms = 50, .retry_ms = 1 };

	open_rig(&rig, false, "sleep 1000");
	publish(&rig, 1);
	publish(&rig, 2);
	close_rig(&rig);

	open_rig(&rig, false, NULL);
	outlet_close(rig.outlet, count_closed, &rig);
	uv_run(&rig.loop, UV_RUN_DEFAULT);
	rig.closed = 0;
	options.loop = &rig.loop;
	cr_assert_eq(outlet_open(&options, &rig.outlet), 0);
	publish(&rig, 1);
	publish(&rig, 2);
	run_until_failed(&rig, "to=\"command\"", 2);
	close_rig(&rig);
}

/* The event stream, which answers when the test says so. */
struct stream {
	struct event *event;
	unsigned count;
	void (*on_announced)(const char *fault, void *arg);
	void *arg;
	unsigned out;
};

static int keep_event(struct str json, void (*on_announced)(const char *fault, void *arg),
		      void *arg, void *announcer)
{
	struct stream *stream = announcer;
	struct stream_id id = { .ms = 1 };
	struct reason why;

	event_free(stream->event);
	cr_assert_eq(event_parse(json, id, &stream->event, &why), 0, "%s", why.text);
	stream->count++;
	stream->on_announced = on_announced;
	stream->arg = arg;
	return stream->count == 3 ? -ENOTCONN : 0;
}

static void count_out(const struct audit_checkpoint *checkpoint, void *owner)
{
	cr_expect_eq(checkpoint->size, 12);
	((struct stream *)owner)->out++;
}

static void open_announcing(struct rig *rig, struct stream *stream)
{
	const struct outlet_options options = { .loop = &rig->loop,
						.retry_ms = 1,
						.announce = keep_event,
						.on_out = count_out,
						.owner = stream,
						.announcer = stream };

	open_rig(rig, false, NULL);
	outlet_close(rig->outlet, count_closed, rig);
	uv_run(&rig->loop, UV_RUN_DEFAULT);
	rig->closed = 0;
	cr_assert_eq(outlet_open(&options, &rig->outlet), 0);
}

Test(outlet, tells_the_event_stream)
{
	struct rig rig;
	struct stream stream = { .count = 0 };

	open_announcing(&rig, &stream);
	publish(&rig, 12);
	cr_assert_eq(stream.count, 1);
	cr_expect_eq(stream.event->kind, EVENT_AUDIT_CHECKPOINT);
	cr_expect(str_is(stream.event->team_text, TEAM_TEXT));
	cr_expect(str_is(stream.event->resource_id, "12"));
	cr_expect(str_is(event_metadata(stream.event, "note"), "note 12\n"));
	cr_expect_eq(waiting(), 1, "the stream has not answered");
	stream.on_announced(NULL, stream.arg);
	cr_expect_eq(waiting(), 0);
	cr_expect_eq(stream.out, 1);
	outlet_publish(rig.outlet,
		       &(struct audit_checkpoint){ .tree = 1, .size = 13, .is_new = true });
	cr_expect_eq(stream.count, 1, "no channel wants it");
	event_free(stream.event);
	close_rig(&rig);
}

static void run_until_told(struct rig *rig, const struct stream *stream, unsigned count)
{
	while (stream->count < count)
		cr_assert(uv_run(&rig->loop, UV_RUN_ONCE) || stream->count == count);
}

Test(outlet, tells_the_event_stream_again_until_it_takes_it, .timeout = 60)
{
	struct rig rig;
	struct stream stream = { .count = 0 };

	open_announcing(&rig, &stream);
	publish(&rig, 12);
	stream.on_announced("NOPERM", stream.arg);
	run_until_told(&rig, &stream, 2);
	stream.on_announced("NOPERM", stream.arg);
	run_until_told(&rig, &stream, 4);
	cr_expect_eq(failures("to=\"event\""), 3, "two answers, and no connection once");
	cr_expect_eq(stream.out, 0);
	stream.on_announced(NULL, stream.arg);
	cr_expect_eq(stream.out, 1);
	cr_expect_eq(waiting(), 0);
	event_free(stream.event);
	close_rig(&rig);
}

Test(outlet, waits_for_the_answer_of_the_event_stream_when_it_closes)
{
	struct rig rig;
	struct stream stream = { .count = 0 };

	open_announcing(&rig, &stream);
	publish(&rig, 12);
	outlet_close(rig.outlet, count_closed, &rig);
	uv_run(&rig.loop, UV_RUN_NOWAIT);
	cr_expect_eq(rig.closed, 0);
	stream.on_announced("the connection was lost", stream.arg);
	uv_run(&rig.loop, UV_RUN_DEFAULT);
	cr_expect_eq(rig.closed, 1);
	cr_assert_eq(uv_loop_close(&rig.loop), 0);
	cr_expect_eq(rmdir(rig.folder), 0);
	event_free(stream.event);
}

/* The store gives one that a process has not published, or is about to. */
Test(outlet, takes_one_that_is_not_new_unless_it_waits)
{
	struct audit_checkpoint checkpoint = { .team = team, .tree = 1, .size = 7, .note = "7\n" };
	struct rig rig;

	open_rig(&rig, true, NULL);
	publish(&rig, 7);
	publish(&rig, 12);
	outlet_publish(rig.outlet, &checkpoint);
	checkpoint.size = 12;
	outlet_publish(rig.outlet, &checkpoint);
	cr_expect_eq(waiting(), 2);
	checkpoint.tree = 2;
	outlet_publish(rig.outlet, &checkpoint);
	cr_expect_eq(waiting(), 3, "it belongs to another team");
	close_rig(&rig);
}

Test(outlet, gives_the_command_no_variable_of_ours)
{
	struct rig rig;
	char command[128];
	char name[] = "/tmp/wrenn-outlet-env-XXXXXX";
	int fd = mkstemp(name);
	char found[4096] = "";

	cr_assert_geq(fd, 0);
	setenv("WRENN_ENCRYPTION_KEY", "secret", 1);
	snprintf(command, sizeof(command), "cp /proc/self/environ %s", name);
	open_rig(&rig, false, command);
	publish(&rig, 1);
	uv_run(&rig.loop, UV_RUN_DEFAULT);
	cr_expect_gt(read(fd, found, sizeof(found) - 1), 0);
	cr_expect_str_eq(found, "PATH=/usr/local/bin:/usr/bin:/bin");
	close(fd);
	unlink(name);
	close_rig(&rig);
}
