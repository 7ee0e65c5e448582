-- Until when quiet hours or a snooze hold the delivery, or held it.
ALTER TABLE deliveries ADD COLUMN held_until TEXT;
