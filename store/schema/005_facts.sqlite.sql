-- What is known of the store as a whole: which one it is, and later what its settings were sealed with.
CREATE TABLE store_facts (
	name TEXT PRIMARY KEY NOT NULL,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO store_facts (name, value) VALUES ('identity', lower(hex(randomblob(16))));
