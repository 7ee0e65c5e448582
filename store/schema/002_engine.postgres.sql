-- What the delivery engine remembers of a channel between restarts, and what owners can ask for.

ALTER TABLE wrenn_events.deliveries ADD COLUMN outcome text;
ALTER TABLE wrenn_events.deliveries ADD COLUMN resource text NOT NULL DEFAULT '';
-- The delivery that carries this one, once it was folded into a digest.
ALTER TABLE wrenn_events.deliveries ADD COLUMN digest_id uuid;
-- Sent again on request: the clock and the schedule start anew.
ALTER TABLE wrenn_events.deliveries ADD COLUMN requeued_at timestamptz;
ALTER TABLE wrenn_events.deliveries ADD COLUMN attempts_before integer NOT NULL DEFAULT 0;
CREATE INDEX deliveries_digest ON wrenn_events.deliveries (digest_id) WHERE digest_id IS NOT NULL;
DROP INDEX wrenn_events.deliveries_due;
CREATE INDEX deliveries_next ON wrenn_events.deliveries (channel_id, next_attempt_at) WHERE state = 'pending';
-- For `recover`, and for lists of one state; what was delivered, nearly everything, is in neither.
CREATE INDEX deliveries_missed ON wrenn_events.deliveries (channel_id, created_at, stream_ms, stream_seq)
	WHERE state IN ('failed', 'dropped');
CREATE INDEX deliveries_state ON wrenn_events.deliveries (channel_id, state, created_at, id)
	WHERE state <> 'delivered';

-- In a row: failed attempts, disabling answers, openings of the breaker.
ALTER TABLE wrenn_events.channel_state ADD COLUMN failures integer NOT NULL DEFAULT 0;
ALTER TABLE wrenn_events.channel_state ADD COLUMN disabling integer NOT NULL DEFAULT 0;
ALTER TABLE wrenn_events.channel_state ADD COLUMN breaker_opened integer NOT NULL DEFAULT 0;
ALTER TABLE wrenn_events.channel_state ADD COLUMN breaker_until timestamptz;
ALTER TABLE wrenn_events.channel_state ADD COLUMN failing_since timestamptz;
ALTER TABLE wrenn_events.channel_state ADD COLUMN disabled_at timestamptz;
ALTER TABLE wrenn_events.channel_state ADD COLUMN disabled_reason text;
ALTER TABLE wrenn_events.channel_state ADD COLUMN last_success_at timestamptz;
ALTER TABLE wrenn_events.channel_state ADD COLUMN last_error_at timestamptz;
ALTER TABLE wrenn_events.channel_state ADD COLUMN last_error text;
-- The webhook secret before the last replacement, encrypted like a value of channels.config.
ALTER TABLE wrenn_events.channel_state ADD COLUMN old_secret text;
ALTER TABLE wrenn_events.channel_state ADD COLUMN old_secret_until timestamptz;
CREATE INDEX channel_state_disabled ON wrenn_events.channel_state (disabled_at) WHERE disabled_at IS NOT NULL;

-- Events nobody was told of, and why: 'follow_up' (contract a.7) or 'repeat' (W39).
CREATE TABLE wrenn_events.suppressed (
	team_id uuid NOT NULL,
	stream_id text NOT NULL,
	event text NOT NULL,
	reason text NOT NULL,
	created_at timestamptz NOT NULL,
	PRIMARY KEY (team_id, stream_id)
);
CREATE INDEX suppressed_age ON wrenn_events.suppressed (created_at);
