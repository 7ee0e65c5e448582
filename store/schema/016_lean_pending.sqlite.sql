-- A delivery that waits for its first try is in one index of pending rows, not in three. Each of the others changed a
-- page of its own for it, twice. Rows of deliveries_queue that were never tried are due.
DROP INDEX deliveries_next;
CREATE INDEX deliveries_next ON deliveries (channel_id, next_attempt_at) WHERE state = 'pending' AND attempts > 0;
DROP INDEX deliveries_state;
CREATE INDEX deliveries_state ON deliveries (channel_id, state, created_at, id)
	WHERE state <> 'delivered' AND state <> 'pending';
