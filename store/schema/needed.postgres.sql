-- The first column we read or write that a control-plane table does not have.
SELECT needed.of, needed.col
FROM (VALUES
	('audit_logs', 'action'), ('audit_logs', 'actor_id'), ('audit_logs', 'actor_name'),
	('audit_logs', 'actor_type'), ('audit_logs', 'created_at'), ('audit_logs', 'id'),
	('audit_logs', 'metadata'), ('audit_logs', 'resource_id'), ('audit_logs', 'resource_type'),
	('audit_logs', 'scope'), ('audit_logs', 'status'), ('audit_logs', 'team_id'),
	('channels', 'config'), ('channels', 'created_at'), ('channels', 'event_types'),
	('channels', 'id'), ('channels', 'name'), ('channels', 'provider'),
	('channels', 'team_id'), ('channels', 'updated_at'),
	('sandboxes', 'created_at'), ('sandboxes', 'disk_size_mb'), ('sandboxes', 'id'),
	('sandboxes', 'last_active_at'), ('sandboxes', 'last_updated'),
	('sandboxes', 'memory_mb'), ('sandboxes', 'metadata'), ('sandboxes', 'started_at'),
	('sandboxes', 'status'), ('sandboxes', 'team_id'), ('sandboxes', 'template'),
	('sandboxes', 'timeout_sec'), ('sandboxes', 'vcpus'),
	('sessions', 'created_at'), ('sessions', 'csrf_token'), ('sessions', 'expires_at'), ('sessions', 'id'),
	('sessions', 'last_seen_at'), ('sessions', 'team_id'), ('sessions', 'user_id'),
	('team_api_keys', 'created_at'), ('team_api_keys', 'created_by'), ('team_api_keys', 'id'), ('team_api_keys', 'key_hash'),
	('team_api_keys', 'key_prefix'), ('team_api_keys', 'last_used'),
	('team_api_keys', 'name'), ('team_api_keys', 'team_id'),
	('teams', 'created_at'), ('teams', 'deleted_at'), ('teams', 'id'), ('teams', 'name'), ('teams', 'slug'),
	('users', 'created_at'), ('users', 'deleted_at'), ('users', 'email'), ('users', 'id'), ('users', 'is_admin'), ('users', 'name'),
	('users', 'status'),
	('users_teams', 'created_at'), ('users_teams', 'is_default'), ('users_teams', 'role'), ('users_teams', 'team_id'), ('users_teams', 'user_id')
) AS needed (of, col)
WHERE NOT EXISTS (
	SELECT FROM pg_attribute
	WHERE attrelid = to_regclass('public.' || needed.of)
		AND attname = needed.col AND attnum > 0 AND NOT attisdropped)
ORDER BY 1, 2
LIMIT 1
