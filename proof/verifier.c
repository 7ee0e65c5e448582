/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A file is a header, rows and skips in the order of the leaves, and checkpoints, of which the last
 * ends it. A skip is the cover of leaves that are not shown. So a file without the rows before
 * index n starts with the cover of [0, n), and the previous file must end with that cover.
 */
#include "proof/verifier.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "core/json.h"
#include "proof/shown_row.h"

#define FORMAT "wrenn-audit/1"

/* ---- reading ------------------------------------------------------------------------------- */

static int refuse(struct reason *why, const char *what)
{
	return reason_set(why, -EINVAL, "line", "%s", what);
}

/* Accepts only exact whole numbers: untrusted JSON may have a fraction, or more digits than a
 * double. */
static bool read_size(const cJSON *value, uint64_t *out)
{
	if (!cJSON_IsNumber(value) || !(value->valuedouble >= 0) ||
	    value->valuedouble > 9007199254740992.0)
		return false;
	*out = (uint64_t)value->valuedouble;
	return (double)*out == value->valuedouble;
}

static bool keep_text(const char *text, char *out, size_t size)
{
	return text && text[0] != '\0' && snprintf(out, size, "%s", text) < (int)size;
}

/* ---- checkpoints --------------------------------------------------------------------------- */

/* The key must have the installation's name, so that another installation's key cannot sign for
 * it. */
static bool is_of(const struct note_key *key, const char *team_id, struct str origin)
{
	char expected[VERIFIER_MAX_ORIGIN + 1];

	snprintf(expected, sizeof(expected), "%s/audit/%s", key->name, team_id);
	return str_is(origin, expected);
}

static int open_checkpoint(const struct verifier *verifier, struct str note, struct checkpoint *out,
			   const struct note_key **by, struct reason *why)
{
	struct str text;
	int rc = note_open(note, verifier->keys, verifier->key_count, &text, by, why);

	return rc < 0 ? rc : checkpoint_read(text, out, why);
}

int verifier_add_older(struct verifier *verifier, struct str note, struct reason *why)
{
	struct older_checkpoint *older = &verifier->older[verifier->older_count];
	const struct note_key *by = NULL;
	int rc;

	if (verifier->older_count == VERIFIER_MAX_OLD)
		return reason_set(why, -EINVAL, "checkpoint", "at most %d checkpoints can be given",
				  VERIFIER_MAX_OLD);
	rc = open_checkpoint(verifier, note, &older->is, &by, why);
	if (rc < 0)
		return rc;
	older->is_compared = older->is.size == 0;
	verifier->older_count++;
	return 0;
}

/* Whenever the range has the size of an older checkpoint, it must have its root. Rows that a file
 * repeats prove nothing until all are repeated: another header may follow and drop them. */
static int compare_older(struct verifier *verifier, struct reason *why)
{
	struct merkle_hash root;

	for (size_t i = 0; i < verifier->older_count; i++) {
		struct older_checkpoint *older = &verifier->older[i];

		if (older->is.size != verifier->range.size)
			continue;
		merkle_root(&verifier->range, &root);
		if (!merkle_eq(&root, &older->is.root))
			return reason_set(why, -EBADMSG, "checkpoint",
					  "the first %" PRIu64 " rows are not those of the older "
					  "checkpoint of that size: the trail was changed after it "
					  "was signed",
					  older->is.size);
		older->is_compared = true;
	}
	return 0;
}

static int check_origins(const struct verifier *verifier, struct reason *why)
{
	for (size_t i = 0; i < verifier->older_count; i++) {
		if (!str_is(verifier->older[i].is.origin, verifier->origin))
			return reason_set(
				why, -EBADMSG, "checkpoint",
				"the older checkpoint is from %.*s, but the export is from %s",
				STR_ARGS(verifier->older[i].is.origin), verifier->origin);
	}
	return 0;
}

static int check_root(struct verifier *verifier, const struct checkpoint *checkpoint,
		      struct reason *why)
{
	struct merkle_hash root;

	if (checkpoint->size != verifier->range.size)
		return reason_set(why, -EBADMSG, "checkpoint",
				  "the checkpoint is for %" PRIu64
				  " rows, but the export has %" PRIu64 " so far",
				  checkpoint->size, verifier->range.size);
	merkle_root(&verifier->range, &root);
	if (!merkle_eq(&root, &checkpoint->root))
		return reason_set(why, -EBADMSG, "checkpoint",
				  "a row from %" PRIu64 " on was changed, removed or inserted with "
				  "its hash: the rows do not give the root of the checkpoint of "
				  "%" PRIu64 " rows",
				  verifier->proven, checkpoint->size);
	verifier->root = root;
	return 0;
}

static int read_checkpoint(struct verifier *verifier, const cJSON *line, struct reason *why)
{
	const char *note = json_get_string(line, "note");
	struct checkpoint checkpoint;
	const struct note_key *by = NULL;
	int rc;

	if (!note)
		return refuse(why, "the checkpoint has no note");
	if (verifier->is_repeating)
		return refuse(why, "the file ends before the one before it did");
	rc = open_checkpoint(verifier, str_of(note), &checkpoint, &by, why);
	if (rc < 0)
		return rc == -ENOKEY ? -EBADMSG : rc;
	if (!str_is(checkpoint.origin, verifier->origin) ||
	    !is_of(by, verifier->team_id, checkpoint.origin))
		return reason_set(why, -EBADMSG, "checkpoint",
				  "the checkpoint belongs to another trail, %.*s",
				  STR_ARGS(checkpoint.origin));
	rc = check_root(verifier, &checkpoint, why);
	if (rc < 0)
		return rc;
	verifier->has_checkpoint = true;
	verifier->proven = checkpoint.size;
	verifier->outside = checkpoint.outside;
	verifier->signer = by;
	snprintf(verifier->time, sizeof(verifier->time), "%.*s", STR_ARGS(checkpoint.time));
	return 0;
}

/* ---- rows ---------------------------------------------------------------------------------- */

/* To be called after each step of the range. */
static int check_range(struct verifier *verifier, struct reason *why)
{
	if (verifier->is_repeating && verifier->range.size >= verifier->before.size) {
		struct merkle_hash root;
		struct merkle_hash before;

		merkle_root(&verifier->range, &root);
		merkle_root(&verifier->before, &before);
		if (verifier->range.size != verifier->before.size || !merkle_eq(&root, &before))
			return reason_set(why, -EBADMSG, "skip",
					  "the file does not follow the one before it, which ends "
					  "with %" PRIu64 " rows",
					  verifier->before.size);
		verifier->is_repeating = false;
		verifier->range.proof = verifier->before.proof;
	}
	return verifier->is_repeating ? 0 : compare_older(verifier, why);
}

static int read_place(const struct verifier *verifier, const cJSON *line, const char *member,
		      struct reason *why)
{
	uint64_t at;

	if (!read_size(json_get(line, member), &at))
		return reason_set(why, -EINVAL, "line", "the line has no whole number in \"%s\"",
				  member);
	if (at != verifier->range.size)
		return reason_set(why, -EBADMSG, "line",
				  "expected row %" PRIu64 ", but the line is row %" PRIu64,
				  verifier->range.size, at);
	if (at >= verifier->announced)
		return reason_set(why, -EBADMSG, "line",
				  "the header announces %" PRIu64 " rows, but more follow",
				  verifier->announced);
	return 0;
}

static int fail_row(const struct verifier *verifier, const char *id, int rc, struct reason *why)
{
	struct reason cause = *why;

	if (rc == -ENOMEM)
		return rc;
	return reason_set(why, -EBADMSG, "row", "row %" PRIu64 "%s%s%s does not hold: %s",
			  verifier->range.size, id ? " (" : "", id ? id : "", id ? ")" : "",
			  cause.text);
}

static int read_row(struct verifier *verifier, cJSON *line, struct reason *why)
{
	const char *id = json_get_string(json_get(line, "row"), "id");
	struct shown_row row;
	int rc = read_place(verifier, line, "index", why);

	if (rc < 0)
		return rc;
	if (verifier->is_repeating)
		return refuse(why, "the file shows rows again that the one before it has");
	rc = shown_row_read(line, str_of(verifier->team_id), &row, why);
	if (rc == 0 && !merkle_eq(&row.hash, &row.stored))
		rc = reason_set(why, -EBADMSG, "row", "its values do not give its hash");
	if (rc < 0)
		return fail_row(verifier, id, rc, why);
	if (verifier->wanted_id && strcmp(row.id, verifier->wanted_id) == 0) {
		verifier->has_wanted = true;
		verifier->wanted_hash = row.hash;
		merkle_watch_next(&verifier->range, &verifier->wanted_proof);
	}
	merkle_append(&verifier->range, &row.hash);
	verifier->rows++;
	verifier->erased += row.is_erased;
	return check_range(verifier, why);
}

static int read_missing(struct verifier *verifier, const cJSON *line, struct reason *why)
{
	int rc = read_place(verifier, line, "index", why);

	if (rc < 0)
		return rc;
	reason_set(why, 0, "row", "it is gone from the store, or was changed and is left out");
	return fail_row(verifier, json_get_string(line, "id"), -EBADMSG, why);
}

static int add_subtree(struct verifier *verifier, const cJSON *item, uint64_t to,
		       struct reason *why)
{
	unsigned level = merkle_subtree_level(verifier->range.size, to);
	struct merkle_hash root;
	int rc;

	if (!shown_hash_read(item, &root))
		return refuse(why, "a hash of the skip is not 64 hexadecimal digits");
	rc = merkle_append_subtree(&verifier->range, level, &root);
	if (rc < 0)
		return refuse(why, "the skip is longer than any tree");
	return check_range(verifier, why);
}

/* Without a filter a file leaves out only rows that earlier files have, and rows that were dropped
 * before the first one. */
static bool may_skip(const struct verifier *verifier, uint64_t to)
{
	return verifier->is_filtered || verifier->rows == 0 ||
	       (verifier->is_repeating && to <= verifier->before.size);
}

static int read_skip(struct verifier *verifier, const cJSON *line, struct reason *why)
{
	const cJSON *hashes = json_get(line, "hashes");
	const cJSON *item = cJSON_IsArray(hashes) ? hashes->child : NULL;
	bool was_repeating = verifier->is_repeating;
	uint64_t from = verifier->range.size;
	uint64_t to;
	int rc = read_place(verifier, line, "from", why);

	if (rc < 0)
		return rc;
	if (!read_size(json_get(line, "to"), &to) || to <= from || to > verifier->announced)
		return refuse(why, "the skip ends where it cannot");
	if (!may_skip(verifier, to))
		return reason_set(why, -EBADMSG, "skip",
				  "rows %" PRIu64 " to %" PRIu64
				  " are left out, and the export has no filter",
				  from, to - 1);
	for (; item && rc == 0 && verifier->range.size < to; item = item->next)
		rc = add_subtree(verifier, item, to, why);
	if (rc == 0 && (item || verifier->range.size != to))
		rc = refuse(why, "the skip has too many hashes, or too few");
	if (!was_repeating)
		verifier->skipped += to - from;
	return rc;
}

/* ---- files --------------------------------------------------------------------------------- */

static int check_follows(const struct verifier *verifier, const char *team_id, const char *origin,
			 struct reason *why)
{
	if (verifier->team_id[0] == '\0' ||
	    (strcmp(verifier->team_id, team_id) == 0 && strcmp(verifier->origin, origin) == 0))
		return 0;
	return reason_set(why, -EBADMSG, "header",
			  "the file is from %s, but the one before it is from %s", origin,
			  verifier->origin);
}

static int read_header(struct verifier *verifier, const cJSON *line, struct reason *why)
{
	const char *format = json_get_string(line, "format");
	const char *team_id = json_get_string(line, "team_id");
	const char *origin = json_get_string(line, "origin");
	int rc;

	if (!format || strcmp(format, FORMAT) != 0)
		return refuse(why, "the file is not of the format " FORMAT);
	if (!team_id || !origin || !read_size(json_get(line, "size"), &verifier->announced))
		return refuse(why, "the header lacks team_id, origin or size");
	rc = check_follows(verifier, team_id, origin, why);
	if (rc < 0)
		return rc;
	if (!keep_text(team_id, verifier->team_id, sizeof(verifier->team_id)) ||
	    !keep_text(origin, verifier->origin, sizeof(verifier->origin)))
		return refuse(why, "team_id or origin of the header is empty or too long");
	verifier->is_filtered = cJSON_GetArraySize(json_get(line, "filters")) > 0;
	/* If a file broke off while it repeated rows, the next file repeats them. */
	if (!verifier->is_repeating)
		verifier->before = verifier->range;
	verifier->is_repeating = verifier->before.size > 0;
	merkle_init(&verifier->range);
	return check_origins(verifier, why);
}

static int read_line(struct verifier *verifier, cJSON *line, struct reason *why)
{
	const char *type = json_get_string(line, "type");

	if (!type)
		return refuse(why, "the line is no line of an export: it has no \"type\"");
	if (strcmp(type, "header") == 0)
		return read_header(verifier, line, why);
	if (verifier->team_id[0] == '\0')
		return refuse(why, "the file does not start with the header of an export");
	if (strcmp(type, "row") == 0)
		return read_row(verifier, line, why);
	if (strcmp(type, "missing") == 0)
		return read_missing(verifier, line, why);
	if (strcmp(type, "skip") == 0)
		return read_skip(verifier, line, why);
	if (strcmp(type, "checkpoint") == 0)
		return read_checkpoint(verifier, line, why);
	return refuse(why, "the line has a type that this version does not know");
}

int verifier_line(struct verifier *verifier, struct str line, struct reason *why)
{
	cJSON *json = NULL;
	int rc = json_parse(line, VERIFIER_MAX_LINE, &json, why);

	if (rc == -E2BIG)
		return refuse(why, "the line is longer than any line of an export");
	if (rc < 0)
		return rc;
	rc = read_line(verifier, json, why);
	cJSON_Delete(json);
	return rc;
}

int verifier_end(const struct verifier *verifier, struct reason *why)
{
	if (!verifier->has_checkpoint || verifier->is_repeating ||
	    verifier->proven != verifier->range.size || verifier->range.size != verifier->announced)
		return reason_set(why, -EBADMSG, "checkpoint",
				  "the export is incomplete: it ends after %" PRIu64
				  " rows without a checkpoint",
				  verifier->range.size);
	for (size_t i = 0; i < verifier->older_count; i++) {
		uint64_t size = verifier->older[i].is.size;

		if (size > verifier->range.size)
			return reason_set(why, -EBADMSG, "checkpoint",
					  "the trail was cut off: an older checkpoint has %" PRIu64
					  " rows, and this one %" PRIu64,
					  size, verifier->range.size);
		if (verifier->older[i].is.outside > verifier->outside)
			return reason_set(why, -EBADMSG, "checkpoint",
					  "an older checkpoint counts %" PRIu64
					  " rows outside the tree, and this one %" PRIu64
					  ": that count only grows",
					  verifier->older[i].is.outside, verifier->outside);
		if (!verifier->older[i].is_compared)
			return reason_set(why, -EBADMSG, "checkpoint",
					  "the older checkpoint of %" PRIu64
					  " rows cannot be compared: the export skips over that "
					  "row count; export without filters",
					  size);
	}
	if (verifier->wanted_id && !verifier->has_wanted)
		return reason_set(why, -EBADMSG, "row", "the export does not contain row %s",
				  verifier->wanted_id);
	return 0;
}
