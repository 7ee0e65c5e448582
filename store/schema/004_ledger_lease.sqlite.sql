-- Which worker writes the ledger of a consumer group, and until when.
CREATE TABLE ledger_leases (
	group_name TEXT PRIMARY KEY NOT NULL,
	owner TEXT NOT NULL,
	expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
