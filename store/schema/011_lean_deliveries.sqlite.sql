-- Nearly every delivery succeeds at once. That attempt is in its row; delivery_attempts has all others.
ALTER TABLE deliveries ADD COLUMN first_started_at TEXT;
ALTER TABLE deliveries ADD COLUMN first_duration_us INTEGER;
ALTER TABLE deliveries ADD COLUMN first_status INTEGER;
ALTER TABLE deliveries ADD COLUMN first_verdict TEXT;
ALTER TABLE deliveries ADD COLUMN first_detail TEXT;
-- Ended rows are removed along their ids, which are in the order of time.
DROP INDEX deliveries_finished;

-- Every attempt, for people. The program reads the tables.
CREATE VIEW attempts AS
SELECT delivery_id, number, started_at, duration_us, status, verdict, detail
FROM delivery_attempts
UNION ALL
SELECT id, 1, first_started_at, first_duration_us, first_status, first_verdict, first_detail
FROM deliveries
WHERE first_started_at IS NOT NULL;
