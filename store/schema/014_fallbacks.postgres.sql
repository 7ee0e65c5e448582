-- The channel that takes over while another one fails: docs/notes/fallback.md.
CREATE TABLE wrenn_events.channel_fallbacks (
	channel_id uuid PRIMARY KEY,
	fallback_id uuid NOT NULL,
	after_minutes integer NOT NULL,
	taken_over_at timestamptz,
	-- The place in the stream of the last delivery that was copied.
	copied_ms bigint NOT NULL DEFAULT 0,
	copied_seq bigint NOT NULL DEFAULT 0
);
CREATE INDEX channel_fallbacks_of ON wrenn_events.channel_fallbacks (fallback_id);

-- The channel that a copy was made for, and why, for people.
ALTER TABLE wrenn_events.deliveries ADD COLUMN instead_of uuid;
ALTER TABLE wrenn_events.deliveries ADD COLUMN note text;
