-- The message that a channel keeps for a capsule or snapshot and edits: docs/notes/living-messages.md.
CREATE TABLE wrenn_events.living_messages (
	channel_id uuid NOT NULL,
	-- "capsule cl-..." or "snapshot ..."
	resource text NOT NULL,
	-- The vendor's id; empty when the message is lost.
	message_id text NOT NULL,
	-- A keyed hash of the settings it was sent with.
	place text NOT NULL,
	-- The newest event that it shows, and the delivery of it.
	told_ms bigint NOT NULL,
	told_seq bigint NOT NULL,
	told_by uuid NOT NULL,
	began_at timestamptz NOT NULL,
	trail text NOT NULL,
	updated_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	PRIMARY KEY (channel_id, resource)
);
CREATE INDEX living_messages_age ON wrenn_events.living_messages (expires_at);
