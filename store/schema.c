/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The SQL files of store/schema/, embedded into the program, so that the binary alone can
 * set up a database. The assembler reads them when this file is compiled, from the repository's
 * root.
 */
#include "store/schema.h"

/* A NUL-terminated text with the content of the file. */
#define EMBED(symbol, path)                                                                        \
	__asm__(".pushsection .rodata\n" #symbol ":\n.incbin \"" path "\"\n.byte 0\n.popsection"); \
	extern const char symbol[] __attribute__((visibility("hidden")))

EMBED(schema_001_sqlite, "store/schema/001_tables.sqlite.sql");
EMBED(schema_001_postgres, "store/schema/001_tables.postgres.sql");
EMBED(schema_002_sqlite, "store/schema/002_engine.sqlite.sql");
EMBED(schema_002_postgres, "store/schema/002_engine.postgres.sql");
EMBED(schema_003_sqlite, "store/schema/003_fewer_indexes.sqlite.sql");
EMBED(schema_003_postgres, "store/schema/003_fewer_indexes.postgres.sql");
EMBED(schema_004_sqlite, "store/schema/004_ledger_lease.sqlite.sql");
EMBED(schema_004_postgres, "store/schema/004_ledger_lease.postgres.sql");
EMBED(schema_005_sqlite, "store/schema/005_facts.sqlite.sql");
EMBED(schema_005_postgres, "store/schema/005_facts.postgres.sql");
EMBED(schema_006_sqlite, "store/schema/006_activity.sqlite.sql");
EMBED(schema_006_postgres, "store/schema/006_activity.postgres.sql");
EMBED(schema_007_sqlite, "store/schema/007_channel_filters.sqlite.sql");
EMBED(schema_007_postgres, "store/schema/007_channel_filters.postgres.sql");
EMBED(schema_008_sqlite, "store/schema/008_snapshots.sqlite.sql");
EMBED(schema_008_postgres, "store/schema/008_snapshots.postgres.sql");
EMBED(schema_009_sqlite, "store/schema/009_plain_hosts.sqlite.sql");
EMBED(schema_009_postgres, "store/schema/009_plain_hosts.postgres.sql");
EMBED(schema_010_sqlite, "store/schema/010_accepted.sqlite.sql");
EMBED(schema_010_postgres, "store/schema/010_accepted.postgres.sql");
EMBED(schema_011_sqlite, "store/schema/011_lean_deliveries.sqlite.sql");
EMBED(schema_011_postgres, "store/schema/011_lean_deliveries.postgres.sql");
EMBED(schema_012_sqlite, "store/schema/012_audit_trees.sqlite.sql");
EMBED(schema_012_postgres, "store/schema/012_audit_trees.postgres.sql");
EMBED(schema_013_sqlite, "store/schema/013_channel_options.sqlite.sql");
EMBED(schema_013_postgres, "store/schema/013_channel_options.postgres.sql");
EMBED(schema_014_sqlite, "store/schema/014_fallbacks.sqlite.sql");
EMBED(schema_014_postgres, "store/schema/014_fallbacks.postgres.sql");
EMBED(schema_015_sqlite, "store/schema/015_expectations.sqlite.sql");
EMBED(schema_015_postgres, "store/schema/015_expectations.postgres.sql");
EMBED(schema_016_sqlite, "store/schema/016_lean_pending.sqlite.sql");
EMBED(schema_016_postgres, "store/schema/016_lean_pending.postgres.sql");
EMBED(schema_017_sqlite, "store/schema/017_living_messages.sqlite.sql");
EMBED(schema_017_postgres, "store/schema/017_living_messages.postgres.sql");
EMBED(schema_018_sqlite, "store/schema/018_quiet_hours.sqlite.sql");
EMBED(schema_018_postgres, "store/schema/018_quiet_hours.postgres.sql");
EMBED(schema_019_sqlite, "store/schema/019_asked_again.sqlite.sql");
EMBED(schema_019_postgres, "store/schema/019_asked_again.postgres.sql");
EMBED(schema_020_sqlite, "store/schema/020_lean_holds.sqlite.sql");
EMBED(schema_020_postgres, "store/schema/020_lean_holds.postgres.sql");
EMBED(schema_021_sqlite, "store/schema/021_audit_keeping.sqlite.sql");
EMBED(schema_021_postgres, "store/schema/021_audit_keeping.postgres.sql");
EMBED(schema_022_sqlite, "store/schema/022_lease_owners.sqlite.sql");
EMBED(schema_022_postgres, "store/schema/022_lease_owners.postgres.sql");
EMBED(schema_023_sqlite, "store/schema/023_audit_published.sqlite.sql");
EMBED(schema_023_postgres, "store/schema/023_audit_published.postgres.sql");
EMBED(schema_024_sqlite, "store/schema/024_audit_leaf_rows.sqlite.sql");
EMBED(schema_024_postgres, "store/schema/024_audit_leaf_rows.postgres.sql");

__asm__(".globl schema_needed");
EMBED(schema_needed, "store/schema/needed.postgres.sql");
__asm__(".globl schema_grants");
EMBED(schema_grants, "store/schema/grants.postgres.sql");

const struct schema_step schema_steps[] = {
	{ .sqlite = schema_001_sqlite, .postgres = schema_001_postgres },
	{ .sqlite = schema_002_sqlite, .postgres = schema_002_postgres },
	{ .sqlite = schema_003_sqlite, .postgres = schema_003_postgres },
	{ .sqlite = schema_004_sqlite, .postgres = schema_004_postgres },
	{ .sqlite = schema_005_sqlite, .postgres = schema_005_postgres },
	{ .sqlite = schema_006_sqlite, .postgres = schema_006_postgres },
	{ .sqlite = schema_007_sqlite, .postgres = schema_007_postgres },
	{ .sqlite = schema_008_sqlite, .postgres = schema_008_postgres },
	{ .sqlite = schema_009_sqlite, .postgres = schema_009_postgres },
	{ .sqlite = schema_010_sqlite, .postgres = schema_010_postgres },
	{ .sqlite = schema_011_sqlite, .postgres = schema_011_postgres },
	{ .sqlite = schema_012_sqlite, .postgres = schema_012_postgres },
	{ .sqlite = schema_013_sqlite, .postgres = schema_013_postgres },
	{ .sqlite = schema_014_sqlite, .postgres = schema_014_postgres },
	{ .sqlite = schema_015_sqlite, .postgres = schema_015_postgres },
	{ .sqlite = schema_016_sqlite, .postgres = schema_016_postgres },
	{ .sqlite = schema_017_sqlite, .postgres = schema_017_postgres },
	{ .sqlite = schema_018_sqlite, .postgres = schema_018_postgres },
	{ .sqlite = schema_019_sqlite, .postgres = schema_019_postgres },
	{ .sqlite = schema_020_sqlite, .postgres = schema_020_postgres },
	{ .sqlite = schema_021_sqlite, .postgres = schema_021_postgres },
	{ .sqlite = schema_022_sqlite, .postgres = schema_022_postgres },
	{ .sqlite = schema_023_sqlite, .postgres = schema_023_postgres },
	{ .sqlite = schema_024_sqlite, .postgres = schema_024_postgres },
};
const size_t schema_step_count = sizeof(schema_steps) / sizeof(schema_steps[0]);
