/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The table of settings and the walk over it. Texts come from the file, then from the
 * environment, which wins; each is read by its row; every fault is collected. The happy path
 * ends with a filled struct, every other with an empty one and a line per fault.
 */
#include "config/config.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/setting.h"
#include "core/utf8.h"

#define FILE_MAX_BYTES 1048576
#define OUR_PREFIX     "WRENN_EVENTS_"

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

int setting_fault(const char *name, struct buf *faults, const char *format, ...)
{
	va_list args;

	buf_addf(faults, "%s: ", name);
	va_start(args, format);
	buf_vaddf(faults, format, args);
	va_end(args);
	buf_add_char(faults, '\n');
	return -EINVAL;
}

int setting_unknown(struct str name, unsigned line, struct buf *faults)
{
	const char *separator = "";

	if (!str_starts(name, STR(OUR_PREFIX)))
		return 0;
	buf_addf(faults, "%.*s: ", STR_ARGS(utf8_cut(name, 100)));
	if (line)
		buf_addf(faults, "line %u of the file: ", line);
	buf_add_text(faults, "there is no such setting, only ");
	for (size_t row = 0; row < settings_count; row++) {
		if (!str_starts(str_of(settings[row].name), STR(OUR_PREFIX)))
			continue;
		buf_addf(faults, "%s%s", separator, settings[row].name);
		separator = ", ";
	}
	buf_add_char(faults, '\n');
	return -EINVAL;
}

/* The first of two equal names counts, as with getenv(). */
static int find_in_environment(char *const *environment, struct setting_texts *texts,
			       struct buf *faults)
{
	bool found[SETTINGS_MAX] = { false };
	int rc = 0;

	for (; *environment; environment++) {
		struct str value = str_of(*environment);
		struct str name = str_cut(&value, '=');
		size_t row = setting_find(name);

		if (!value.at)
			continue;
		if (row == settings_count) {
			if (setting_unknown(name, 0, faults) < 0)
				rc = -EINVAL;
		} else if (!found[row]) {
			found[row] = true;
			texts->value[row] = value;
		}
	}
	return rc;
}

static bool has_controls(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
			return true;
	}
	return false;
}

static int read_setting(const struct setting *setting, struct str value, struct config *out,
			struct buf *faults)
{
	if (value.len == 0) {
		if (!setting->fallback)
			return 0;
		value = str_of(setting->fallback);
	}
	if (has_controls(value))
		return setting_fault(setting->name, faults,
				     "it holds a control character, allowed is plain text");
	return setting->read(setting, value, out, faults);
}

static int read_all(const struct setting_texts *texts, struct config *out, struct buf *faults)
{
	int rc = 0;

	out->log = isatty(STDERR_FILENO) ? CONFIG_LOG_TEXT : CONFIG_LOG_JSON;
	for (size_t row = 0; row < settings_count; row++) {
		int fault = read_setting(&settings[row], texts->value[row], out, faults);

		if (fault == -ENOMEM)
			return fault;
		if (fault < 0)
			rc = fault;
	}
	return rc;
}

static int default_database_url(struct config *out)
{
	if (out->database_url)
		return 0;
	if (asprintf(&out->database_url, "sqlite:%s/wrenn-events.db", out->data_dir) < 0) {
		out->database_url = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int load(char *const *environment, struct str file_text, enum config_need need,
		struct config *out, struct buf *faults)
{
	struct setting_texts texts = { .line = { 0 } };
	int rc = settings_file_parse(file_text, &texts, faults);

	if (find_in_environment(environment, &texts, faults) < 0)
		rc = -EINVAL;

	int fault = read_all(&texts, out, faults);
	if (fault < 0)
		rc = fault;
	if (need == CONFIG_FOR_SERVE)
		fault = settings_find_key(&texts, environment, out, faults);
	if (fault < 0)
		rc = fault;
	return rc < 0 ? rc : default_database_url(out);
}

int config_load(char *const *environment, const char *file, enum config_need need,
		struct config *out, struct buf *faults)
{
	struct config config = { .workers = 0 };
	struct buf text;
	int rc = 0;

	buf_init(&text, FILE_MAX_BYTES);
	if (file)
		rc = settings_file_read(file, &text);
	if (rc < 0)
		setting_fault(file, faults, "cannot be read (%s)",
			      rc == -E2BIG ? "larger than 1 MiB" : strerror(-rc));
	else
		rc = load(environment, buf_str(&text), need, &config, faults);
	if (text.bytes)
		explicit_bzero(text.bytes, text.cap);
	buf_done(&text);

	if (rc < 0)
		config_done(&config);
	*out = config;
	explicit_bzero(config.encryption_key, sizeof(config.encryption_key));
	return rc;
}

static void wipe_text(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void config_done(struct config *config)
{
	wipe_text(config->database_url);
	wipe_text(config->redis_url);
	wipe_text(config->redis_sentinel_password);
	free(config->redis_ca_file);
	free(config->redis_cert_file);
	free(config->redis_key_file);
	free(config->listen_host);
	free(config->data_dir);
	free(config->group);
	free(config->ca_file);
	free(config->cors_origins);
	free(config->link_base);
	for (size_t i = 0; i < config->origin_count; i++)
		free(config->origins[i].origin);
	explicit_bzero(config, sizeof(*config));
}
