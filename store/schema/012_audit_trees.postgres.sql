-- The Merkle trees over the audit trail, a tree for each team: docs/notes/audit-proof.md.
CREATE TABLE wrenn_events.audit_trees (
	tree bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	team_id uuid NOT NULL UNIQUE,
	size bigint NOT NULL DEFAULT 0,
	-- The hashes of the maximal full subtrees, the largest first.
	frontier bytea NOT NULL DEFAULT '',
	-- The first leaf that is kept.
	first bigint NOT NULL DEFAULT 0,
	-- Rows that were left to the control plane.
	outside bigint NOT NULL DEFAULT 0,
	-- The last checkpoint.
	checkpoint_size bigint NOT NULL DEFAULT 0,
	checkpoint_at timestamptz
);
CREATE TABLE wrenn_events.audit_leaves (
	tree bigint NOT NULL,
	idx bigint NOT NULL,
	audit_id uuid NOT NULL,
	hash bytea NOT NULL,
	PRIMARY KEY (tree, idx)
);
-- Tile n is the root of the leaves from 256 n on, 256 of them.
CREATE TABLE wrenn_events.audit_tiles (
	tree bigint NOT NULL,
	n bigint NOT NULL,
	hash bytea NOT NULL,
	PRIMARY KEY (tree, n)
);
-- Rows of the trail that become leaves soon.
CREATE TABLE wrenn_events.audit_waiting (
	noted_at timestamptz NOT NULL,
	audit_id uuid NOT NULL,
	PRIMARY KEY (noted_at, audit_id)
);
-- The subject '' is the team itself.
CREATE TABLE wrenn_events.audit_salts (
	team_id uuid NOT NULL,
	subject text NOT NULL,
	key bytea NOT NULL,
	PRIMARY KEY (team_id, subject)
);
-- What stands for a value that was erased.
CREATE TABLE wrenn_events.audit_erased (
	tree bigint NOT NULL,
	idx bigint NOT NULL,
	field text NOT NULL,
	commitment bytea NOT NULL,
	PRIMARY KEY (tree, idx, field)
);
CREATE TABLE wrenn_events.audit_checkpoints (
	tree bigint NOT NULL,
	size bigint NOT NULL,
	root bytea NOT NULL,
	at timestamptz NOT NULL,
	key_id text NOT NULL,
	note text NOT NULL,
	PRIMARY KEY (tree, size)
);
-- Keys that have signed, in the form of C2SP: name+id+key.
CREATE TABLE wrenn_events.audit_keys (
	vkey text PRIMARY KEY,
	first_used_at timestamptz NOT NULL,
	last_used_at timestamptz NOT NULL
);
