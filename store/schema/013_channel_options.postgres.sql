-- What a channel has set beyond the control plane's columns, as one JSON object (core/channel_options.h). The
-- filters had a table of their own.
CREATE TABLE wrenn_events.channel_options (
	channel_id uuid PRIMARY KEY,
	options text NOT NULL,
	updated_at timestamptz NOT NULL
);
INSERT INTO wrenn_events.channel_options (channel_id, options, updated_at)
SELECT channel_id, '{"filter":' || filter || '}', updated_at FROM wrenn_events.channel_filters;
DROP TABLE wrenn_events.channel_filters;
