/* SPDX-License-Identifier: Apache-2.0 */

/* The table of settings. CONTRIBUTING.md lists the other places that a new setting touches. */
#include "config/table.h"

#include <assert.h>
#include <errno.h>

#include "config/read.h"
#include "core/utf8.h"

#define OUR_PREFIX "WRENN_EVENTS_"

/* The versions of clang-format disagree about braces in a macro. */
/* clang-format off */
#define ROW(variable, default_text, what, reader, ...)                                       \
	{                                                                                    \
		.name = variable, .fallback = default_text, .meaning = what, .read = reader, \
		##__VA_ARGS__                                                                \
	}
/* clang-format on */
#define UNSET(text)  .unset = (text)
#define LIVE         .is_live = true
#define TEXT(member) .offset = offsetof(struct config, member)
#define CHOICE(member, ...)                                                       \
	.offset = offsetof(struct config, member), .words = (const char *const[]) \
	{                                                                         \
		__VA_ARGS__, NULL                                                 \
	}
#define NUMBER(member, from, to) \
	.offset = offsetof(struct config, member), .least = (from), .most = (to)
#define ORIGIN(variable, vendor)                                                              \
	ROW(variable, NULL,                                                                   \
	    "`scheme://host:port` to send to instead of the stored origin of this provider, " \
	    "for tests and gateways; path and query stay, and this origin is allowed even "   \
	    "when it is private",                                                             \
	    read_origin, UNSET("none"), .provider = (vendor))

#define HOSTS(variable, vendor, what) \
	ROW(variable, NULL, what, read_hosts, UNSET("none"), .provider = (vendor))

const struct setting settings[] = {
	ROW("WRENN_EVENTS_DATA_DIR", "var",
	    "where the SQLite file, the lock file of the port and the key that signs checkpoints "
	    "live",
	    read_text, TEXT(data_dir)),
	ROW("DATABASE_URL", NULL, "`sqlite:<path>` or `postgres://…`", read_database_url,
	    UNSET("the file wrenn-events.db in the data directory")),
	ROW("WRENN_EVENTS_CREATE_STORE", "on",
	    "`on`: the service creates a missing SQLite file; `off`: it refuses to start without "
	    "one, for stores on a volume that may not be mounted",
	    read_choice, CHOICE(create_store, "on", "off")),
	ROW("REDIS_URL", "redis://localhost:6379/0",
	    "`redis://[user[:password]@]host[:port][/db]`, `rediss://…` for "
	    "TLS, `redis+sentinel://…`, `unix:///path`; each with `?db=n` "
	    "instead of `/db`",
	    read_redis_url),
	ROW("WRENN_EVENTS_REDIS_CA_FILE", NULL,
	    "certificates to trust for `rediss://` instead of the system's, "
	    "as PEM",
	    read_file_name, TEXT(redis_ca_file), UNSET("none")),
	ROW("WRENN_EVENTS_REDIS_CERT_FILE", NULL,
	    "our certificate with its chain, as PEM, for a Redis that "
	    "requires one; needs `WRENN_EVENTS_REDIS_KEY_FILE`",
	    read_file_name, TEXT(redis_cert_file), UNSET("none")),
	ROW("WRENN_EVENTS_REDIS_KEY_FILE", NULL,
	    "the key of our certificate, as PEM; needs "
	    "`WRENN_EVENTS_REDIS_CERT_FILE`",
	    read_file_name, TEXT(redis_key_file), UNSET("none")),
	ROW("WRENN_EVENTS_REDIS_SENTINEL_PASSWORD", NULL,
	    "the password of the sentinels' default user; user and password of `REDIS_URL` are "
	    "never sent to them",
	    read_text, TEXT(redis_sentinel_password), UNSET("none")),
	ROW("WRENN_ENCRYPTION_KEY", NULL,
	    "64 hexadecimal digits; channel settings are encrypted with it", read_encryption_key,
	    UNSET("none; `serve` needs it here, in a file or in a credential")),
	ROW("WRENN_ENCRYPTION_KEY_FILE", NULL,
	    "in place of the variable: a file that holds the key; a warning if anyone but its "
	    "owner may use it",
	    read_nothing, UNSET("none")),
	ROW("WRENN_CHANNELS_ALLOW_PRIVATE", NULL,
	    "`true`: notifications may go to private and loopback addresses", read_allow_private,
	    UNSET("false")),
	ROW("WRENN_EVENTS_LISTEN", "127.0.0.1:9730", "`host:port`", read_listen),
	ROW("WRENN_EVENTS_SHARE_PORT", "data-dir",
	    "who may listen on the same port: `data-dir`: processes with the "
	    "same data directory; `any`: every process of the same user that "
	    "has this setting",
	    read_choice, CHOICE(share_port, "data-dir", "any")),
	ROW("WRENN_EVENTS_WORKERS", "1", "worker processes, 1 to 256, or `auto` (one per core)",
	    read_workers),
	ROW("WRENN_EVENTS_GROUP", "wrenn-events-v1",
	    "consumer group; set to `wrenn-channels-v1` only when the "
	    "control plane's own dispatcher is off",
	    read_group),
	ROW("WRENN_EVENTS_DELIVER", "on",
	    "`on`, or `off`: no delivery rows are written and nothing is sent", read_choice,
	    CHOICE(deliver, "on", "off")),
	ROW("WRENN_EVENTS_NOTIFY_ON", "accept",
	    "`accept`: channels hear of a capsule's create, pause, resume or "
	    "destroy when the request is accepted, and its completion is "
	    "left out; `completion`: the other way round, so \"success\" means "
	    "done. Both show failures and changes that nobody requested; live streams and the "
	    "audit log show everything",
	    read_choice, CHOICE(notify_on, "accept", "completion")),
	ROW("WRENN_EVENTS_STRIP_HOST", "false",
	    "`true`: `host_ip` and `host_id` are left out of the metadata of "
	    "everything delivered to channels. Not covered: live streams, "
	    "the audit log, the resource id of `host.up` and `host.down`, "
	    "the text of errors",
	    read_choice, CHOICE(strip_host, "false", "true")),
	ROW("WRENN_EVENTS_AUDIT", "all",
	    "`all`; `missing`: only rows the control plane does not write; "
	    "`off`",
	    read_choice, CHOICE(audit, "all", "missing", "off")),
	ROW("WRENN_EVENTS_AUDIT_STATUS", "seed",
	    "what `status` of an audit entry says: `seed`: `success` or "
	    "`failure`; `dashboard`: the stored `success`, `info`, `warning` "
	    "or `error`, which the control plane's dashboard colours. "
	    "`severity` has the stored word in both",
	    read_choice, CHOICE(audit_status, "seed", "dashboard")),
	ROW("WRENN_EVENTS_AUDIT_ORIGIN", NULL,
	    "name of this installation in the checkpoints of the audit log, such as "
	    "`events.example.com`: at most 200 characters, no space and no `+`",
	    read_origin_name, UNSET("`wrenn-events-` and the store's identity")),
	ROW("WRENN_EVENTS_AUDIT_KEY_FILE", NULL,
	    "file of the key that signs the checkpoints; the first start makes it, and "
	    "nothing overwrites it",
	    read_text, TEXT(audit_key_file),
	    UNSET("the file audit-signing.key in the data directory")),
	ROW("WRENN_EVENTS_AUDIT_CHECKPOINT_DIR", NULL,
	    "a folder, best on another machine, that gets each checkpoint as a file", read_text,
	    TEXT(audit_checkpoint_dir), UNSET("none")),
	ROW("WRENN_EVENTS_AUDIT_CHECKPOINT_COMMAND", NULL,
	    "a program and its arguments, separated by spaces, that gets each checkpoint on its "
	    "standard input; no shell reads it, and it may take 30 s",
	    read_text, TEXT(audit_checkpoint_command), UNSET("none")),
	ROW("WRENN_EVENTS_AUDIT_KEEP_DAYS", NULL,
	    "days (1 to 36500) after which rows of the audit log that this service wrote are "
	    "dropped; what is left still verifies",
	    read_number, NUMBER(audit_keep_days, 1, 36500), UNSET("for ever")),
	ROW("WRENN_EVENTS_AUDIT_ARCHIVE_DIR", NULL,
	    "a folder that gets these rows as files that verify, before they are dropped",
	    read_text, TEXT(audit_archive_dir), UNSET("none")),
	ROW("WRENN_EVENTS_API_KEYS", "manage",
	    "`manage`: API keys may use channels and audit, too; `stream`: "
	    "live streams only",
	    read_choice, CHOICE(api_keys, "manage", "stream")),
	ROW("WRENN_EVENTS_CHANNEL_ROLE", "member",
	    "lowest role that may change channels: `member`, `admin`, `owner`", read_choice,
	    CHOICE(channel_role, "member", "admin", "owner")),
	ROW("WRENN_EVENTS_KEEPALIVE_S", "15",
	    "seconds (1 to 300) of silence before a comment on a live stream", read_number,
	    NUMBER(keepalive_s, 1, 300)),
	ROW("WRENN_EVENTS_LOG", NULL, "format of the log: `json` or `text`", read_choice,
	    CHOICE(log, "text", "json"), UNSET("text on a terminal, else json"), LIVE),
	ROW("WRENN_EVENTS_LOG_LEVEL", "info",
	    "lines to log: `info` and worse, `warn` and worse, or `error`", read_choice,
	    CHOICE(log_level, "info", "warn", "error"), LIVE),
	ROW("WRENN_EVENTS_CORE_DUMPS", "off",
	    "`on`: a crash may leave a core dump, and the same user may "
	    "attach a debugger; both expose keys and passwords",
	    read_choice, CHOICE(core_dumps, "off", "on")),
	ROW("WRENN_EVENTS_CONSOLE", "on",
	    "`off`: leave out the console, the pages for people below "
	    "`/console/`",
	    read_choice, CHOICE(console, "on", "off")),
	ROW("WRENN_EVENTS_CLAIM_IDLE_S", "60",
	    "seconds (1 to 86400) after which events that consumers of older versions left pending "
	    "are taken over",
	    read_number, NUMBER(claim_idle_s, 1, 86400)),
	ROW("WRENN_EVENTS_MAX_CONNECTIONS", "20000",
	    "open connections per worker (1 to 1000000); more get 503. If the "
	    "hard limit of open files is too low for this and `WRENN_EVENTS_MAX_INFLIGHT`, "
	    "both are lowered, so that deliveries have enough files; the log "
	    "says to what",
	    read_number, NUMBER(max_connections, 1, 1000000), LIVE),
	ROW("WRENN_EVENTS_MAX_STREAMS_PER_TEAM", "100",
	    "open live streams and waits per team and worker (1 to 1000000); "
	    "further waits get 429, further streams a time to reconnect",
	    read_number, NUMBER(max_streams_per_team, 1, 1000000), LIVE),
	ROW("WRENN_EVENTS_MAX_INFLIGHT", "256",
	    "notification requests under way per worker (1 to 10000); four "
	    "times as many connections are kept open",
	    read_number, NUMBER(max_inflight, 1, 10000)),
	ROW("WRENN_EVENTS_UNSTORED_RESULTS", "0",
	    "deliveries of one channel (2 to 8) that may have gone out "
	    "before their results are stored, while the channel has no "
	    "failures; a killed worker repeats at most these, with the same "
	    "ids. 0 or 1: each result is stored before the next request",
	    read_number, NUMBER(unstored_results, 0, 8)),
	ROW("WRENN_EVENTS_CA_FILE", NULL,
	    "certificates to trust for notifications instead of the system's", read_file_name,
	    TEXT(ca_file), UNSET("none"), LIVE),
	ROW("WRENN_EVENTS_CORS_ORIGINS", NULL,
	    "origins whose pages may use the API with their visitors' "
	    "cookies, separated by commas: "
	    "`https://app.example.com,http://localhost:5173`",
	    read_cors_origins, UNSET("none"), LIVE),
	ROW("WRENN_EVENTS_HISTORY_KB", "16384",
	    "KiB of recent events kept in memory per worker (64 to 1048576); "
	    "older cursors are served from Redis",
	    read_number, NUMBER(history_kb, 64, 1048576)),
	ROW("WRENN_EVENTS_DRAIN_S", "0",
	    "seconds (0 to 5) at shutdown between `/readyz` going down and the port being closed",
	    read_number, NUMBER(drain_s, 0, 5)),
	ROW("WRENN_EVENTS_LINK_BASE", NULL,
	    "where links in chat messages point: "
	    "`http(s)://host[:port][/path]`, such as "
	    "`https://wrenn.example`; `/capsules/<id>` and the like is "
	    "appended",
	    read_link_base, UNSET("no links"), LIVE),
	HOSTS("WRENN_EVENTS_HOSTS_SLACK", "slack",
	      "hosts other than Slack's own that accept its webhooks, separated by commas: "
	      "Mattermost, Rocket.Chat, Zulip; https on port 443"),
	HOSTS("WRENN_EVENTS_HOSTS_DISCORD", "discord",
	      "hosts other than Discord's own that accept its webhooks, separated by commas"),
	HOSTS("WRENN_EVENTS_HOSTS_TEAMS", "teams",
	      "hosts other than Microsoft's known ones that accept the messages of workflows, "
	      "separated by commas"),
	ORIGIN("WRENN_EVENTS_ORIGIN_DISCORD", "discord"),
	ORIGIN("WRENN_EVENTS_ORIGIN_SLACK", "slack"),
	ORIGIN("WRENN_EVENTS_ORIGIN_TEAMS", "teams"),
	ORIGIN("WRENN_EVENTS_ORIGIN_GOOGLECHAT", "googlechat"),
	ORIGIN("WRENN_EVENTS_ORIGIN_TELEGRAM", "telegram"),
	ORIGIN("WRENN_EVENTS_ORIGIN_MATRIX", "matrix"),
};

const size_t settings_count = ARRAY_LEN(settings);
static_assert(ARRAY_LEN(settings) <= SETTINGS_MAX, "struct setting_texts is too small");

size_t setting_find(struct str name)
{
	size_t row = 0;

	while (row < settings_count && !str_is(name, settings[row].name))
		row++;
	return row;
}

int setting_unknown(struct str name, unsigned line, struct buf *faults)
{
	const char *separator = "";

	if (!str_starts(name, STR(OUR_PREFIX)))
		return 0;
	buf_addf(faults, "%.*s: ", STR_ARGS(utf8_cut(name, 100)));
	if (line)
		buf_addf(faults, "line %u of the file: ", line);
	buf_add_text(faults, "no such setting; expected one of ");
	for (size_t row = 0; row < settings_count; row++) {
		if (!str_starts(str_of(settings[row].name), STR(OUR_PREFIX)))
			continue;
		buf_addf(faults, "%s%s", separator, settings[row].name);
		separator = ", ";
	}
	buf_add_char(faults, '\n');
	return -EINVAL;
}
