-- Counters of what happened to a team and to a channel, by minute and by hour (step_s). They are written in the
-- transactions that store events and results. Room on each page lets the counts change in place.
CREATE TABLE wrenn_events.event_activity (
	team_id uuid NOT NULL,
	step_s bigint NOT NULL,
	begins_at timestamptz NOT NULL,
	events bigint NOT NULL,
	failed bigint NOT NULL,
	PRIMARY KEY (team_id, step_s, begins_at)
) WITH (fillfactor = 50);
CREATE INDEX event_activity_old ON wrenn_events.event_activity (step_s, begins_at);
CREATE TABLE wrenn_events.channel_activity (
	channel_id uuid NOT NULL,
	step_s bigint NOT NULL,
	begins_at timestamptz NOT NULL,
	delivered bigint NOT NULL,
	failed bigint NOT NULL,
	retried bigint NOT NULL,
	PRIMARY KEY (channel_id, step_s, begins_at)
) WITH (fillfactor = 50);
CREATE INDEX channel_activity_old ON wrenn_events.channel_activity (step_s, begins_at);
