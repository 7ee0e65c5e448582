-- The embedded store: the control plane's tables (nobody else writes them here) and ours.
-- STRICT, so that a value of another type is refused when written, as on PostgreSQL.

CREATE TABLE teams (
	id TEXT PRIMARY KEY NOT NULL,
	name TEXT NOT NULL,
	slug TEXT NOT NULL UNIQUE,
	is_byoc INTEGER NOT NULL DEFAULT 0,
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
	deleted_at TEXT
) STRICT;

CREATE TABLE users (
	id TEXT PRIMARY KEY NOT NULL,
	email TEXT NOT NULL UNIQUE,
	password_hash TEXT,
	name TEXT NOT NULL DEFAULT '',
	is_admin INTEGER NOT NULL DEFAULT 0,
	status TEXT NOT NULL DEFAULT 'active',
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
	updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
	deleted_at TEXT
) STRICT;

CREATE TABLE users_teams (
	user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	team_id TEXT NOT NULL REFERENCES teams (id),
	is_default INTEGER NOT NULL DEFAULT 0,
	role TEXT NOT NULL DEFAULT 'member',
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
	PRIMARY KEY (team_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX users_teams_user ON users_teams (user_id);

CREATE TABLE team_api_keys (
	id TEXT PRIMARY KEY NOT NULL,
	team_id TEXT NOT NULL REFERENCES teams (id),
	name TEXT NOT NULL,
	key_hash TEXT NOT NULL UNIQUE,
	key_prefix TEXT NOT NULL,
	created_by TEXT REFERENCES users (id) ON DELETE SET NULL,
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
	last_used TEXT
) STRICT;
CREATE INDEX team_api_keys_team ON team_api_keys (team_id);

CREATE TABLE sessions (
	id TEXT PRIMARY KEY NOT NULL,
	user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	team_id TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
	csrf_token TEXT NOT NULL,
	user_agent TEXT NOT NULL DEFAULT '',
	ip_address TEXT NOT NULL DEFAULT '',
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
	last_seen_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
	expires_at TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE channels (
	id TEXT PRIMARY KEY NOT NULL,
	team_id TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	provider TEXT NOT NULL,
	config TEXT NOT NULL DEFAULT '{}',
	event_types TEXT NOT NULL DEFAULT '[]',
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
	updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
	UNIQUE (team_id, name)
) STRICT;
CREATE INDEX channels_team ON channels (team_id);

CREATE TABLE audit_logs (
	id TEXT PRIMARY KEY NOT NULL,
	team_id TEXT NOT NULL,
	actor_type TEXT NOT NULL,
	actor_id TEXT,
	actor_name TEXT NOT NULL DEFAULT '',
	resource_type TEXT NOT NULL,
	resource_id TEXT,
	action TEXT NOT NULL,
	scope TEXT NOT NULL DEFAULT 'team',
	status TEXT NOT NULL DEFAULT 'success',
	metadata TEXT NOT NULL DEFAULT '{}',
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z')
) STRICT;
CREATE INDEX audit_logs_newest ON audit_logs (team_id, created_at DESC, id DESC);
CREATE INDEX audit_logs_resource ON audit_logs (team_id, resource_type, created_at DESC);

-- Filled from events. No foreign key and a default for everything an event may leave out: an event of a
-- team that has no row yet is no reason to refuse the batch it came in.
CREATE TABLE sandboxes (
	id TEXT PRIMARY KEY NOT NULL,
	team_id TEXT NOT NULL,
	host_id TEXT NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
	template TEXT NOT NULL DEFAULT '',
	template_id TEXT,
	template_team_id TEXT,
	status TEXT NOT NULL DEFAULT 'pending',
	vcpus INTEGER NOT NULL DEFAULT 0,
	memory_mb INTEGER NOT NULL DEFAULT 0,
	timeout_sec INTEGER NOT NULL DEFAULT 0,
	disk_size_mb INTEGER NOT NULL DEFAULT 5120,
	guest_ip TEXT NOT NULL DEFAULT '',
	host_ip TEXT NOT NULL DEFAULT '',
	metadata TEXT NOT NULL DEFAULT '{}',
	created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
	started_at TEXT,
	last_active_at TEXT,
	last_updated TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z')
) STRICT;
CREATE INDEX sandboxes_status ON sandboxes (status);
CREATE INDEX sandboxes_team ON sandboxes (team_id);

CREATE TABLE deliveries (
	id TEXT PRIMARY KEY NOT NULL,
	stream_id TEXT NOT NULL,
	stream_ms INTEGER NOT NULL,
	stream_seq INTEGER NOT NULL,
	team_id TEXT NOT NULL,
	channel_id TEXT NOT NULL,
	event TEXT NOT NULL,
	payload BLOB NOT NULL,
	state TEXT NOT NULL,
	attempts INTEGER NOT NULL DEFAULT 0,
	next_attempt_at TEXT NOT NULL,
	first_failed_at TEXT,
	last_status INTEGER,
	last_error TEXT,
	created_at TEXT NOT NULL,
	updated_at TEXT NOT NULL,
	delivered_at TEXT
) STRICT;
CREATE INDEX deliveries_queue ON deliveries (channel_id, stream_ms, stream_seq)
	WHERE state = 'pending';
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE state = 'pending';
CREATE INDEX deliveries_finished ON deliveries (updated_at) WHERE state <> 'pending';
CREATE INDEX deliveries_channel ON deliveries (channel_id, created_at, id);
CREATE INDEX deliveries_team ON deliveries (team_id, created_at, id);

CREATE TABLE delivery_attempts (
	delivery_id TEXT NOT NULL,
	number INTEGER NOT NULL,
	started_at TEXT NOT NULL,
	duration_us INTEGER NOT NULL,
	status INTEGER,
	verdict TEXT NOT NULL,
	detail TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE channel_state (
	channel_id TEXT PRIMARY KEY NOT NULL,
	lease_owner TEXT,
	lease_until TEXT,
	updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE positions (
	group_name TEXT PRIMARY KEY NOT NULL,
	last_id TEXT NOT NULL,
	last_ms INTEGER NOT NULL,
	last_seq INTEGER NOT NULL,
	updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accepts (
	team_id TEXT NOT NULL,
	sandbox_id TEXT NOT NULL,
	event TEXT NOT NULL,
	seen_at TEXT NOT NULL,
	PRIMARY KEY (team_id, sandbox_id, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX accepts_age ON accepts (seen_at);

CREATE TABLE wrenn_events_schema (
	version INTEGER PRIMARY KEY NOT NULL,
	applied_at TEXT NOT NULL
) STRICT;
