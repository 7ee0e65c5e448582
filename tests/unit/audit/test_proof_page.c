/* SPDX-License-Identifier: Apache-2.0 */

/* A verifiable export, read page by page from a store, against the verifier. */
#include <errno.h>
#include <stdlib.h>

#include "audit/proof_page.h"
#include "core/id.h"
#include "core/json.h"
#include "proof/verifier.h"
#include "rows_fixture.h"
#include "tests/support/heap.h"

#define ROWS   300 /* more than a tile, and more than one read */
#define ERASED 3   /* the row whose error was erased */
#define TREE   1   /* the first of a store */
#define ANNA   "usr-0000000000000000000000001"
#define ORIGIN "wrenn.example/audit/"

static const uint8_t private_key[NOTE_KEY_SIZE] = { 1, 2, 3 };

static struct audit_entry entry_of(unsigned n)
{
	struct audit_entry entry = entry_at(n + 1, BASE_US + n);

	entry.action = n % 3 ? STR("pause") : STR("create");
	if (n % 2) {
		entry.actor_type = STR("user");
		entry.actor_id = STR(ANNA);
		entry.actor_name = STR("Anna");
	}
	if (n == ERASED || n == ERASED + 2)
		entry.metadata = STR("{\"error\":\"no room\",\"template\":\"t\"}");
	return entry;
}

/* ---- a tree in the store ------------------------------------------------------------------- */

struct filling {
	struct store_job job;
	struct merkle_range range;
};

static const struct hmac_key *find_key(void *owner, struct str subject)
{
	static struct hmac_key key;
	uint8_t bytes[LEAF_KEY_SIZE];

	(void)owner;
	crypto_sha256(subject, bytes);
	crypto_hmac_key((struct str){ (char *)bytes, sizeof(bytes) }, &key);
	return &key;
}

static void hash_row(unsigned n, struct merkle_hash *out)
{
	struct audit_entry entry = entry_of(n);
	char team_text[ID_TEXT_SIZE];
	char id_text[ID_TEXT_SIZE];
	char time_text[RFC3339_TEXT_SIZE];
	cJSON *metadata = NULL;
	struct buf data;

	id_format(ID_TEAM, &team, team_text);
	id_format(ID_AUDIT, &entry.id, id_text);
	rfc3339_format(entry.created_us, 6, time_text);
	cr_assert_eq(json_parse(entry.metadata, 1024, &metadata, NULL), 0);

	const struct leaf_row row = { .team_id = str_of(team_text),
				      .id = str_of(id_text),
				      .created_at = str_of(time_text),
				      .actor_type = entry.actor_type,
				      .actor_id = entry.actor_id,
				      .actor_name = entry.actor_name,
				      .resource_type = entry.resource_type,
				      .resource_id = entry.resource_id,
				      .action = entry.action,
				      .scope = entry.scope,
				      .status = entry.status,
				      .metadata = metadata };

	buf_init(&data, LEAF_MAX_BYTES);
	cr_assert_eq(leaf_hash(&row, find_key, NULL, &data, out), 0);
	buf_done(&data);
	cJSON_Delete(metadata);
}

static struct db_value blob_of(const void *bytes)
{
	return db_blob((struct str){ .at = bytes, .len = SHA256_SIZE });
}

static const struct db_query add_tree = {
	.sql = "INSERT INTO audit_trees (team_id) VALUES ($1)",
};
static const struct db_query insert_leaf = {
	.sql = "INSERT INTO audit_leaves (tree, idx, audit_id, hash) VALUES ($1, $2, $3, $4)",
};
static const struct db_query insert_tile = {
	.sql = "INSERT INTO audit_tiles (tree, n, hash) VALUES ($1, $2, $3)",
};
static const struct db_query insert_salt = {
	.sql = "INSERT INTO audit_salts (team_id, subject, key) VALUES ($1, $2, $3)",
};
static const struct db_query insert_erased = {
	.sql = "INSERT INTO audit_erased (tree, idx, field, commitment) VALUES ($1, $2, $3, $4)",
};
static const struct db_query set_metadata = {
	.sql = "UPDATE audit_logs SET metadata = $1 WHERE id = $2",
};

static int run(struct db *db, const struct db_query *query, const struct db_value *values,
	       size_t count)
{
	return db_run_now(db, query, values, count, NULL, NULL, NULL);
}

static int add_leaf(struct db *db, struct filling *filling, unsigned n)
{
	const struct uuid id = small_id(n + 1);
	struct merkle_hash hash;
	int rc;

	hash_row(n, &hash);
	merkle_append(&filling->range, &hash);

	const struct db_value leaf[] = { db_int(TREE), db_int(n), db_uuid(&id), blob_of(&hash) };
	const struct db_value tile[] = { db_int(TREE), db_int(n / 256),
					 blob_of(&filling->range.hashes[0]) };

	rc = run(db, &insert_leaf, leaf, 4);
	if (rc == 0 && n == 255)
		rc = run(db, &insert_tile, tile, 3);
	return rc;
}

static int add_salt(struct db *db, struct str subject)
{
	uint8_t key[LEAF_KEY_SIZE];

	crypto_sha256(subject, key);

	const struct db_value values[] = { db_uuid(&team), db_text(subject), blob_of(key) };

	return run(db, &insert_salt, values, 3);
}

/* As forgetting does it: the commitment stays, the value goes. */
static int erase(struct db *db)
{
	const struct uuid id = small_id(ERASED + 1);
	char id_text[ID_TEXT_SIZE];
	uint8_t salt[LEAF_SALT_SIZE];
	uint8_t commitment[SHA256_SIZE];
	const struct leaf_field field = { .path = STR("metadata.error"), .text = STR("no room") };
	const struct db_value update[] = { db_json(STR("{\"template\":\"t\"}")), db_uuid(&id) };

	id_format(ID_AUDIT, &id, id_text);
	leaf_salt(find_key(NULL, STR(ANNA)), str_of(id_text), field.path, salt);
	cr_assert_eq(leaf_commit(salt, &field, commitment), 0);

	const struct db_value values[] = { db_int(TREE), db_int(ERASED), db_text(field.path),
					   blob_of(commitment) };
	int rc = run(db, &insert_erased, values, 4);

	return rc < 0 ? rc : run(db, &set_metadata, update, 2);
}

static int run_filling(struct db *db, struct store_job *job)
{
	struct filling *filling = container_of(job, struct filling, job);
	const struct db_value tree[] = { db_uuid(&team) };
	int rc = run(db, &add_tree, tree, 1);

	merkle_init(&filling->range);
	for (unsigned n = 0; n < ROWS && rc == 0; n++)
		rc = add_leaf(db, filling, n);
	if (rc == 0)
		rc = add_salt(db, STR(""));
	if (rc == 0)
		rc = add_salt(db, STR(ANNA));
	return rc < 0 ? rc : erase(db);
}

static struct database make_filled(enum database_engine engine, struct merkle_range *out)
{
	struct database database = database_make(engine);
	struct filling filling = { .job.run = run_filling };
	struct reason why = { .text = "" };
	struct audit_entry entries[ROWS];

	for (unsigned n = 0; n < ROWS; n++)
		entries[n] = entry_of(n);
	cr_assert_eq(insert_all(&database, entries, ROWS), 0);
	cr_assert_eq(store_run_blocking(database.url, &filling.job, &why), 0, "%s", why.text);
	*out = filling.range;
	return database;
}

/* ---- an export ----------------------------------------------------------------------------- */

struct reading {
	struct store_job job;
	struct page page;
	struct proof_page proof;
	struct buf text; /* all pages */
	struct buf note;
	struct note_key key;
};

/* A job may run more than once: only the last run counts. */
static int run_reading(struct db *db, struct store_job *job)
{
	struct reading *reading = container_of(job, struct reading, job);
	int rc = proof_page_read(db, &reading->proof);

	return rc < 0 ? rc : proof_page_read(db, &reading->proof);
}

static void sign(struct reading *reading, const struct merkle_range *range)
{
	struct checkpoint checkpoint = { .size = range->size };
	char team_text[ID_TEXT_SIZE];
	char origin[100];
	struct buf text;

	id_format(ID_TEAM, &team, team_text);
	snprintf(origin, sizeof(origin), ORIGIN "%s", team_text);
	checkpoint.origin = str_of(origin);
	merkle_root(range, &checkpoint.root);
	buf_init(&text, 1024);
	checkpoint_write(&text, &checkpoint);
	cr_assert_eq(note_key_of_private(&reading->key, STR("wrenn.example"), private_key, NULL),
		     0);
	note_sign(&reading->note, buf_str(&text), &reading->key, private_key);
	reading->proof.note = buf_text(&reading->note);
	reading->proof.origin = strndup(origin, sizeof(origin));
	buf_done(&text);
}

static void start(struct reading *reading, const struct merkle_range *range, const char *query)
{
	*reading = (struct reading){ .job.run = run_reading, .page.team = team };
	buf_init(&reading->text, 4ul * 1024 * 1024);
	buf_init(&reading->note, 4096);
	cr_assert_eq(page_query_parse(str_of(query), &reading->page.query, NULL), 0);
	reading->page.begin = "";
	page_init(&reading->page);
	sign(reading, range);
	reading->proof.page = &reading->page;
	reading->proof.tree = TREE;
	reading->proof.size = range->size;
}

static int read_all(struct reading *reading, const struct database *database)
{
	struct reason why = { .text = "" };
	int rc = proof_page_init(&reading->proof);

	do {
		if (rc == 0)
			rc = store_run_blocking(database->url, &reading->job, &why);
		buf_add_str(&reading->text, buf_str(&reading->page.json));
		proof_page_advance(&reading->proof);
	} while (rc == 0 && reading->page.has_more);
	return rc < 0 ? rc : reading->text.err;
}

static void end(struct reading *reading)
{
	proof_page_done(&reading->proof);
	page_done(&reading->page);
	buf_done(&reading->text);
	buf_done(&reading->note);
	free((char *)reading->proof.origin);
}

static void expect_holds(const struct reading *reading, uint64_t rows, uint64_t erased)
{
	struct verifier *verifier = calloc(1, sizeof(*verifier));
	struct str rest = buf_str(&reading->text);
	struct reason why = { .text = "" };
	int rc = 0;

	cr_assert(verifier);
	verifier->keys = &reading->key;
	verifier->key_count = 1;
	while (rc == 0 && rest.len > 0)
		rc = verifier_line(verifier, str_cut(&rest, '\n'), &why);
	if (rc == 0)
		rc = verifier_end(verifier, &why);
	cr_expect_eq(rc, 0, "%s", why.text);
	cr_expect_eq(verifier->rows, rows);
	cr_expect_eq(verifier->erased, erased);
	cr_expect_eq(verifier->range.size, ROWS);
	free(verifier);
}

static void expect_export(const struct database *database, const struct merkle_range *range,
			  const char *query, uint64_t from, uint64_t rows, uint64_t erased)
{
	struct reading reading;

	start(&reading, range, query);
	reading.proof.from = from;
	cr_assert_eq(read_all(&reading, database), 0, "%s from %d", query, (int)from);
	expect_holds(&reading, rows, erased);
	end(&reading);
}

Test(proof_page, holds_whole_filtered_and_from_any_row)
{
	ON_BOTH_ENGINES(engine)
	{
		struct merkle_range range;
		struct database database = make_filled(engine, &range);

		expect_export(&database, &range, "", 0, ROWS, 1);
		expect_export(&database, &range, "action=create", 0, ROWS / 3, 1);
		expect_export(&database, &range, "action=nothing", 0, 0, 0);
		expect_export(&database, &range, "", 100, ROWS - 100, 0);
		expect_export(&database, &range, "", 256, ROWS - 256, 0);
		expect_export(&database, &range, "action=pause", 258, 28, 0);
		expect_export(&database, &range, "", ROWS, 0, 0);
		expect_export(&database, &range, "", ROWS + 9, 0, 0);
	}
}

struct fault_case {
	struct database database;
	struct merkle_range range;
};

static void read_once(void *arg)
{
	const struct fault_case *fault = arg;
	struct reading reading;
	int rc;

	heap_spare(true);
	start(&reading, &fault->range, "action=create");
	reading.proof.from = ROWS - 3;
	heap_spare(false);
	rc = read_all(&reading, &fault->database);
	cr_expect(rc == 0 || rc == -ENOMEM, "%d", rc);
	heap_spare(true);
	if (rc == 0)
		expect_holds(&reading, 1, 0);
	end(&reading);
	heap_spare(false);
}

Test(fault, a_verifiable_export_is_whole_or_there_was_no_memory)
{
	struct fault_case fault;

	fault.database = make_filled(DATABASE_SQLITE, &fault.range);
	heap_fail_each(read_once, &fault);
}
