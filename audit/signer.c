/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The file is written under a random name and then linked to its own, so it appears complete, and
 * the first process wins. The draft of a killed process stays and does no harm.
 */
#include "audit/signer.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/file_draft.h"
#include "core/crypto.h"
#include "core/rfc3339.h"
#include "core/str.h"

#define KEY_DIGITS   ((size_t)2 * NOTE_KEY_SIZE)
#define SETTING      "WRENN_EVENTS_AUDIT_KEY_FILE"
#define DEFAULT_NAME "wrenn-events-"

static int fail(struct reason *why, const char *what, const char *path)
{
	int rc = -errno;

	return reason_set(why, rc, SETTING, "cannot %s %s: %s", what, path, strerror(-rc));
}

/* ---- making -------------------------------------------------------------------------------- */

/* The text of a new key: digits and a line feed. */
static bool write_key(int fd)
{
	uint8_t key[NOTE_KEY_SIZE];
	char text[KEY_DIGITS + 2];
	bool is_written;

	random_bytes(key, sizeof(key));
	hex_encode(key, sizeof(key), text);
	text[KEY_DIGITS] = '\n';
	text[KEY_DIGITS + 1] = '\0';
	is_written = draft_write(fd, str_of(text)) == 0 && fsync(fd) == 0;
	explicit_bzero(key, sizeof(key));
	explicit_bzero(text, sizeof(text));
	return is_written;
}

/* Without this the name may be gone after a power failure, and the next start would make another
 * key. Not every file system supports it, and the key is valid without it. */
static void sync_folder(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
	free(copy);
}

/* Replaces the X at the end of the name. */
static int make_under(char *name, const char *path, struct reason *why)
{
	int fd = mkostemp(name, O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return fail(why, "make", path);
	if (!write_key(fd))
		rc = fail(why, "write", path);
	else if (link(name, path) < 0 && errno != EEXIST)
		rc = fail(why, "make", path);
	else
		sync_folder(path);
	close(fd);
	unlink(name);
	return rc;
}

int audit_key_make(const char *path, struct reason *why)
{
	char *name = NULL;
	int rc;

	if (access(path, F_OK) == 0)
		return 0;
	if (asprintf(&name, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	rc = make_under(name, path, why);
	free(name);
	return rc;
}

/* A new name next to it, which no file has yet. */
static int move_away(const char *path, const char *kept, struct reason *why)
{
	if (link(path, kept) < 0)
		return fail(why, "keep", path);
	return unlink(path) < 0 ? fail(why, "move", path) : 0;
}

int audit_key_rotate(const char *path, int64_t now_us, char **kept, struct reason *why)
{
	char time[RFC3339_TEXT_SIZE];
	char *name = NULL;
	int rc;

	rfc3339_format(now_us, 0, time);
	if (asprintf(&name, "%s.until-%s", path, time) < 0)
		return -ENOMEM;
	rc = move_away(path, name, why);
	if (rc == 0)
		rc = audit_key_make(path, why); /* after a failure the next start makes it */
	if (rc == 0)
		*kept = name;
	else
		free(name);
	return rc;
}

/* ---- reading ------------------------------------------------------------------------------- */

static int read_digits(int fd, const char *path, uint8_t key[NOTE_KEY_SIZE], struct reason *why)
{
	char text[KEY_DIGITS + 3];
	ssize_t len = read(fd, text, sizeof(text));
	struct str digits;
	bool is_key;

	if (len < 0)
		return fail(why, "read", path);
	digits = str_trim((struct str){ .at = text, .len = (size_t)len });
	is_key = digits.len == KEY_DIGITS && hex_decode(digits, key, NOTE_KEY_SIZE);
	explicit_bzero(text, sizeof(text));
	return is_key ? 0
		      : reason_set(why, -EINVAL, SETTING,
				   "%s holds no key: expected %zu hexadecimal digits", path,
				   KEY_DIGITS);
}

int audit_signer_read(const char *path, struct audit_signer *out, struct reason *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	int rc;

	if (fd < 0)
		return fail(why, "read", path);
	out->is_open = fstat(fd, &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0;
	rc = read_digits(fd, path, out->private_key, why);
	close(fd);
	return rc;
}

/* ---- the name ------------------------------------------------------------------------------ */

static const struct db_query read_identity = {
	.sql = "SELECT value FROM store_facts WHERE name = 'identity'",
};

static int on_identity(const struct db_row *row, void *arg)
{
	snprintf(arg, NOTE_MAX_NAME + 1, DEFAULT_NAME "%.*s", STR_ARGS(row_text(row, 0)));
	return 0;
}

int audit_signer_public(struct db *db, const struct audit_signer *signer, struct note_key *out)
{
	char name[NOTE_MAX_NAME + 1] = "";
	int rc = 0;

	if (signer->origin)
		snprintf(name, sizeof(name), "%s", signer->origin);
	else
		rc = db_run_now(db, &read_identity, NULL, 0, on_identity, name, NULL);
	return rc < 0 ? rc : note_key_of_private(out, str_of(name), signer->private_key, NULL);
}
