/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Exactly one of a variable, a file and a credential of systemd holds the key. Only `serve` needs
 * it, so other commands do not read files.
 */
#include "config/key.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/file.h"
#include "config/read.h"
#include "config/setting.h"
#include "config/table.h"

#define KEY        "WRENN_ENCRYPTION_KEY"
#define KEY_FILE   "WRENN_ENCRYPTION_KEY_FILE"
#define CREDENTIAL "wrenn-encryption-key"
#define FILE_MAX   4096

/* An environment variable that is not one of our settings; NULL when it is missing or empty. */
static const char *find_variable(char *const *environment, const char *name)
{
	size_t len = strlen(name);

	for (; *environment; environment++)
		if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=' &&
		    (*environment)[len + 1])
			return *environment + len + 1;
	return NULL;
}

/* The credential's path, or NULL when systemd has passed none of that name. */
static char *find_credential(char *const *environment)
{
	const char *folder = find_variable(environment, "CREDENTIALS_DIRECTORY");
	char *path = NULL;

	if (!folder || asprintf(&path, "%s/" CREDENTIAL, folder) < 0)
		return NULL;
	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static int read_key(const char *name, const char *path, struct config *out, struct buf *faults)
{
	const struct setting setting = { .name = name };
	struct buf text;
	int rc;

	buf_init(&text, FILE_MAX);
	rc = settings_file_read(path, &text);
	if (rc < 0)
		setting_fault(name, faults, "the file cannot be read (%s)",
			      rc == -E2BIG ? "larger than 4 KiB" : strerror(-rc));
	else
		rc = read_encryption_key(&setting, str_trim(buf_str(&text)), out, faults);
	if (text.bytes)
		explicit_bzero(text.bytes, text.cap);
	buf_done(&text);
	return rc;
}

/* systemd itself restricts who may read a credential. */
static bool is_open_to_others(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
	       (status.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

static int read_one(bool is_set, const char *file, const char *credential, struct config *out,
		    struct buf *faults)
{
	if (is_set + (file != NULL) + (credential != NULL) > 1)
		return setting_fault(KEY, faults,
				     "expected only one of " KEY ", " KEY_FILE
				     " and the credential " CREDENTIAL ", got %s%s%s",
				     is_set ? "variable " : "", file ? "file " : "",
				     credential ? "credential" : "");
	if (is_set)
		return 0; /* its row has read it */
	if (file) {
		out->key_is_open = is_open_to_others(file);
		return read_key(KEY_FILE, file, out, faults);
	}
	if (credential)
		return read_key("credential " CREDENTIAL, credential, out, faults);
	return setting_fault(
		KEY, faults,
		"not set; expected %d hexadecimal digits here, in a file that " KEY_FILE
		" names, or in the systemd credential " CREDENTIAL,
		2 * SEAL_KEY_SIZE);
}

int settings_find_key(const struct setting_texts *texts, char *const *environment,
		      struct config *out, struct buf *faults)
{
	struct str file_text = texts->value[setting_find(STR(KEY_FILE))];
	char *file = file_text.len ? strndup(file_text.at, file_text.len) : NULL;
	char *credential = find_credential(environment);
	int rc = -ENOMEM;

	if (file || file_text.len == 0)
		rc = read_one(texts->value[setting_find(STR(KEY))].len > 0, file, credential, out,
			      faults);
	free(file);
	free(credential);
	return rc;
}
