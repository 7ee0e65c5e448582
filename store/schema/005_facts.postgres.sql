-- What is known of the store as a whole: which one it is, and later what its settings were sealed with.
CREATE TABLE wrenn_events.store_facts (
	name text PRIMARY KEY,
	value text NOT NULL
);
INSERT INTO wrenn_events.store_facts (name, value)
	VALUES ('identity', replace(gen_random_uuid()::text, '-', ''));
