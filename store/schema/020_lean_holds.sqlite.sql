-- A held row is passed over in the index alone, and found by its time when the hold ends.
DROP INDEX deliveries_queue;
CREATE INDEX deliveries_queue ON deliveries (channel_id, stream_ms, stream_seq, held_until) WHERE state = 'pending';
DROP INDEX deliveries_next;
CREATE INDEX deliveries_next ON deliveries (channel_id, next_attempt_at)
	WHERE state = 'pending' AND (attempts > 0 OR held_until IS NOT NULL);
