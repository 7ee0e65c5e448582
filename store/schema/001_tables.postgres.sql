-- The control plane's tables are used as they are; a missing one (our own test databases) is made.
-- Asking first instead of IF NOT EXISTS: that would demand the right to create even when there is
-- nothing to create.
DO $$
BEGIN
	IF to_regclass('public.teams') IS NULL THEN
		CREATE TABLE public.teams (
			id uuid PRIMARY KEY,
			name text NOT NULL,
			slug text NOT NULL UNIQUE,
			is_byoc boolean NOT NULL DEFAULT false,
			created_at timestamptz NOT NULL DEFAULT now(),
			deleted_at timestamptz
		);
	END IF;

	IF to_regclass('public.users') IS NULL THEN
		CREATE TABLE public.users (
			id uuid PRIMARY KEY,
			email text NOT NULL UNIQUE,
			password_hash text,
			name text NOT NULL DEFAULT '',
			is_admin boolean NOT NULL DEFAULT false,
			status text NOT NULL DEFAULT 'active',
			created_at timestamptz NOT NULL DEFAULT now(),
			updated_at timestamptz NOT NULL DEFAULT now(),
			deleted_at timestamptz
		);
	END IF;

	IF to_regclass('public.users_teams') IS NULL THEN
		CREATE TABLE public.users_teams (
			user_id uuid NOT NULL REFERENCES public.users (id) ON DELETE CASCADE,
			team_id uuid NOT NULL REFERENCES public.teams (id),
			is_default boolean NOT NULL DEFAULT false,
			role text NOT NULL DEFAULT 'member',
			created_at timestamptz NOT NULL DEFAULT now(),
			PRIMARY KEY (team_id, user_id)
		);
		CREATE INDEX users_teams_user ON public.users_teams (user_id);
	END IF;

	IF to_regclass('public.team_api_keys') IS NULL THEN
		CREATE TABLE public.team_api_keys (
			id uuid PRIMARY KEY,
			team_id uuid NOT NULL REFERENCES public.teams (id),
			name text NOT NULL,
			key_hash text NOT NULL UNIQUE,
			key_prefix text NOT NULL,
			created_by uuid REFERENCES public.users (id) ON DELETE SET NULL,
			created_at timestamptz NOT NULL DEFAULT now(),
			last_used timestamptz
		);
		CREATE INDEX team_api_keys_team ON public.team_api_keys (team_id);
	END IF;

	IF to_regclass('public.sessions') IS NULL THEN
		CREATE TABLE public.sessions (
			id text PRIMARY KEY,
			user_id uuid NOT NULL REFERENCES public.users (id) ON DELETE CASCADE,
			team_id uuid NOT NULL REFERENCES public.teams (id) ON DELETE CASCADE,
			csrf_token text NOT NULL,
			user_agent text NOT NULL DEFAULT '',
			ip_address text NOT NULL DEFAULT '',
			created_at timestamptz NOT NULL DEFAULT now(),
			last_seen_at timestamptz NOT NULL DEFAULT now(),
			expires_at timestamptz NOT NULL
		);
		CREATE INDEX sessions_user ON public.sessions (user_id);
		CREATE INDEX sessions_expiry ON public.sessions (expires_at);
	END IF;

	IF to_regclass('public.channels') IS NULL THEN
		CREATE TABLE public.channels (
			id uuid PRIMARY KEY,
			team_id uuid NOT NULL REFERENCES public.teams (id) ON DELETE CASCADE,
			name text NOT NULL,
			provider text NOT NULL,
			config jsonb NOT NULL DEFAULT '{}',
			event_types text[] NOT NULL DEFAULT '{}',
			created_at timestamptz NOT NULL DEFAULT now(),
			updated_at timestamptz NOT NULL DEFAULT now(),
			UNIQUE (team_id, name)
		);
		CREATE INDEX channels_team ON public.channels (team_id);
	END IF;

	IF to_regclass('public.audit_logs') IS NULL THEN
		CREATE TABLE public.audit_logs (
			id uuid PRIMARY KEY,
			team_id uuid NOT NULL,
			actor_type text NOT NULL,
			actor_id text,
			actor_name text NOT NULL DEFAULT '',
			resource_type text NOT NULL,
			resource_id text,
			action text NOT NULL,
			scope text NOT NULL DEFAULT 'team',
			status text NOT NULL DEFAULT 'success',
			metadata jsonb NOT NULL DEFAULT '{}',
			created_at timestamptz NOT NULL DEFAULT now()
		);
		CREATE INDEX audit_logs_newest
			ON public.audit_logs (team_id, created_at DESC, id DESC);
		CREATE INDEX audit_logs_resource
			ON public.audit_logs (team_id, resource_type, created_at DESC);
	END IF;

	IF to_regclass('public.sandboxes') IS NULL THEN
		CREATE TABLE public.sandboxes (
			id uuid PRIMARY KEY,
			team_id uuid NOT NULL REFERENCES public.teams (id),
			host_id uuid NOT NULL,
			template text NOT NULL,
			template_id uuid,
			template_team_id uuid,
			status text NOT NULL DEFAULT 'pending',
			vcpus integer NOT NULL,
			memory_mb integer NOT NULL,
			timeout_sec integer NOT NULL,
			disk_size_mb integer NOT NULL DEFAULT 5120,
			guest_ip text NOT NULL DEFAULT '',
			host_ip text NOT NULL DEFAULT '',
			metadata jsonb NOT NULL DEFAULT '{}',
			created_at timestamptz NOT NULL DEFAULT now(),
			started_at timestamptz,
			last_active_at timestamptz,
			last_updated timestamptz NOT NULL DEFAULT now()
		);
		CREATE INDEX sandboxes_status ON public.sandboxes (status);
		CREATE INDEX sandboxes_host_status ON public.sandboxes (host_id, status);
		CREATE INDEX sandboxes_team ON public.sandboxes (team_id);
	END IF;

	IF to_regnamespace('wrenn_events') IS NULL THEN
		CREATE SCHEMA wrenn_events;
	END IF;
END
$$;

CREATE TABLE wrenn_events.deliveries (
	id uuid PRIMARY KEY,
	stream_id text NOT NULL,
	stream_ms bigint NOT NULL,
	stream_seq bigint NOT NULL,
	team_id uuid NOT NULL,
	channel_id uuid NOT NULL,
	event text NOT NULL,
	payload bytea NOT NULL,
	state text NOT NULL,
	attempts integer NOT NULL DEFAULT 0,
	next_attempt_at timestamptz NOT NULL,
	first_failed_at timestamptz,
	last_status integer,
	last_error text,
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	delivered_at timestamptz
);
CREATE INDEX deliveries_queue ON wrenn_events.deliveries (channel_id, stream_ms, stream_seq)
	WHERE state = 'pending';
CREATE INDEX deliveries_due ON wrenn_events.deliveries (next_attempt_at) WHERE state = 'pending';
CREATE INDEX deliveries_finished ON wrenn_events.deliveries (updated_at) WHERE state <> 'pending';
CREATE INDEX deliveries_channel ON wrenn_events.deliveries (channel_id, created_at, id);
CREATE INDEX deliveries_team ON wrenn_events.deliveries (team_id, created_at, id);

CREATE TABLE wrenn_events.delivery_attempts (
	delivery_id uuid NOT NULL,
	number integer NOT NULL,
	started_at timestamptz NOT NULL,
	duration_us bigint NOT NULL,
	status integer,
	verdict text NOT NULL,
	detail text NOT NULL DEFAULT '',
	PRIMARY KEY (delivery_id, number)
);

CREATE TABLE wrenn_events.channel_state (
	channel_id uuid PRIMARY KEY,
	lease_owner text,
	lease_until timestamptz,
	updated_at timestamptz NOT NULL
);

CREATE TABLE wrenn_events.positions (
	group_name text PRIMARY KEY,
	last_id text NOT NULL,
	last_ms bigint NOT NULL,
	last_seq bigint NOT NULL,
	updated_at timestamptz NOT NULL
);

CREATE TABLE wrenn_events.accepts (
	team_id uuid NOT NULL,
	sandbox_id uuid NOT NULL,
	event text NOT NULL,
	seen_at timestamptz NOT NULL,
	PRIMARY KEY (team_id, sandbox_id, event)
);
CREATE INDEX accepts_age ON wrenn_events.accepts (seen_at);

CREATE TABLE wrenn_events.schema_version (
	version integer PRIMARY KEY,
	applied_at timestamptz NOT NULL
);
