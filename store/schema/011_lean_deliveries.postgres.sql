-- Nearly every delivery succeeds at once. That attempt is in its row; delivery_attempts has all others.
ALTER TABLE wrenn_events.deliveries ADD COLUMN first_started_at timestamptz;
ALTER TABLE wrenn_events.deliveries ADD COLUMN first_duration_us bigint;
ALTER TABLE wrenn_events.deliveries ADD COLUMN first_status integer;
ALTER TABLE wrenn_events.deliveries ADD COLUMN first_verdict text;
ALTER TABLE wrenn_events.deliveries ADD COLUMN first_detail text;
-- Ended rows are removed along their ids, which are in the order of time.
DROP INDEX wrenn_events.deliveries_finished;

-- Every attempt, for people. The program reads the tables.
CREATE VIEW wrenn_events.attempts AS
SELECT delivery_id, number, started_at, duration_us, status, verdict, detail
FROM wrenn_events.delivery_attempts
UNION ALL
SELECT id, 1, first_started_at, first_duration_us, first_status, first_verdict, first_detail
FROM wrenn_events.deliveries
WHERE first_started_at IS NOT NULL;
