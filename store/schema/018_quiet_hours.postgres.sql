-- Until when quiet hours or a snooze hold the delivery, or held it.
ALTER TABLE wrenn_events.deliveries ADD COLUMN held_until timestamptz;
