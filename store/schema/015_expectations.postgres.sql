-- What a team expects: after one event, another about the same resource within a time. docs/notes/expectations.md
CREATE TABLE wrenn_events.expectation_rules (
	team_id uuid NOT NULL,
	name text NOT NULL,
	rule text NOT NULL,
	is_of_request integer NOT NULL,
	changed_at timestamptz NOT NULL,
	PRIMARY KEY (team_id, name)
);
CREATE INDEX expectation_rules_of_request ON wrenn_events.expectation_rules (team_id, name) WHERE is_of_request = 1;

-- One row. Every change of a rule counts it up, so that the ledger reads rules only after a change.
CREATE TABLE wrenn_events.expectation_version (
	one integer PRIMARY KEY NOT NULL CHECK (one = 1),
	version bigint NOT NULL
);
INSERT INTO wrenn_events.expectation_version (one, version) VALUES (1, 0);

-- One wait. Times are of the stream, in milliseconds; 0 is none.
CREATE TABLE wrenn_events.expectations (
	team_id uuid NOT NULL,
	rule text NOT NULL,
	resource text NOT NULL,
	rule_changed_at timestamptz NOT NULL,
	since_ms bigint NOT NULL,
	due_ms bigint NOT NULL,
	missed_ms bigint NOT NULL,
	arrived_ms bigint NOT NULL,
	PRIMARY KEY (team_id, rule, resource)
);
CREATE INDEX expectations_due ON wrenn_events.expectations (due_ms) WHERE due_ms > 0;
CREATE INDEX expectations_missed ON wrenn_events.expectations (missed_ms) WHERE missed_ms > 0;
CREATE INDEX expectations_arrived ON wrenn_events.expectations (arrived_ms) WHERE arrived_ms > 0;
