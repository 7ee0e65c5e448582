-- When snapshots came to an end. With the control plane's row of the request it gives their duration.
CREATE TABLE snapshot_outcomes (
	team_id TEXT NOT NULL,
	ended_at TEXT NOT NULL,
	name TEXT NOT NULL,
	is_success INTEGER NOT NULL,
	PRIMARY KEY (team_id, ended_at, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX snapshot_outcomes_old ON snapshot_outcomes (ended_at);
