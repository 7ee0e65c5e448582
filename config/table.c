/* SPDX-License-Identifier: Apache-2.0 */

/* The table of settings. CONTRIBUTING.md says what else a new one needs. */
#include "config/table.h"

#include <assert.h>
#include <errno.h>

#include "config/read.h"
#include "core/utf8.h"

#define OUR_PREFIX "WRENN_EVENTS_"

#define ROW(variable, default_text, reader, ...)                                          \
	{                                                                                 \
		.name = variable, .fallback = default_text, .read = reader, ##__VA_ARGS__ \
	}
#define TEXT(member) .offset = offsetof(struct config, member)
#define CHOICE(member, ...)                                                       \
	.offset = offsetof(struct config, member), .words = (const char *const[]) \
	{                                                                         \
		__VA_ARGS__, NULL                                                 \
	}
#define NUMBER(member, from, to) \
	.offset = offsetof(struct config, member), .least = (from), .most = (to)
#define ORIGIN(variable, vendor) ROW(variable, NULL, read_origin, .provider = (vendor))

const struct setting settings[] = {
	ROW("WRENN_EVENTS_DATA_DIR", "var", read_text, TEXT(data_dir)),
	ROW("DATABASE_URL", NULL, read_database_url),
	ROW("WRENN_EVENTS_CREATE_STORE", "on", read_choice, CHOICE(create_store, "on", "off")),
	ROW("REDIS_URL", "redis://localhost:6379/0", read_redis_url),
	ROW("WRENN_EVENTS_REDIS_CA_FILE", NULL, read_file_name, TEXT(redis_ca_file)),
	ROW("WRENN_EVENTS_REDIS_CERT_FILE", NULL, read_file_name, TEXT(redis_cert_file)),
	ROW("WRENN_EVENTS_REDIS_KEY_FILE", NULL, read_file_name, TEXT(redis_key_file)),
	ROW("WRENN_EVENTS_REDIS_SENTINEL_PASSWORD", NULL, read_text, TEXT(redis_sentinel_password)),
	ROW("WRENN_ENCRYPTION_KEY", NULL, read_encryption_key),
	ROW("WRENN_ENCRYPTION_KEY_FILE", NULL, read_nothing), /* key.c looks into it */
	ROW("WRENN_CHANNELS_ALLOW_PRIVATE", NULL, read_allow_private),
	ROW("WRENN_EVENTS_LISTEN", "127.0.0.1:9730", read_listen),
	ROW("WRENN_EVENTS_SHARE_PORT", "data-dir", read_choice,
	    CHOICE(share_port, "data-dir", "any")),
	ROW("WRENN_EVENTS_WORKERS", "1", read_workers),
	ROW("WRENN_EVENTS_GROUP", "wrenn-events-v1", read_group),
	ROW("WRENN_EVENTS_DELIVER", "on", read_choice, CHOICE(deliver, "on", "off")),
	ROW("WRENN_EVENTS_NOTIFY_ON", "accept", read_choice,
	    CHOICE(notify_on, "accept", "completion")),
	ROW("WRENN_EVENTS_STRIP_HOST", "false", read_choice, CHOICE(strip_host, "false", "true")),
	ROW("WRENN_EVENTS_AUDIT", "all", read_choice, CHOICE(audit, "all", "missing", "off")),
	ROW("WRENN_EVENTS_AUDIT_STATUS", "seed", read_choice,
	    CHOICE(audit_status, "seed", "dashboard")),
	ROW("WRENN_EVENTS_API_KEYS", "manage", read_choice, CHOICE(api_keys, "manage", "stream")),
	ROW("WRENN_EVENTS_CHANNEL_ROLE", "member", read_choice,
	    CHOICE(channel_role, "member", "admin", "owner")),
	ROW("WRENN_EVENTS_KEEPALIVE_S", "15", read_number, NUMBER(keepalive_s, 1, 300)),
	ROW("WRENN_EVENTS_LOG", NULL, read_choice, CHOICE(log, "text", "json")),
	ROW("WRENN_EVENTS_CORE_DUMPS", "off", read_choice, CHOICE(core_dumps, "off", "on")),
	ROW("WRENN_EVENTS_CONSOLE", "on", read_choice, CHOICE(console, "on", "off")),
	ROW("WRENN_EVENTS_CLAIM_IDLE_S", "60", read_number, NUMBER(claim_idle_s, 1, 86400)),
	ROW("WRENN_EVENTS_MAX_CONNECTIONS", "20000", read_number,
	    NUMBER(max_connections, 1, 1000000)),
	ROW("WRENN_EVENTS_MAX_STREAMS_PER_TEAM", "100", read_number,
	    NUMBER(max_streams_per_team, 1, 1000000)),
	ROW("WRENN_EVENTS_MAX_INFLIGHT", "256", read_number, NUMBER(max_inflight, 1, 10000)),
	ROW("WRENN_EVENTS_CA_FILE", NULL, read_file_name, TEXT(ca_file)),
	ROW("WRENN_EVENTS_CORS_ORIGINS", NULL, read_cors_origins),
	ROW("WRENN_EVENTS_HISTORY_KB", "16384", read_number, NUMBER(history_kb, 64, 1048576)),
	ROW("WRENN_EVENTS_DRAIN_S", "0", read_number, NUMBER(drain_s, 0, 5)),
	ROW("WRENN_EVENTS_LINK_BASE", NULL, read_link_base),
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
