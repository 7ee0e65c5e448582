-- The channel that takes over while another one fails: docs/notes/fallback.md.
CREATE TABLE channel_fallbacks (
	channel_id TEXT PRIMARY KEY NOT NULL,
	fallback_id TEXT NOT NULL,
	after_minutes INTEGER NOT NULL,
	taken_over_at TEXT,
	-- The place in the stream of the last delivery that was copied.
	copied_ms INTEGER NOT NULL DEFAULT 0,
	copied_seq INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX channel_fallbacks_of ON channel_fallbacks (fallback_id);

-- The channel that a copy was made for, and why, for people.
ALTER TABLE deliveries ADD COLUMN instead_of TEXT;
ALTER TABLE deliveries ADD COLUMN note TEXT;
