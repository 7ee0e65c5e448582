-- When snapshots came to an end. With the control plane's row of the request it gives their duration.
CREATE TABLE wrenn_events.snapshot_outcomes (
	team_id uuid NOT NULL,
	ended_at timestamptz NOT NULL,
	name text NOT NULL,
	is_success boolean NOT NULL,
	PRIMARY KEY (team_id, ended_at, name)
);
CREATE INDEX snapshot_outcomes_old ON wrenn_events.snapshot_outcomes (ended_at);
