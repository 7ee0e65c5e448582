-- What the delivery engine remembers of a channel between restarts, and what owners can ask for.

ALTER TABLE deliveries ADD COLUMN outcome TEXT;
ALTER TABLE deliveries ADD COLUMN resource TEXT NOT NULL DEFAULT '';
-- The delivery that carries this one, once it was folded into a digest.
ALTER TABLE deliveries ADD COLUMN digest_id TEXT;
-- Sent again on request: the clock and the schedule start anew.
ALTER TABLE deliveries ADD COLUMN requeued_at TEXT;
ALTER TABLE deliveries ADD COLUMN attempts_before INTEGER NOT NULL DEFAULT 0;
CREATE INDEX deliveries_digest ON deliveries (digest_id) WHERE digest_id IS NOT NULL;
DROP INDEX deliveries_due;
CREATE INDEX deliveries_next ON deliveries (channel_id, next_attempt_at) WHERE state = 'pending';
-- For `recover`, and for lists of one state; what was delivered, nearly everything, is in neither.
CREATE INDEX deliveries_missed ON deliveries (channel_id, created_at, stream_ms, stream_seq)
	WHERE state IN ('failed', 'dropped');
CREATE INDEX deliveries_state ON deliveries (channel_id, state, created_at, id)
	WHERE state <> 'delivered';

-- In a row: failed attempts, disabling answers, openings of the breaker.
ALTER TABLE channel_state ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE channel_state ADD COLUMN disabling INTEGER NOT NULL DEFAULT 0;
ALTER TABLE channel_state ADD COLUMN breaker_opened INTEGER NOT NULL DEFAULT 0;
ALTER TABLE channel_state ADD COLUMN breaker_until TEXT;
ALTER TABLE channel_state ADD COLUMN failing_since TEXT;
ALTER TABLE channel_state ADD COLUMN disabled_at TEXT;
ALTER TABLE channel_state ADD COLUMN disabled_reason TEXT;
ALTER TABLE channel_state ADD COLUMN last_success_at TEXT;
ALTER TABLE channel_state ADD COLUMN last_error_at TEXT;
ALTER TABLE channel_state ADD COLUMN last_error TEXT;
-- The webhook secret before the last replacement, encrypted like a value of channels.config.
ALTER TABLE channel_state ADD COLUMN old_secret TEXT;
ALTER TABLE channel_state ADD COLUMN old_secret_until TEXT;
CREATE INDEX channel_state_disabled ON channel_state (disabled_at) WHERE disabled_at IS NOT NULL;

-- Events nobody was told of, and why: 'follow_up' (contract a.7) or 'repeat' (W39).
CREATE TABLE suppressed (
	team_id TEXT NOT NULL,
	stream_id TEXT NOT NULL,
	event TEXT NOT NULL,
	reason TEXT NOT NULL,
	created_at TEXT NOT NULL,
	PRIMARY KEY (team_id, stream_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX suppressed_age ON suppressed (created_at);
