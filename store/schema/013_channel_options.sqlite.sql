-- What a channel has set beyond the control plane's columns, as one JSON object (core/channel_options.h). The
-- filters had a table of their own.
CREATE TABLE channel_options (
	channel_id TEXT PRIMARY KEY NOT NULL,
	options TEXT NOT NULL,
	updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO channel_options (channel_id, options, updated_at)
SELECT channel_id, '{"filter":' || filter || '}', updated_at FROM channel_filters;
DROP TABLE channel_filters;
