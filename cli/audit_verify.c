/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `audit verify`: reads an export line by line and verifies it, without the service, its store or a
 * network. Its memory does not depend on the length of the export.
 */
#include "cli/audit_verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "core/errno_text.h"
#include "core/json.h"
#include "proof/verifier.h"

#define MAX_KEYS 64
#define PIECE    65536

static const char usage[] =
	"Usage: wrenn-events audit verify FILE... --key FILE [OPTION...]\n"
	"\n"
	"Verifies an export of the audit trail (--format jsonl) without the service: the\n"
	"values of each row give its hash, the hashes give the signed root, and nothing\n"
	"has been changed or cut off since an older checkpoint. Several files are one\n"
	"trail if each starts where the one before it ended. - is standard input.\n"
	"Exit code: 0 if all of it holds, 1 if not, 3 if a file cannot be read.\n"
	"\n"
	"  --key FILE          keys to trust, one per line; may be repeated\n"
	"  --checkpoint FILE   an older checkpoint to compare with; may be repeated\n"
	"  --row ID            the row log-... must be in the export; with --json, prints\n"
	"                      its inclusion proof\n"
	"  --json              print the outcome as one line of JSON\n"
	"\n"
	"What it proves, and what not: docs/audit.md\n"
	"\n"
	"Example: wrenn-events audit verify audit.jsonl --key wrenn.key\n";

struct verifying {
	struct verifier verifier;
	struct note_key keys[MAX_KEYS];
	size_t key_count;
	const char *older[VERIFIER_MAX_OLD]; /* names of files */
	struct buf notes[VERIFIER_MAX_OLD];  /* what they hold */
	size_t older_count;
	bool as_json;

	const char *file; /* being read */
	uint64_t line;    /* the line at fault; 0: the whole file */
	struct reason why;
};

/* ---- the outcome --------------------------------------------------------------------------- */

static void add_number(struct buf *out, const char *name, uint64_t number)
{
	json_add_name(out, name);
	buf_add_u64(out, number);
}

static void add_hash(struct buf *out, const struct merkle_hash *hash)
{
	buf_add_char(out, '"');
	base64_encode(out, (struct str){ .at = (const char *)hash->bytes, .len = SHA256_SIZE });
	buf_add_char(out, '"');
}

static void add_proof(struct buf *out, const struct verifier *verifier)
{
	struct merkle_proof proof;

	merkle_prove(&verifier->range, &proof);
	json_add_name(out, "row");
	buf_add_char(out, '{');
	json_add_member(out, "id", str_of(verifier->wanted_id));
	add_number(out, "index", proof.index);
	json_add_name(out, "hash");
	add_hash(out, &verifier->wanted_hash);
	json_add_name(out, "proof");
	buf_add_char(out, '[');
	for (unsigned i = 0; i < proof.count; i++) {
		buf_add_text(out, i > 0 ? "," : "");
		add_hash(out, &proof.hashes[i]);
	}
	buf_add_text(out, "]}");
}

static void add_json(struct buf *out, const struct verifier *verifier)
{
	buf_add_text(out, "{\"holds\":true");
	json_add_member(out, "team_id", str_of(verifier->team_id));
	json_add_member(out, "origin", str_of(verifier->origin));
	add_number(out, "size", verifier->range.size);
	add_number(out, "rows", verifier->rows);
	add_number(out, "skipped", verifier->skipped);
	add_number(out, "erased", verifier->erased);
	add_number(out, "outside", verifier->outside);
	json_add_name(out, "root");
	add_hash(out, &verifier->root);
	json_add_member(out, "time", str_of(verifier->time));
	json_add_name(out, "key");
	buf_add_char(out, '"');
	note_key_write(out, verifier->signer);
	buf_add_char(out, '"');
	add_number(out, "checkpoints", verifier->older_count);
	if (verifier->wanted_id)
		add_proof(out, verifier);
	buf_add_text(out, "}\n");
}

static void add_text(struct buf *out, const struct verifier *verifier)
{
	buf_addf(out, "It holds: %s\n", verifier->origin);
	buf_addf(out, "  rows         %" PRIu64 " of %" PRIu64 " shown", verifier->rows,
		 verifier->range.size);
	if (verifier->erased)
		buf_addf(out, ", %" PRIu64 " with values erased", verifier->erased);
	buf_addf(out, "\n  checkpoint   %s, by %s+%08x\n", verifier->time, verifier->signer->name,
		 verifier->signer->id);
	if (verifier->older_count)
		buf_addf(out, "  older        %zu checkpoint%s of the same trail\n",
			 verifier->older_count, verifier->older_count == 1 ? "" : "s");
	if (verifier->wanted_id)
		buf_addf(out, "  row          %s is leaf %" PRIu64 "\n", verifier->wanted_id,
			 verifier->wanted_proof.index);
	if (verifier->outside)
		buf_addf(out,
			 "  not proven   %" PRIu64 " rows that the control plane wrote itself\n",
			 verifier->outside);
}

static int print_outcome(const struct verifying *verifying)
{
	struct buf text;

	buf_init(&text, 65536);
	if (verifying->as_json)
		add_json(&text, &verifying->verifier);
	else
		add_text(&text, &verifying->verifier);
	output_write(stdout, buf_str(&text));
	buf_done(&text);
	return EXIT_GOOD;
}

static void print_failure(const struct verifying *verifying)
{
	struct buf text;

	buf_init(&text, 8192);
	buf_add_text(&text, "{\"holds\":false");
	json_add_member(&text, "file", str_of(verifying->file));
	if (verifying->line)
		add_number(&text, "line", verifying->line);
	json_add_member(&text, "reason", str_of(verifying->why.text));
	buf_add_text(&text, "}\n");
	output_write(stdout, buf_str(&text));
	buf_done(&text);
}

static int fail(const struct verifying *verifying, int rc)
{
	if (rc == -ENOMEM)
		return command_fault(EXIT_FAILED, "there is not enough memory");
	if (verifying->as_json)
		print_failure(verifying);
	if (verifying->line)
		return command_fault(EXIT_FAILED, "%s, line %" PRIu64 ": %s", verifying->file,
				     verifying->line, verifying->why.text);
	return command_fault(EXIT_FAILED, "%s: %s", verifying->file, verifying->why.text);
}

/* ---- files --------------------------------------------------------------------------------- */

static int fail_to_read(const char *name, int rc)
{
	return command_fault(EXIT_UNREACHABLE, "cannot read %s: %s", name, errno_text(rc));
}

static FILE *open_file(const char *name)
{
	return strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
}

static void close_file(FILE *file)
{
	if (file != stdin)
		fclose(file);
}

/* Reads a whole small file. Returns an exit code. */
static int read_small(const char *name, struct buf *out)
{
	FILE *file = open_file(name);
	char piece[4096];
	size_t n;
	int code = EXIT_GOOD;

	if (!file)
		return fail_to_read(name, -errno);
	while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(out, piece, n);
	if (ferror(file))
		code = fail_to_read(name, -EIO);
	else if (out->err)
		code = command_fault(EXIT_FAILED, "%s is too large to be a key or a checkpoint",
				     name);
	close_file(file);
	return code;
}

static int add_keys(struct verifying *verifying, const char *name)
{
	struct str rest;
	struct buf text;
	int code;

	buf_init(&text, 65536);
	code = read_small(name, &text);
	rest = buf_str(&text);
	while (code == EXIT_GOOD && rest.at) {
		struct str line = str_trim(str_cut(&rest, '\n'));

		if (line.len == 0)
			continue;
		if (verifying->key_count == MAX_KEYS)
			code = command_fault(EXIT_USAGE, "at most %d keys can be given", MAX_KEYS);
		else if (note_key_read(line, &verifying->keys[verifying->key_count++],
				       &verifying->why) < 0)
			code = command_fault(EXIT_USAGE, "%s: %s", name, verifying->why.text);
	}
	buf_done(&text);
	return code;
}

static int add_older(struct verifying *verifying, size_t i)
{
	struct buf *note = &verifying->notes[i];
	int code;
	int rc;

	buf_init(note, NOTE_MAX_BYTES);
	code = read_small(verifying->older[i], note);
	if (code != EXIT_GOOD)
		return code;
	verifying->file = verifying->older[i];
	rc = verifier_add_older(&verifying->verifier, buf_str(note), &verifying->why);
	return rc < 0 ? fail(verifying, rc) : EXIT_GOOD;
}

/* ---- exports ------------------------------------------------------------------------------- */

static int take_line(struct verifying *verifying, struct buf *line)
{
	int rc = line->err;

	verifying->line++;
	if (rc == -E2BIG)
		rc = reason_set(&verifying->why, -EINVAL, "line",
				"the line is longer than any line of an export");
	else if (rc == 0)
		rc = verifier_line(&verifying->verifier, buf_str(line), &verifying->why);
	buf_reset(line);
	return rc;
}

/* Adds the bytes to the line, and takes each line that ends among them. */
static int take_piece(struct verifying *verifying, struct buf *line, struct str piece)
{
	int rc = 0;

	while (rc == 0 && piece.at) {
		struct str part = str_cut(&piece, '\n');

		buf_add_str(line, part);
		if (piece.at || line->err)
			rc = take_line(verifying, line);
	}
	return rc;
}

/* An interrupted file may end within a line; the next one continues after the line before it. */
static int take_rest(struct verifying *verifying, struct buf *line, bool is_last)
{
	return line->len > 0 && is_last ? take_line(verifying, line) : 0;
}

static int verify_file(struct verifying *verifying, const char *name, bool is_last)
{
	static char piece[PIECE];
	FILE *file = open_file(name);
	struct buf line;
	size_t n;
	int rc = 0;

	if (!file)
		return fail_to_read(name, -errno);
	verifying->file = name;
	verifying->line = 0;
	buf_init(&line, VERIFIER_MAX_LINE);
	while (rc == 0 && (n = fread(piece, 1, sizeof(piece), file)) > 0)
		rc = take_piece(verifying, &line, (struct str){ .at = piece, .len = n });
	if (rc == 0 && ferror(file)) {
		close_file(file);
		buf_done(&line);
		return fail_to_read(name, -EIO);
	}
	if (rc == 0)
		rc = take_rest(verifying, &line, is_last);
	close_file(file);
	buf_done(&line);
	return rc < 0 ? fail(verifying, rc) : EXIT_GOOD;
}

static int verify(struct verifying *verifying, char **files)
{
	int code = EXIT_GOOD;

	verifying->verifier.keys = verifying->keys;
	verifying->verifier.key_count = verifying->key_count;
	for (size_t i = 0; i < verifying->older_count && code == EXIT_GOOD; i++)
		code = add_older(verifying, i);
	for (; *files && code == EXIT_GOOD; files++)
		code = verify_file(verifying, *files, !files[1]);
	if (code != EXIT_GOOD)
		return code;
	verifying->line = 0;
	if (verifier_end(&verifying->verifier, &verifying->why) < 0)
		return fail(verifying, -EBADMSG);
	return print_outcome(verifying);
}

/* ---- flags --------------------------------------------------------------------------------- */

static int read_flags(struct verifying *verifying, int argc, char **argv)
{
	static const struct option options[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "checkpoint", required_argument, NULL, 'c' },
		{ "row", required_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int code = EXIT_GOOD;
	int flag;

	while (code == EXIT_GOOD && (flag = command_flag(argc, argv, options)) != -1) {
		if (flag == 'k')
			code = add_keys(verifying, optarg);
		else if (flag == 'c' && verifying->older_count == VERIFIER_MAX_OLD)
			code = command_fault(EXIT_USAGE, "%s: at most %d checkpoints can be given",
					     argv[0], VERIFIER_MAX_OLD);
		else if (flag == 'c')
			verifying->older[verifying->older_count++] = optarg;
		else if (flag == 'r')
			verifying->verifier.wanted_id = optarg;
		else if (flag == 'j')
			verifying->as_json = true;
		else
			code = EXIT_USAGE;
	}
	if (code != EXIT_GOOD)
		return code;
	if (verifying->key_count == 0)
		return command_fault(EXIT_USAGE, "%s: --key FILE is missing, the keys to trust",
				     argv[0]);
	if (optind == argc)
		return command_fault(EXIT_USAGE, "%s: FILE is missing, the export to verify",
				     argv[0]);
	return EXIT_GOOD;
}

static int run(int argc, char **argv)
{
	struct verifying *verifying = calloc(1, sizeof(*verifying));
	int code;

	if (!verifying)
		return command_fault(EXIT_FAILED, "there is not enough memory");
	code = read_flags(verifying, argc, argv);
	if (code == EXIT_GOOD)
		code = verify(verifying, argv + optind);
	for (size_t i = 0; i < verifying->older_count; i++)
		buf_done(&verifying->notes[i]);
	free(verifying);
	return code;
}

const struct command audit_verify_action = {
	.name = "verify",
	.summary = "verify an export without the service",
	.usage = usage,
	.run = run,
};
