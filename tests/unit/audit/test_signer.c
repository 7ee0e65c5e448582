/* SPDX-License-Identifier: Apache-2.0 */

/* The key file is made once, for its owner alone. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/signer.h"
#include "core/crypto.h"

static char folder[] = "/tmp/wrenn-signer-XXXXXX";
static char path[64];
static struct reason why;

static void make_folder(void)
{
	cr_assert(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/key", folder);
	why.text[0] = '\0';
}

static void remove_folder(void)
{
	unlink(path);
	rmdir(folder); /* fails if anything else was left there, and the last test sees it */
	cr_expect_neq(access(folder, F_OK), 0);
}

TestSuite(signer, .init = make_folder, .fini = remove_folder);

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	cr_assert(file);
	fputs(text, file);
	fclose(file);
}

Test(signer, makes_a_key_for_its_owner_alone_and_never_again)
{
	struct audit_signer first = { .origin = NULL };
	struct audit_signer second = { .origin = NULL };
	struct stat status;

	umask(0);
	cr_assert_eq(audit_key_make(path, &why), 0, "%s", why.text);
	cr_assert_eq(stat(path, &status), 0);
	cr_expect_eq(status.st_mode & 0777, 0600);
	cr_assert_eq(audit_signer_read(path, &first, &why), 0, "%s", why.text);
	cr_assert_eq(audit_key_make(path, &why), 0);
	cr_assert_eq(audit_signer_read(path, &second, &why), 0);
	cr_expect_arr_eq(first.private_key, second.private_key, NOTE_KEY_SIZE);
	cr_expect_not(second.is_open);
}

Test(signer, keeps_the_old_key_when_it_makes_a_new_one)
{
	struct audit_signer first = { .origin = NULL };
	struct audit_signer second = { .origin = NULL };
	struct audit_signer old = { .origin = NULL };
	char *kept = NULL;

	cr_expect_eq(audit_key_rotate(path, 0, &kept, &why), -ENOENT, "%s", why.text);
	cr_assert_eq(audit_key_make(path, &why), 0, "%s", why.text);
	cr_assert_eq(audit_signer_read(path, &first, &why), 0);
	cr_assert_eq(audit_key_rotate(path, 0, &kept, &why), 0, "%s", why.text);
	cr_expect_neq(strstr(kept, "/key.until-1970-01-01T00:00:00Z"), NULL, "%s", kept);
	cr_assert_eq(audit_signer_read(path, &second, &why), 0);
	cr_assert_eq(audit_signer_read(kept, &old, &why), 0);
	cr_expect_arr_eq(first.private_key, old.private_key, NOTE_KEY_SIZE);
	cr_expect_arr_neq(first.private_key, second.private_key, NOTE_KEY_SIZE);
	cr_expect_not(second.is_open);
	cr_expect_eq(audit_key_rotate(path, 0, &kept, &why), -EEXIST, "no key is overwritten");
	cr_expect_eq(unlink(kept), 0);
	free(kept);
}

Test(signer, makes_another_key_each_time)
{
	struct audit_signer first = { .origin = NULL };
	struct audit_signer second = { .origin = NULL };

	cr_assert_eq(audit_key_make(path, &why), 0);
	cr_assert_eq(audit_signer_read(path, &first, &why), 0);
	unlink(path);
	cr_assert_eq(audit_key_make(path, &why), 0);
	cr_assert_eq(audit_signer_read(path, &second, &why), 0);
	cr_expect_arr_neq(first.private_key, second.private_key, NOTE_KEY_SIZE);
}

/* A container's process has the same id at each start. */
Test(signer, makes_a_key_beside_the_draft_of_a_process_that_died)
{
	char draft[96];
	FILE *file;

	snprintf(draft, sizeof(draft), "%s.%ld", path, (long)getpid());
	file = fopen(draft, "w");
	cr_assert(file);
	fclose(file);
	cr_expect_eq(audit_key_make(path, &why), 0, "%s", why.text);
	cr_expect_eq(access(path, F_OK), 0);
	unlink(draft);
}

Test(signer, tells_a_file_that_others_may_use)
{
	struct audit_signer signer = { .origin = NULL };

	cr_assert_eq(audit_key_make(path, &why), 0);
	cr_assert_eq(chmod(path, 0640), 0);
	cr_assert_eq(audit_signer_read(path, &signer, &why), 0);
	cr_expect(signer.is_open);
}

Test(signer, refuses_what_is_no_key_and_leaves_it_there)
{
	static const char *const texts[] = {
		"",
		"0123",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeg\n",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0\n",
	};
	struct audit_signer signer = { .origin = NULL };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct stat status;

		write_file(texts[i]);
		cr_expect_eq(audit_key_make(path, &why), 0);
		cr_expect_eq(audit_signer_read(path, &signer, &why), -EINVAL, "%s", texts[i]);
		cr_expect_str_eq(why.field, "WRENN_EVENTS_AUDIT_KEY_FILE");
		cr_assert_eq(stat(path, &status), 0);
		cr_expect_eq((size_t)status.st_size, strlen(texts[i]));
	}
}

Test(signer, names_the_folder_that_is_missing)
{
	cr_expect_eq(audit_key_make("/nowhere/at/all/key", &why), -ENOENT);
	cr_expect(strstr(why.text, "/nowhere/at/all/key"), "%s", why.text);
	write_file("x");
}
