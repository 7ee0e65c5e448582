/* SPDX-License-Identifier: Apache-2.0 */

/* What the files of tests/vectors/audit cannot show: every allocation that fails, and limits. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proof/verifier.h"
#include "tests/support/heap.h"

#define FOLDER "tests/vectors/audit/"

struct export
{
	struct note_key key;
	char *text;
	size_t len;
};

static char *read_file(const char *name, size_t *len)
{
	FILE *file = fopen(name, "re");
	char *text = calloc(1, 65536);

	cr_assert(file && text, "%s", name);
	*len = fread(text, 1, 65535, file);
	fclose(file);
	return text;
}

static struct export open_export(const char *name)
{
	struct export export;
	size_t len;
	char *key = read_file(FOLDER "key", &len);

	cr_assert_eq(note_key_read((struct str){ key, len }, &export.key, NULL), 0);
	free(key);
	export.text = read_file(name, &export.len);
	return export;
}

static int verify_lines(struct verifier *verifier, const struct export *export, struct reason *why)
{
	struct str rest = { .at = export->text, .len = export->len };
	int rc = 0;

	while (rc == 0 && rest.len > 0)
		rc = verifier_line(verifier, str_cut(&rest, '\n'), why);
	return rc;
}

static int verify(const struct export *export, struct verifier *verifier, struct reason *why)
{
	int rc;

	*verifier = (struct verifier){ .keys = &export->key, .key_count = 1 };
	rc = verify_lines(verifier, export, why);
	return rc < 0 ? rc : verifier_end(verifier, why);
}

static void verify_once(void *arg)
{
	struct reason why = { .text = "" };
	struct verifier verifier;
	int rc = verify(arg, &verifier, &why);

	cr_expect(rc == 0 || rc == -ENOMEM, "%d %s", rc, why.text);
}

/* Suite fault: `make fault` looks for it. */
Test(fault, an_export_holds_or_there_was_no_memory)
{
	struct export export = open_export(FOLDER "whole.jsonl");

	heap_fail_each(verify_once, &export);
	free(export.text);
}

Test(verifier, counts_what_it_has_seen)
{
	struct export export = open_export(FOLDER "filtered.jsonl");
	struct reason why = { .text = "" };
	struct verifier verifier;

	cr_assert_eq(verify(&export, &verifier, &why), 0, "%s", why.text);
	cr_expect_eq(verifier.range.size, 11);
	cr_expect_eq(verifier.rows, 3);
	cr_expect_eq(verifier.skipped, 8);
	cr_expect_eq(verifier.outside, 2);
	cr_expect_str_eq(verifier.time, "2026-01-02T03:04:05Z");
	free(export.text);
}

Test(verifier, refuses_a_line_that_is_longer_than_any)
{
	struct verifier verifier = { .keys = NULL };
	struct reason why = { .text = "" };
	struct buf line;

	buf_init(&line, VERIFIER_MAX_LINE + 100);
	buf_add_text(&line, "{\"type\":\"");
	while (line.len <= VERIFIER_MAX_LINE)
		buf_add_char(&line, 'x');
	buf_add_text(&line, "\"}");
	cr_expect_eq(verifier_line(&verifier, buf_str(&line), &why), -EINVAL);
	cr_expect_str_eq(why.text, "the line is longer than any line of an export");
	buf_done(&line);
}

Test(verifier, takes_only_so_many_checkpoints)
{
	struct export note = open_export(FOLDER "5.note");
	struct verifier verifier = { .keys = &note.key, .key_count = 1 };
	struct str text = { .at = note.text, .len = note.len };

	for (int i = 0; i < VERIFIER_MAX_OLD; i++)
		cr_assert_eq(verifier_add_older(&verifier, text, NULL), 0);
	cr_expect_eq(verifier_add_older(&verifier, text, NULL), -EINVAL);
	free(note.text);
}

/* The file has the true first 5 rows, and its last checkpoint is for others. */
static void expect_forgery(const char *name, const char *reason)
{
	struct export note = open_export(FOLDER "5.note");
	struct export export = open_export(name);
	struct verifier verifier = { .keys = &export.key, .key_count = 1 };
	struct str text = { .at = note.text, .len = note.len };
	struct reason why = { .text = "" };
	int rc;

	cr_assert_eq(verifier_add_older(&verifier, text, &why), 0, "%s", why.text);
	rc = verify_lines(&verifier, &export, &why);
	if (rc == 0)
		rc = verifier_end(&verifier, &why);
	cr_expect_lt(rc, 0, "%s holds", name);
	cr_expect(strstr(why.text, reason), "%s: %s", name, why.text);
	free(export.text);
	free(note.text);
}

Test(verifier, refuses_other_rows_after_more_headers)
{
	expect_forgery(FOLDER "forged-after-rows.jsonl", "shows rows again");
	expect_forgery(FOLDER "forged-after-two-headers.jsonl", "does not follow");
	expect_forgery(FOLDER "forged-after-a-skip.jsonl", "does not follow");
	expect_forgery(FOLDER "forged-after-a-part.jsonl", "does not follow");
	expect_forgery(FOLDER "forged-before-a-part.jsonl", "cannot be compared");
}

static void prove(const char *const *files, size_t count, struct merkle_proof *out)
{
	struct verifier verifier = { .wanted_id = "log-0000000000000000000000002", .key_count = 1 };
	struct reason why = { .text = "" };

	for (size_t i = 0; i < count; i++) {
		struct export export = open_export(files[i]);

		verifier.keys = &export.key;
		cr_assert_eq(verify_lines(&verifier, &export, &why), 0, "%s", why.text);
		free(export.text);
	}
	cr_assert_eq(verifier_end(&verifier, &why), 0, "%s", why.text);
	cr_assert(verifier.has_wanted && verifier.range.proof);
	merkle_prove(&verifier.range, out);
}

Test(verifier, keeps_the_proof_of_a_row_over_files_that_broke_off)
{
	static const char *const whole[] = { FOLDER "whole.jsonl" };
	static const char *const parts[] = { FOLDER "hourly.jsonl", FOLDER "header-alone.jsonl",
					     FOLDER "part.jsonl", FOLDER "header-alone.jsonl",
					     FOLDER "nothing-more.jsonl" };
	struct merkle_proof expected;
	struct merkle_proof found;

	prove(whole, 1, &expected);
	prove(parts, 5, &found);
	cr_assert_eq(found.index, expected.index);
	cr_assert_eq(found.count, expected.count);
	for (unsigned i = 0; i < found.count; i++)
		cr_expect(merkle_eq(&found.hashes[i], &expected.hashes[i]));
}
