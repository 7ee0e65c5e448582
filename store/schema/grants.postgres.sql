-- A line for each right that is missing, as its owner would grant it. FOR UPDATE takes the right to update.
SELECT line
FROM (
	SELECT 1 AS place, of AS name, format('GRANT %s ON public.%I TO %I;',
		string_agg(privilege, ', ' ORDER BY place), of, current_user) AS line
	FROM (VALUES
		('audit_logs', 1, 'SELECT'), ('audit_logs', 2, 'INSERT'),
		('channels', 1, 'SELECT'), ('channels', 2, 'INSERT'), ('channels', 3, 'UPDATE'), ('channels', 4, 'DELETE'),
		('sandboxes', 1, 'SELECT'),
		('sessions', 1, 'SELECT'), ('sessions', 3, 'UPDATE'),
		('team_api_keys', 1, 'SELECT'), ('team_api_keys', 3, 'UPDATE'),
		('teams', 1, 'SELECT'), ('teams', 3, 'UPDATE'),
		('users', 1, 'SELECT'),
		('users_teams', 1, 'SELECT')
	) AS needed (of, place, privilege)
	WHERE to_regclass('public.' || of) IS NOT NULL
		AND NOT has_table_privilege(to_regclass('public.' || of), privilege)
		AND NOT (privilege = 'UPDATE' AND has_any_column_privilege(to_regclass('public.' || of), privilege))
	GROUP BY of
	UNION ALL
	SELECT 2, relname, format('GRANT SELECT, INSERT, UPDATE, DELETE ON wrenn_events.%I TO %I;', relname, current_user)
	FROM pg_class
	WHERE relnamespace = to_regnamespace('wrenn_events') AND relkind IN ('r', 'v')
		AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
			AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))
	UNION ALL
	SELECT 0, '', format('GRANT USAGE ON SCHEMA %I TO %I;', nspname, current_user)
	FROM pg_namespace
	WHERE nspname IN ('public', 'wrenn_events') AND NOT has_schema_privilege(oid, 'USAGE')
	UNION ALL
	SELECT 0, '', format('GRANT CREATE ON DATABASE %I TO %I;', current_database(), current_user)
	WHERE to_regnamespace('wrenn_events') IS NULL
		AND NOT has_database_privilege(current_database(), 'CREATE')
) AS missing
ORDER BY place, name
