-- What a channel wants of the kinds that it names, as JSON (core/event_filter.h). Beside `channels`, which
-- is the control plane's table.
CREATE TABLE channel_filters (
	channel_id TEXT PRIMARY KEY NOT NULL,
	filter TEXT NOT NULL,
	updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
