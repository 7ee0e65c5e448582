-- The message that a channel keeps for a capsule or snapshot and edits: docs/notes/living-messages.md.
CREATE TABLE living_messages (
	channel_id TEXT NOT NULL,
	-- "capsule cl-..." or "snapshot ..."
	resource TEXT NOT NULL,
	-- The vendor's id; empty when the message is lost.
	message_id TEXT NOT NULL,
	-- A keyed hash of the settings it was sent with.
	place TEXT NOT NULL,
	-- The newest event that it shows, and the delivery of it.
	told_ms INTEGER NOT NULL,
	told_seq INTEGER NOT NULL,
	told_by TEXT NOT NULL,
	began_at TEXT NOT NULL,
	trail TEXT NOT NULL,
	updated_at TEXT NOT NULL,
	expires_at TEXT NOT NULL,
	PRIMARY KEY (channel_id, resource)
) STRICT, WITHOUT ROWID;
CREATE INDEX living_messages_age ON living_messages (expires_at);
