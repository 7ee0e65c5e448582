-- When the request was accepted that a system event ends, for "after 3 min" in messages.
ALTER TABLE wrenn_events.deliveries ADD COLUMN accepted_at timestamptz;
