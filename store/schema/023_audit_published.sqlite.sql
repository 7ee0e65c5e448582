-- The newest checkpoint of each tree that has left the host by every way there is.
CREATE TABLE audit_published (
	tree INTEGER PRIMARY KEY,
	size INTEGER NOT NULL
);
