-- Which worker writes the ledger of a consumer group, and until when.
CREATE TABLE wrenn_events.ledger_leases (
	group_name text PRIMARY KEY,
	owner text NOT NULL,
	expires_at timestamptz NOT NULL
);
