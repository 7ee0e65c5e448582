-- The newest checkpoint of each tree that has left the host by every way there is.
CREATE TABLE wrenn_events.audit_published (
	tree bigint PRIMARY KEY,
	size bigint NOT NULL
);
