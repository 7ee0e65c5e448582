-- The Merkle trees over the audit trail, a tree for each team: docs/notes/audit-proof.md.
CREATE TABLE audit_trees (
	tree INTEGER PRIMARY KEY NOT NULL,
	team_id TEXT NOT NULL UNIQUE,
	size INTEGER NOT NULL DEFAULT 0,
	-- The hashes of the maximal full subtrees, the largest first.
	frontier BLOB NOT NULL DEFAULT x'',
	-- The first leaf that is kept.
	first INTEGER NOT NULL DEFAULT 0,
	-- Rows that were left to the control plane.
	outside INTEGER NOT NULL DEFAULT 0,
	-- The last checkpoint.
	checkpoint_size INTEGER NOT NULL DEFAULT 0,
	checkpoint_at TEXT
) STRICT;
CREATE TABLE audit_leaves (
	tree INTEGER NOT NULL,
	idx INTEGER NOT NULL,
	audit_id TEXT NOT NULL,
	hash BLOB NOT NULL,
	PRIMARY KEY (tree, idx)
) STRICT, WITHOUT ROWID;
-- Tile n is the root of the leaves from 256 n on, 256 of them.
CREATE TABLE audit_tiles (
	tree INTEGER NOT NULL,
	n INTEGER NOT NULL,
	hash BLOB NOT NULL,
	PRIMARY KEY (tree, n)
) STRICT, WITHOUT ROWID;
-- Rows of the trail that become leaves soon.
CREATE TABLE audit_waiting (
	noted_at TEXT NOT NULL,
	audit_id TEXT NOT NULL,
	PRIMARY KEY (noted_at, audit_id)
) STRICT, WITHOUT ROWID;
-- The subject '' is the team itself.
CREATE TABLE audit_salts (
	team_id TEXT NOT NULL,
	subject TEXT NOT NULL,
	key BLOB NOT NULL,
	PRIMARY KEY (team_id, subject)
) STRICT, WITHOUT ROWID;
-- What stands for a value that was erased.
CREATE TABLE audit_erased (
	tree INTEGER NOT NULL,
	idx INTEGER NOT NULL,
	field TEXT NOT NULL,
	commitment BLOB NOT NULL,
	PRIMARY KEY (tree, idx, field)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit_checkpoints (
	tree INTEGER NOT NULL,
	size INTEGER NOT NULL,
	root BLOB NOT NULL,
	at TEXT NOT NULL,
	key_id TEXT NOT NULL,
	note TEXT NOT NULL,
	PRIMARY KEY (tree, size)
) STRICT, WITHOUT ROWID;
-- Keys that have signed, in the form of C2SP: name+id+key.
CREATE TABLE audit_keys (
	vkey TEXT PRIMARY KEY NOT NULL,
	first_used_at TEXT NOT NULL,
	last_used_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
