-- When the owner last asked to send the delivery again.
ALTER TABLE wrenn_events.deliveries ADD COLUMN asked_again_at timestamptz;
