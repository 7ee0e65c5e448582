-- What a team expects: after one event, another about the same resource within a time. docs/notes/expectations.md
CREATE TABLE expectation_rules (
	team_id TEXT NOT NULL,
	name TEXT NOT NULL,
	rule TEXT NOT NULL,
	is_of_request INTEGER NOT NULL,
	changed_at TEXT NOT NULL,
	PRIMARY KEY (team_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX expectation_rules_of_request ON expectation_rules (team_id, name) WHERE is_of_request = 1;

-- One row. Every change of a rule counts it up, so that the ledger reads rules only after a change.
CREATE TABLE expectation_version (
	one INTEGER PRIMARY KEY NOT NULL CHECK (one = 1),
	version INTEGER NOT NULL
) STRICT;
INSERT INTO expectation_version (one, version) VALUES (1, 0);

-- One wait. Times are of the stream, in milliseconds; 0 is none.
CREATE TABLE expectations (
	team_id TEXT NOT NULL,
	rule TEXT NOT NULL,
	resource TEXT NOT NULL,
	rule_changed_at TEXT NOT NULL,
	since_ms INTEGER NOT NULL,
	due_ms INTEGER NOT NULL,
	missed_ms INTEGER NOT NULL,
	arrived_ms INTEGER NOT NULL,
	PRIMARY KEY (team_id, rule, resource)
) STRICT, WITHOUT ROWID;
CREATE INDEX expectations_due ON expectations (due_ms) WHERE due_ms > 0;
CREATE INDEX expectations_missed ON expectations (missed_ms) WHERE missed_ms > 0;
CREATE INDEX expectations_arrived ON expectations (arrived_ms) WHERE arrived_ms > 0;
