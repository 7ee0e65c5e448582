/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A page is read by a job of the store and written by a libuv thread, because a disk may hang. The
 * draft has a random name and is renamed when it is whole, so two processes that write the same
 * file do no harm. Drafts of a killed process are removed when the file is written again.
 *
 *   read a page --> write it --> read the next ... --> sync, rename
 */
#include "audit/archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/file_draft.h"
#include "audit/proof_page.h"
#include "core/id.h"
#include "core/str.h"

#define NAME_SIZE (ID_TEXT_SIZE + 56)

struct archive {
	struct store_job job;
	uv_work_t work;
	struct archive_options options;
	archive_done_fn on_done;
	void *owner;
	struct page page;
	struct proof_page proof;
	char *origin;
	int fd; /* of the draft; -1: not made yet */
	int write_rc;
	char name[NAME_SIZE];
	char draft[PATH_MAX];
};

static void free_archive(struct archive *archive)
{
	proof_page_done(&archive->proof);
	page_done(&archive->page);
	free(archive->origin);
	free(archive);
}

static void end(struct archive *archive, int rc)
{
	archive_done_fn on_done = archive->on_done;
	void *owner = archive->owner;

	if (archive->fd >= 0)
		close(archive->fd);
	if (archive->fd >= 0 && rc < 0)
		unlink(archive->draft);
	free_archive(archive);
	on_done(rc, owner);
}

/* ---- the file, on a thread of libuv -------------------------------------------------------- */

/* `.<name>.XXXXXX` */
static bool is_draft_of(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return entry[0] == '.' && strncmp(entry + 1, name, len) == 0 && entry[1 + len] == '.';
}

static void remove_drafts(const struct archive *archive, DIR *folder)
{
	for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
		if (is_draft_of(entry->d_name, archive->name))
			(void)unlinkat(dirfd(folder), entry->d_name, 0);
	}
}

static int make_draft(struct archive *archive)
{
	DIR *folder = opendir(archive->options.folder);
	int len;

	if (!folder)
		return -errno;
	remove_drafts(archive, folder);
	closedir(folder);
	len = snprintf(archive->draft, sizeof(archive->draft), "%s/.%s.XXXXXX",
		       archive->options.folder, archive->name);
	if (len < 0 || (size_t)len >= sizeof(archive->draft))
		return -ENAMETOOLONG;
	archive->fd = mkostemp(archive->draft, O_CLOEXEC);
	return archive->fd < 0 ? -errno : 0;
}

/* Gives the whole draft its name. */
static int publish(const struct archive *archive)
{
	int folder = open(archive->options.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = folder < 0 ? -errno : 0;

	if (rc == 0)
		rc = draft_publish(archive->fd, folder, strrchr(archive->draft, '/') + 1,
				   archive->name);
	if (folder >= 0)
		close(folder);
	return rc;
}

static void write_page(uv_work_t *work)
{
	struct archive *archive = work->data;
	int rc = archive->fd < 0 ? make_draft(archive) : 0;

	if (rc == 0)
		rc = draft_write(archive->fd, buf_str(&archive->page.json));
	if (rc == 0 && !archive->page.has_more)
		rc = publish(archive);
	archive->write_rc = rc;
}

/* ---- the pages ----------------------------------------------------------------------------- */

static int run_page(struct db *db, struct store_job *job)
{
	return proof_page_read(db, &container_of(job, struct archive, job)->proof);
}

static void on_page(struct store_job *job, int rc);

static int read_page(struct archive *archive)
{
	archive->job = (struct store_job){ .run = run_page, .on_done = on_page };
	return store_read(archive->options.store, &archive->job);
}

static void on_written(uv_work_t *work, int status)
{
	struct archive *archive = work->data;
	int rc = archive->write_rc;

	(void)status; /* nobody cancels it */
	if (rc == 0 && archive->page.has_more) {
		proof_page_advance(&archive->proof);
		rc = read_page(archive);
		if (rc == 0)
			return;
	}
	end(archive, rc);
}

static void on_page(struct store_job *job, int rc)
{
	struct archive *archive = container_of(job, struct archive, job);

	if (rc == 0)
		rc = uv_queue_work(archive->options.loop, &archive->work, write_page, on_written);
	if (rc < 0)
		end(archive, rc);
}

/* ---- beginning ----------------------------------------------------------------------------- */

static int prepare(struct archive *archive, const struct archive_options *options)
{
	char team[ID_TEXT_SIZE];

	id_format(ID_TEAM, &options->team, team);
	snprintf(archive->name, sizeof(archive->name), "%s-%llu-%llu.jsonl", team,
		 (unsigned long long)options->from, (unsigned long long)options->to);
	archive->fd = -1;
	archive->options = *options;
	archive->work.data = archive;
	archive->page.team = options->team;
	archive->page.with_admin_rows = true;
	archive->page.begin = "";
	page_init(&archive->page);
	/* The first line of a note is its origin. */
	archive->origin = strndup(options->note, strcspn(options->note, "\n"));
	archive->proof.page = &archive->page;
	archive->proof.from = options->from;
	archive->proof.tree = options->tree;
	archive->proof.size = options->to;
	archive->proof.note = options->note;
	archive->proof.origin = archive->origin;
	archive->proof.is_archive = true;
	return archive->origin ? proof_page_init(&archive->proof) : -ENOMEM;
}

int archive_write(const struct archive_options *options, archive_done_fn on_done, void *owner)
{
	struct archive *archive = calloc(1, sizeof(*archive));
	int rc;

	if (!archive)
		return -ENOMEM;
	archive->on_done = on_done;
	archive->owner = owner;
	rc = prepare(archive, options);
	if (rc == 0)
		rc = read_page(archive);
	if (rc < 0)
		free_archive(archive);
	return rc;
}
