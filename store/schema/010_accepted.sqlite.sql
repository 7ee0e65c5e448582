-- When the request was accepted that a system event ends, for "after 3 min" in messages.
ALTER TABLE deliveries ADD COLUMN accepted_at TEXT;
