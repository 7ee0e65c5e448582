-- When the owner last asked to send the delivery again.
ALTER TABLE deliveries ADD COLUMN asked_again_at TEXT;
