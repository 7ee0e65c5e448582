-- What a channel wants of the kinds that it names, as JSON (core/event_filter.h). Beside `channels`, which
-- is the control plane's table.
CREATE TABLE wrenn_events.channel_filters (
	channel_id uuid PRIMARY KEY,
	filter text NOT NULL,
	updated_at timestamptz NOT NULL
);
