/* SPDX-License-Identifier: Apache-2.0 */

/* Which rows of the trail are dropped, step by step, on both engines. That what is left verifies,
 * and the files, are in test_audit_keeping.py. */
#include "ledger/retention.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/lease.h"
#include "ledger/retention_timer.h"
#include "proof/verifier.h"
#include "tests/support/full_disk.h"
#include "tests/support/rig.h"

#define DAY_US RETENTION_DAY_US
#define WELL   ",\"outcome\":\"success\",\"metadata\":{\"reason\":\"ttl_expired\"}"

static const struct rig_options options = { .no_delivery = true, .audit_mode = AUDIT_ALL };
static const struct audit_signer signer = { .private_key = { 1, 2, 3 },
					    .origin = "events.example.com" };

/* ---- a tree with checkpoints --------------------------------------------------------------- */

struct signing {
	struct store_job job;
	int64_t at_us;
	struct audit_checkpoint made;
};

static int run_signing(struct db *db, struct store_job *job)
{
	struct signing *signing = container_of(job, struct signing, job);
	struct note_key key;
	struct uuid team;
	int rc = audit_signer_public(db, &signer, &key);

	if (rc == 0)
		rc = uuid_parse(str_of(TEAM_A), &team);
	return rc < 0 ? rc
		      : audit_checkpoint_make(db, &signer, &key, &team, signing->at_us,
					      &signing->made);
}

/* So many rows of the trail, and a checkpoint after them. */
static void add_rows(struct rig *rig, int count, int64_t at_us)
{
	static int64_t ms = START_MS;
	struct signing signing = { .job.run = run_signing, .at_us = at_us };
	struct event **events = calloc((size_t)count, sizeof(struct event *));
	struct reason why = { .text = "" };

	cr_assert(events);
	for (int i = 0; i < count; i++)
		events[i] = rig_event("capsule.pause", i ? USER : SYSTEM, WELL, ms++);
	cr_assert_eq(rig_commit(rig, events, (size_t)count), 0);
	free(events);
	cr_assert_eq(store_run_blocking(rig->database.url, &signing.job, &why), 0, "%s", why.text);
	cr_assert(signing.made.is_new);
}

/* Rows 0 to 259 at START_US, 260 to 519 an hour later, 520 to 529 three days later. */
static void fill(struct rig *rig)
{
	add_rows(rig, 260, START_US);
	add_rows(rig, 260, START_US + HOUR_US);
	add_rows(rig, 10, START_US + 3 * DAY_US);
	/* The rig has its own housekeeping, which writes it once an hour of the rig's clock. */
	rig_wait_rows(rig, 1, "store_facts WHERE name = 'aged_to_us'");
	rig_ask(rig, "DELETE FROM store_facts WHERE name = 'aged_to_us'");
	rig_ask(rig, "INSERT INTO audit_logs (id, team_id, actor_type, actor_name, resource_type, "
		     "action, scope, status, metadata, created_at) SELECT "
		     "'11111111-1111-4111-8111-111111111111', '" TEAM_A "', 'system', 'x', "
		     "'host', 'create', 'team', 'success', '{}', min(created_at) FROM audit_logs");
}

/* ---- steps --------------------------------------------------------------------------------- */

struct step {
	struct store_job job;
	struct retention retention;
};

static int run_step(struct db *db, struct store_job *job)
{
	return retention_step(&container_of(job, struct step, job)->retention, db);
}

static int run_note(struct db *db, struct store_job *job)
{
	return retention_archived(&container_of(job, struct step, job)->retention, db);
}

static void run(struct rig *rig, struct step *step, int (*what)(struct db *, struct store_job *))
{
	struct reason why = { .text = "" };

	step->job = (struct store_job){ .run = what };
	cr_assert_eq(store_run_blocking(rig->database.url, &step->job, &why), 0, "%s", why.text);
}

/* Until there is nothing to do at once. Returns how many rows were dropped. */
static int64_t run_steps(struct rig *rig, struct step *step)
{
	int64_t dropped = 0;

	do {
		run(rig, step, run_step);
		dropped += step->retention.dropped;
		cr_assert_leq(step->retention.dropped, RETENTION_PIECE);
	} while (step->retention.next == RETENTION_AGAIN);
	return dropped;
}

/* Writes the age as housekeeping does. */
static void set_age(struct rig *rig, int64_t age_us)
{
	rig_ask(rig, "DELETE FROM store_facts WHERE name = 'aged_to_us'");
	rig_ask(rig, "INSERT INTO store_facts (name, value) VALUES ('aged_to_us', '%lld')",
		(long long)age_us);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void wait_until_due(struct rig *rig)
{
	struct step step = { .retention = { .days = 1, .is_archived = true } };

	fill(rig);
	run(rig, &step, run_step);
	cr_expect_eq(step.retention.next, RETENTION_END, "nobody has believed the clock yet");
	set_age(rig, START_US + 2 * DAY_US);
	cr_expect_eq(run_steps(rig, &step), 0);
	cr_expect_eq(step.retention.next, RETENTION_TREE, "the oldest rows are not a day too old");
	set_age(rig, START_US + 2 * DAY_US + 1);
	run_steps(rig, &step);
	cr_expect_eq(step.retention.next, RETENTION_ARCHIVE);
	cr_expect_eq(step.retention.archive_to, 520, "the next checkpoint is younger");
	cr_expect_neq(strstr(step.retention.note, "/audit/" TEAM_A_ID "\n520\n"), NULL);
	step.retention.after = step.retention.tree;
	run(rig, &step, run_step);
	cr_expect_eq(step.retention.next, RETENTION_END);
}

Test(retention, finds_what_a_checkpoint_older_than_the_days_covers)
{
	ON_BOTH_STORES(&options, wait_until_due)
}

static void drop_without_file(struct rig *rig)
{
	struct step step = { .retention = { .days = 1, .is_archived = true } };

	set_age(rig, START_US + 9 * DAY_US);
	cr_expect_eq(run_steps(rig, &step), 0);
	cr_expect_eq(step.retention.archive_to, 520, "what the file has is fixed");
	rig_ask(rig, "UPDATE audit_trees SET archive_to = 530");
	run(rig, &step, run_note);
	cr_expect_eq(rig_ask(rig, "SELECT drop_to FROM audit_trees"), 0, "another file");
	rig_ask(rig, "UPDATE audit_trees SET archive_to = 520");
	set_age(rig, START_US + 3 * DAY_US);
}

static int64_t wall_us(void)
{
	return rig_now_us;
}

static void drop_after_the_file(struct rig *rig)
{
	struct audit_forgetting forgetting = { .user = "usr-0x5yg3bfyrehlas5fmd3rslxq" };
	struct step step = { .retention = { .days = 1, .is_archived = true } };
	struct reason why = { .text = "" };

	fill(rig);
	set_age(rig, START_US + 3 * DAY_US);
	run_steps(rig, &step);
	drop_without_file(rig);
	run(rig, &step, run_note);
	cr_expect_eq(run_steps(rig, &step), 520);
	cr_expect_eq(rig_ask(rig, "SELECT first FROM audit_trees"), 520);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs"), 10 + 1, "and the other's");
	/* Tile 0 is gone; checkpoints divide the others. */
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_leaf"), 530 - 256);
	cr_expect_eq(rig_ask(rig, "SELECT min(idx) FROM audit_leaf"), 256);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_tiles"), 2);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_checkpoints"), 3);

	cr_expect_eq(audit_forget(rig->database.url, &forgetting, wall_us, &why), 0, "%s",
		     why.text);
	cr_expect_eq(forgetting.rows, 9, "the tenth is the system's");
	cr_expect_eq(rig_ask(rig, "SELECT min(idx) FROM audit_erased"), 521);
}

Test(retention, drops_nothing_before_it_is_in_a_file)
{
	ON_BOTH_STORES(&options, drop_after_the_file)
}

static void drop_all(struct rig *rig)
{
	struct step step = { .retention = { .days = 1 } };

	fill(rig);
	rig_ask(rig, "INSERT INTO audit_erased (tree, idx, field, commitment) "
		     "SELECT tree, idx, 'actor_id', hash FROM audit_leaf WHERE idx < 5");
	set_age(rig, START_US + 9 * DAY_US);
	cr_expect_eq(run_steps(rig, &step), 530);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_salts"), 0);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_erased"), 0);
	add_rows(rig, 2, START_US + 9 * DAY_US);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_salts"), 1);
	cr_expect_eq(rig_ask(rig, "SELECT max(idx) FROM audit_leaf"), 531);
}

/* ---- without the lease --------------------------------------------------------------------- */

struct holder {
	struct rig *rig;
	struct ledger_lease *lease;
	struct retention_timer *timer;
	struct metric *dropped;
	bool has_lost_it;
	bool is_closed;
};

static void on_lead(bool known, struct stream_id last, void *owner)
{
	struct holder *holder = owner;
	static struct position position;
	const struct retention_timer_options timer = {
		.loop = &holder->rig->loop,
		.store = holder->rig->store,
		.lease = holder->lease,
		.group = "test-group",
		.worker = "worker-1",
		.position = &position,
		.days = 1,
		.tick_ms = 1,
		.dropped = holder->dropped,
	};

	(void)known;
	(void)last;
	/* The other worker is faster than the first step and the first renewal. */
	rig_ask(holder->rig, "UPDATE ledger_leases SET owner = 'another'");
	cr_assert_eq(retention_timer_open(&timer, &holder->timer), 0);
}

static void on_stand_by(void *owner)
{
	((struct holder *)owner)->has_lost_it = true;
}

static void on_closed(void *owner)
{
	((struct holder *)owner)->is_closed = true;
}

static bool has_lost_it(struct rig *rig, void *arg)
{
	(void)rig;
	return ((struct holder *)arg)->has_lost_it;
}

static bool is_closed(struct rig *rig, void *arg)
{
	(void)rig;
	return ((struct holder *)arg)->is_closed;
}

static void drop_nothing(struct rig *rig)
{
	static struct position position;
	struct holder holder = { .rig = rig };
	const struct ledger_lease_options lease = {
		.loop = &rig->loop,
		.store = rig->store,
		.group = "test-group",
		.worker = "worker-1",
		.position = &position,
		.mono_us = wall_us,
		.tick_ms = 100,
		.events = { .on_lead = on_lead, .on_stand_by = on_stand_by, .owner = &holder },
	};

	holder.dropped = metric_counter("test_dropped", NULL, "");
	fill(rig);
	set_age(rig, START_US + 9 * DAY_US);
	cr_assert_eq(ledger_lease_open(&lease, &holder.lease), 0);
	rig_turn_until(rig, has_lost_it, &holder);
	rig_idle(rig);
	cr_expect_eq(rig_ask(rig, "SELECT drop_to FROM audit_trees"), 0);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs"), 530 + 1);
	retention_timer_close(holder.timer, on_closed, &holder);
	rig_turn_until(rig, is_closed, &holder);
	holder.is_closed = false;
	ledger_lease_close(holder.lease, on_closed, &holder);
	rig_turn_until(rig, is_closed, &holder);
}

Test(retention, drops_nothing_without_the_lease){ ON_BOTH_STORES(&options, drop_nothing) }

Test(retention, forgets_the_keys_of_a_team_without_rows)
{
	ON_BOTH_STORES(&options, drop_all)
}

/* ---- files --------------------------------------------------------------------------------- */

struct archiving {
	bool is_done;
	int rc;
};

static void on_archived(int rc, void *owner)
{
	*(struct archiving *)owner = (struct archiving){ .is_done = true, .rc = rc };
}

static bool is_done(struct rig *rig, void *arg)
{
	(void)rig;
	return ((const struct archiving *)arg)->is_done;
}

static int archive(struct rig *rig, const struct retention *retention, const char *folder)
{
	const struct archive_options archive = {
		.loop = &rig->loop,
		.store = rig->store,
		.folder = folder,
		.team = retention->team,
		.tree = retention->tree,
		.from = (uint64_t)retention->drop_to,
		.to = (uint64_t)retention->archive_to,
		.note = retention->note,
	};
	struct archiving archiving = { .is_done = false };

	cr_assert_eq(archive_write(&archive, on_archived, &archiving), 0);
	rig_turn_until(rig, is_done, &archiving);
	return archiving.rc;
}

static void expect_holds(const char *path, uint64_t rows)
{
	struct verifier *verifier = calloc(1, sizeof(*verifier));
	struct reason why = { .text = "" };
	FILE *file = fopen(path, "re");
	struct note_key key;
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	cr_assert(file && verifier, "%s", path);
	cr_assert_eq(note_key_of_private(&key, str_of(signer.origin), signer.private_key, &why), 0);
	verifier->keys = &key;
	verifier->key_count = 1;
	while ((len = getline(&line, &cap, file)) > 0)
		cr_assert_eq(verifier_line(verifier, (struct str){ line, (size_t)len - 1 }, &why),
			     0, "%s", why.text);
	cr_expect_eq(verifier_end(verifier, &why), 0, "%s", why.text);
	cr_expect_eq(verifier->rows, rows);
	free(line);
	fclose(file);
	free(verifier);
}

Test(archive, is_whole_or_there_is_none)
{
	char folder[] = "/tmp/wrenn-archive.XXXXXX";
	struct step step = { .retention = { .days = 1, .is_archived = true } };
	char path[256];
	struct rig rig;

	cr_assert(mkdtemp(folder));
	rig_open(&rig, DATABASE_SQLITE, &options);
	fill(&rig);
	set_age(&rig, START_US + 3 * DAY_US);
	run_steps(&rig, &step);
	cr_expect_eq(archive(&rig, &step.retention, "/tmp/wrenn-archive.none/x"), -ENOENT);
	snprintf(path, sizeof(path), "%s/" TEAM_A_ID "-0-520.jsonl", folder);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_expect_eq(archive(&rig, &step.retention, folder), -EISDIR);
	cr_expect_eq(count_entries(folder), 1, "the draft is gone");
	cr_assert_eq(rmdir(path), 0);
	cr_expect_eq(archive(&rig, &step.retention, folder), 0);
	cr_expect_eq(archive(&rig, &step.retention, folder), 0, "again");
	cr_expect_eq(count_entries(folder), 1);
	expect_holds(path, 520);
	unlink(path);
	rmdir(folder);
	rig_close(&rig);
}

Test(archive, on_a_full_disk_leaves_no_part)
{
	char folder[] = "/tmp/wrenn-archive.XXXXXX";
	struct step step = { .retention = { .days = 1, .is_archived = true } };
	char path[256];
	struct rig rig;

	cr_assert(mkdtemp(folder));
	rig_open(&rig, DATABASE_SQLITE, &options);
	fill(&rig);
	set_age(&rig, START_US + 3 * DAY_US);
	run_steps(&rig, &step);
	snprintf(path, sizeof(path), "%s/" TEAM_A_ID "-0-520.jsonl", folder);
	for (rlim_t bytes = 0; bytes <= 65536; bytes += 32768) {
		limit_files(bytes);
		cr_expect_eq(archive(&rig, &step.retention, folder), -EFBIG);
		limit_files(RLIM_INFINITY);
		cr_expect_eq(count_entries(folder), 0, "the draft is gone");
		cr_expect_eq(rig_ask(&rig, "SELECT drop_to FROM audit_trees WHERE first = 0"), 0);
	}
	cr_expect_eq(archive(&rig, &step.retention, folder), 0, "there is room again");
	expect_holds(path, 520);
	unlink(path);
	rmdir(folder);
	rig_close(&rig);
}
