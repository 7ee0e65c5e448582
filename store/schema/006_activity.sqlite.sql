-- Counters of what happened to a team and to a channel, by minute and by hour (step_s). They are written in the
-- transactions that store events and results.
CREATE TABLE event_activity (
	team_id TEXT NOT NULL,
	step_s INTEGER NOT NULL,
	begins_at TEXT NOT NULL,
	events INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	PRIMARY KEY (team_id, step_s, begins_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_activity_old ON event_activity (step_s, begins_at);
CREATE TABLE channel_activity (
	channel_id TEXT NOT NULL,
	step_s INTEGER NOT NULL,
	begins_at TEXT NOT NULL,
	delivered INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	retried INTEGER NOT NULL,
	PRIMARY KEY (channel_id, step_s, begins_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX channel_activity_old ON channel_activity (step_s, begins_at);
