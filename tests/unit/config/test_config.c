/* SPDX-License-Identifier: Apache-2.0 */

/* From the environment to the struct: defaults, accepted spellings, refused ones. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "config/config.h"
#include "config/table.h"

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"

static char faults_text[65536];

/* Loads from `environment` alone; the faults are left in faults_text. */
static int load_for(enum config_need need, const char *const *environment, struct config *out)
{
	struct buf faults;

	buf_init(&faults, sizeof(faults_text) - 1);
	int rc = config_load((char *const *)environment, NULL, need, out, &faults);
	snprintf(faults_text, sizeof(faults_text), "%s", buf_text(&faults));
	buf_done(&faults);
	return rc;
}

static int load_one(const char *variable, struct config *out)
{
	const char *const environment[] = { "WRENN_ENCRYPTION_KEY=" KEY, variable, NULL };

	return load_for(CONFIG_FOR_SERVE, environment, out);
}

static size_t count_lines(void)
{
	size_t lines = 0;

	for (const char *at = faults_text; *at; at++)
		lines += *at == '\n';
	return lines;
}

Test(config_load, gives_the_defaults)
{
	const char *const environment[] = { "PATH=/bin", "WRENN_ENCRYPTION_KEY=" KEY, NULL };
	struct config config;

	cr_assert_eq(load_for(CONFIG_FOR_SERVE, environment, &config), 0, "%s", faults_text);
	cr_expect_str_eq(faults_text, "");
	cr_expect_str_eq(config.database_url, "sqlite:var/wrenn-events.db");
	cr_expect_str_eq(config.redis_url, "redis://localhost:6379/0");
	cr_expect_eq(config.encryption_key[0], 0);
	cr_expect_eq(config.encryption_key[31], 0x1f);
	cr_expect_not(config.allow_private);
	cr_expect_str_eq(config.listen_host, "127.0.0.1");
	cr_expect_eq(config.listen_port, 9730);
	cr_expect_str_eq(config.data_dir, "var");
	cr_expect_eq(config.workers, 1);
	cr_expect_str_eq(config.group, "wrenn-events-v1");
	cr_expect_eq(config.deliver, CONFIG_DELIVER_ON);
	cr_expect_eq(config.notify_on, CONFIG_NOTIFY_ACCEPT);
	cr_expect_eq(config.strip_host, CONFIG_STRIP_OFF);
	cr_expect_eq(config.audit, CONFIG_AUDIT_ALL);
	cr_expect_eq(config.api_keys, CONFIG_KEYS_MANAGE);
	cr_expect_eq(config.channel_role, CONFIG_ROLE_MEMBER);
	cr_expect_eq(config.keepalive_s, 15);
	cr_expect_eq(config.console, CONFIG_CONSOLE_ON);
	cr_expect_eq(config.claim_idle_s, 60);
	cr_expect_eq(config.max_connections, 20000);
	cr_expect_eq(config.max_streams_per_team, 100);
	cr_expect_eq(config.max_inflight, 256);
	cr_expect_null(config.ca_file);
	cr_expect_null(config.link_base);
	cr_expect_eq(config.origin_count, 0);
	config_done(&config);
}

Test(config_load, takes_every_setting)
{
	const char *const environment[] = {
		"WRENN_ENCRYPTION_KEY=" KEY,
		"DATABASE_URL=postgres://u:p@h:5432/d?sslmode=disable",
		"REDIS_URL=unix:///run/redis.sock",
		"WRENN_CHANNELS_ALLOW_PRIVATE=true",
		"WRENN_EVENTS_LISTEN=[::1]:65535",
		"WRENN_EVENTS_DATA_DIR=/var/lib/wrenn events",
		"WRENN_EVENTS_WORKERS=256",
		"WRENN_EVENTS_GROUP=wrenn-channels-v1",
		"WRENN_EVENTS_DELIVER=off",
		"WRENN_EVENTS_AUDIT=missing",
		"WRENN_EVENTS_API_KEYS=stream",
		"WRENN_EVENTS_CHANNEL_ROLE=owner",
		"WRENN_EVENTS_KEEPALIVE_S=300",
		"WRENN_EVENTS_LOG=json",
		"WRENN_EVENTS_CONSOLE=off",
		"WRENN_EVENTS_CLAIM_IDLE_S=1",
		"WRENN_EVENTS_MAX_CONNECTIONS=1000000",
		"WRENN_EVENTS_MAX_STREAMS_PER_TEAM=1",
		"WRENN_EVENTS_MAX_INFLIGHT=10000",
		"WRENN_EVENTS_CA_FILE=/dev/null",
		"WRENN_EVENTS_LINK_BASE=https://wrenn.example/app/",
		"WRENN_EVENTS_ORIGIN_SLACK=http://127.0.0.1:8080",
		"WRENN_EVENTS_ORIGIN_DISCORD=https://gateway.internal",
		NULL,
	};
	struct config config;

	cr_assert_eq(load_for(CONFIG_FOR_SERVE, environment, &config), 0, "%s", faults_text);
	cr_expect_str_eq(config.database_url, "postgres://u:p@h:5432/d?sslmode=disable");
	cr_expect_str_eq(config.redis_url, "unix:///run/redis.sock");
	cr_expect(config.allow_private);
	cr_expect_str_eq(config.listen_host, "::1");
	cr_expect_eq(config.listen_port, 65535);
	cr_expect_str_eq(config.data_dir, "/var/lib/wrenn events");
	cr_expect_eq(config.workers, 256);
	cr_expect_str_eq(config.group, "wrenn-channels-v1");
	cr_expect_eq(config.deliver, CONFIG_DELIVER_OFF);
	cr_expect_eq(config.audit, CONFIG_AUDIT_MISSING);
	cr_expect_eq(config.api_keys, CONFIG_KEYS_STREAM);
	cr_expect_eq(config.channel_role, CONFIG_ROLE_OWNER);
	cr_expect_eq(config.keepalive_s, 300);
	cr_expect_eq(config.log, CONFIG_LOG_JSON);
	cr_expect_eq(config.console, CONFIG_CONSOLE_OFF);
	cr_expect_eq(config.claim_idle_s, 1);
	cr_expect_eq(config.max_connections, 1000000);
	cr_expect_eq(config.max_streams_per_team, 1);
	cr_expect_eq(config.max_inflight, 10000);
	cr_expect_str_eq(config.ca_file, "/dev/null");
	cr_expect_str_eq(config.link_base, "https://wrenn.example/app");
	cr_assert_eq(config.origin_count, 2);
	cr_expect_str_eq(config.origins[0].provider, "discord");
	cr_expect_str_eq(config.origins[0].origin, "https://gateway.internal");
	cr_expect_str_eq(config.origins[1].provider, "slack");
	cr_expect_str_eq(config.origins[1].origin, "http://127.0.0.1:8080");
	config_done(&config);
}

Test(config_load, has_room_for_the_origin_of_every_provider)
{
	char texts[SETTINGS_MAX][80];
	const char *environment[SETTINGS_MAX + 2] = { "WRENN_ENCRYPTION_KEY=" KEY };
	struct config config;
	size_t count = 0;

	for (size_t row = 0; row < settings_count; row++) {
		if (!str_starts(str_of(settings[row].name), STR("WRENN_EVENTS_ORIGIN_")))
			continue;
		snprintf(texts[count], sizeof(texts[count]), "%s=http://h:1", settings[row].name);
		environment[count + 1] = texts[count];
		count++;
	}
	cr_assert_eq(load_for(CONFIG_FOR_SERVE, environment, &config), 0, "%s", faults_text);
	cr_expect_eq(config.origin_count, count);
	config_done(&config);
}

Test(config_load, reads_every_word_of_a_choice)
{
	static const struct {
		const char *variable;
		size_t offset;
		unsigned expected;
	} cases[] = {
		{ "WRENN_EVENTS_CREATE_STORE=off", offsetof(struct config, create_store),
		  CONFIG_CREATE_OFF },
		{ "WRENN_EVENTS_DELIVER=on", offsetof(struct config, deliver), CONFIG_DELIVER_ON },
		{ "WRENN_EVENTS_NOTIFY_ON=accept", offsetof(struct config, notify_on),
		  CONFIG_NOTIFY_ACCEPT },
		{ "WRENN_EVENTS_NOTIFY_ON=completion", offsetof(struct config, notify_on),
		  CONFIG_NOTIFY_COMPLETION },
		{ "WRENN_EVENTS_STRIP_HOST=true", offsetof(struct config, strip_host),
		  CONFIG_STRIP_ON },
		{ "WRENN_EVENTS_STRIP_HOST=false", offsetof(struct config, strip_host),
		  CONFIG_STRIP_OFF },
		{ "WRENN_EVENTS_DELIVER=off", offsetof(struct config, deliver),
		  CONFIG_DELIVER_OFF },
		{ "WRENN_EVENTS_AUDIT=all", offsetof(struct config, audit), CONFIG_AUDIT_ALL },
		{ "WRENN_EVENTS_AUDIT=missing", offsetof(struct config, audit),
		  CONFIG_AUDIT_MISSING },
		{ "WRENN_EVENTS_AUDIT=off", offsetof(struct config, audit), CONFIG_AUDIT_OFF },
		{ "WRENN_EVENTS_API_KEYS=manage", offsetof(struct config, api_keys),
		  CONFIG_KEYS_MANAGE },
		{ "WRENN_EVENTS_API_KEYS=stream", offsetof(struct config, api_keys),
		  CONFIG_KEYS_STREAM },
		{ "WRENN_EVENTS_CHANNEL_ROLE=member", offsetof(struct config, channel_role),
		  CONFIG_ROLE_MEMBER },
		{ "WRENN_EVENTS_CHANNEL_ROLE=admin", offsetof(struct config, channel_role),
		  CONFIG_ROLE_ADMIN },
		{ "WRENN_EVENTS_CHANNEL_ROLE=owner", offsetof(struct config, channel_role),
		  CONFIG_ROLE_OWNER },
		{ "WRENN_EVENTS_CONSOLE=on", offsetof(struct config, console), CONFIG_CONSOLE_ON },
		{ "WRENN_EVENTS_CONSOLE=off", offsetof(struct config, console),
		  CONFIG_CONSOLE_OFF },
		{ "WRENN_EVENTS_LOG=text", offsetof(struct config, log), CONFIG_LOG_TEXT },
		{ "WRENN_EVENTS_LOG=json", offsetof(struct config, log), CONFIG_LOG_JSON },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config config;
		unsigned got;

		cr_assert_eq(load_one(cases[i].variable, &config), 0, "%s", faults_text);
		memcpy(&got, (const char *)&config + cases[i].offset, sizeof(got));
		cr_expect_eq(got, cases[i].expected, "%s gave %u", cases[i].variable, got);
		config_done(&config);
	}
}

static const struct {
	const char *name;
	const char *value;
} refused[] = {
	{ "DATABASE_URL", "mysql://hunter2" },
	{ "DATABASE_URL", "sqlite:" },
	{ "DATABASE_URL", "postgres://" },
	{ "DATABASE_URL", "/var/hunter2.db" },
	{ "DATABASE_URL", " sqlite:x" },
	{ "DATABASE_URL", "sqlite:a\nb" },
	{ "REDIS_URL", "hunter2:6379" },
	{ "REDIS_URL", "http://hunter2" },
	{ "REDIS_URL", "redis://" },
	{ "REDIS_URL", "unix://hunter2" },
	{ "REDIS_URL", "unix:///" },
	{ "WRENN_EVENTS_LISTEN", "127.0.0.1" },
	{ "WRENN_EVENTS_LISTEN", "9730" },
	{ "WRENN_EVENTS_LISTEN", ":9730" },
	{ "WRENN_EVENTS_LISTEN", "h:" },
	{ "WRENN_EVENTS_LISTEN", "h:0" },
	{ "WRENN_EVENTS_LISTEN", "h:65536" },
	{ "WRENN_EVENTS_LISTEN", "h:65537" },
	{ "WRENN_EVENTS_LISTEN", "h:-1" },
	{ "WRENN_EVENTS_LISTEN", "h:080000" },
	{ "WRENN_EVENTS_LISTEN", "h:http" },
	{ "WRENN_EVENTS_LISTEN", "::1:9730" },
	{ "WRENN_EVENTS_LISTEN", "[::1]" },
	{ "WRENN_EVENTS_LISTEN", "[::1]9730" },
	{ "WRENN_EVENTS_LISTEN", "[::g]:9730" },
	{ "WRENN_EVENTS_LISTEN", "[]:9730" },
	{ "WRENN_EVENTS_LISTEN", "[h]:9730" },
	{ "WRENN_EVENTS_LISTEN", "]:9730" },
	{ "WRENN_EVENTS_LISTEN", "a b:9730" },
	{ "WRENN_EVENTS_LISTEN", "http://h:9730" },
	{ "WRENN_EVENTS_LISTEN",
	  "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:9730" },
	{ "WRENN_EVENTS_WORKERS", "0" },
	{ "WRENN_EVENTS_WORKERS", "257" },
	{ "WRENN_EVENTS_WORKERS", "-1" },
	{ "WRENN_EVENTS_WORKERS", "Auto" },
	{ "WRENN_EVENTS_WORKERS", "2 " },
	{ "WRENN_EVENTS_WORKERS", "1.5" },
	{ "WRENN_EVENTS_WORKERS", "18446744073709551617" },
	{ "WRENN_EVENTS_GROUP", "a b" },
	{ "WRENN_EVENTS_GROUP", "gr\xc3\xbcn" },
	{ "WRENN_EVENTS_GROUP", "wrenn-sandbox-reconciler-v1" },
	{ "WRENN_EVENTS_CREATE_STORE", "no" },
	{ "WRENN_EVENTS_DELIVER", "yes" },
	{ "WRENN_EVENTS_DELIVER", "ON" },
	{ "WRENN_EVENTS_DELIVER", "o" },
	{ "WRENN_EVENTS_AUDIT", "none" },
	{ "WRENN_EVENTS_API_KEYS", "all" },
	{ "WRENN_EVENTS_CHANNEL_ROLE", "root" },
	{ "WRENN_EVENTS_KEEPALIVE_S", "0" },
	{ "WRENN_EVENTS_KEEPALIVE_S", "301" },
	{ "WRENN_EVENTS_KEEPALIVE_S", "15s" },
	{ "WRENN_EVENTS_LOG", "xml" },
	{ "WRENN_EVENTS_CONSOLE", "yes" },
	{ "WRENN_EVENTS_CLAIM_IDLE_S", "0" },
	{ "WRENN_EVENTS_CLAIM_IDLE_S", "86401" },
	{ "WRENN_EVENTS_MAX_CONNECTIONS", "0" },
	{ "WRENN_EVENTS_MAX_CONNECTIONS", "4294967296" },
	{ "WRENN_EVENTS_MAX_STREAMS_PER_TEAM", "0" },
	{ "WRENN_EVENTS_MAX_STREAMS_PER_TEAM", "+5" },
	{ "WRENN_EVENTS_MAX_INFLIGHT", "10001" },
	{ "WRENN_EVENTS_CORS_ORIGINS", "*" },
	{ "WRENN_EVENTS_CORS_ORIGINS", "null" },
	{ "WRENN_EVENTS_CORS_ORIGINS", "https://a.example,b.example" },
	{ "WRENN_EVENTS_CORS_ORIGINS", "https://a.example/" },
	{ "WRENN_EVENTS_CORS_ORIGINS", "https://a.example,," },
	{ "WRENN_EVENTS_DRAIN_S", "6" },
	{ "WRENN_EVENTS_HISTORY_KB", "63" },
	{ "WRENN_EVENTS_CA_FILE", "/nowhere/at/all" },
	{ "WRENN_EVENTS_LINK_BASE", "wrenn.example" },
	{ "WRENN_EVENTS_LINK_BASE", "//wrenn.example" },
	{ "WRENN_EVENTS_LINK_BASE", "ftp://wrenn.example" },
	{ "WRENN_EVENTS_LINK_BASE", "javascript:alert(1)" },
	{ "WRENN_EVENTS_LINK_BASE", "https://" },
	{ "WRENN_EVENTS_LINK_BASE", "https:///app" },
	{ "WRENN_EVENTS_LINK_BASE", "https://u:hunter2@h" },
	{ "WRENN_EVENTS_LINK_BASE", "https://h?q=hunter2" },
	{ "WRENN_EVENTS_LINK_BASE", "https://h/app?q" },
	{ "WRENN_EVENTS_LINK_BASE", "https://h/app#f" },
	{ "WRENN_EVENTS_LINK_BASE", "https://h#f" },
	{ "WRENN_EVENTS_LINK_BASE", "https://h:0/app" },
	{ "WRENN_EVENTS_LINK_BASE", "https://h:70000" },
	{ "WRENN_EVENTS_LINK_BASE", "https://h/a b" },
	{ "WRENN_EVENTS_LINK_BASE", "https://h/a|b" },
	{ "WRENN_EVENTS_LINK_BASE", "https://h/a)b" },
	{ "WRENN_EVENTS_LINK_BASE", "https://h/a%20b" },
	{ "WRENN_EVENTS_LINK_BASE", "https://h\\evil" },
	{ "WRENN_EVENTS_DATA_DIR", "a\x01" },
	{ "WRENN_EVENTS_DATA_DIR", "a\x7f" },
	{ "WRENN_EVENTS_ORIGIN_SLACK", "h:80" },
	{ "WRENN_EVENTS_ORIGIN_SLACK", "ftp://h:80" },
	{ "WRENN_EVENTS_ORIGIN_SLACK", "http://" },
	{ "WRENN_EVENTS_ORIGIN_SLACK", "http://h:80/" },
	{ "WRENN_EVENTS_ORIGIN_TEAMS", "http://h?hunter2" },
	{ "WRENN_EVENTS_ORIGIN_TELEGRAM", "http://u:hunter2@h:80" },
	{ "WRENN_EVENTS_ORIGIN_MATRIX", "http://h:" },
	{ "WRENN_EVENTS_ORIGIN_MATRIX", "http://h:0" },
	{ "WRENN_EVENTS_ORIGIN_GOOGLECHAT", "http://h#" },
	{ "WRENN_EVENTS_ORIGIN_DISCORD", "http://:80" },
};

Test(config_load, refuses_bad_values_with_a_line_that_names_them)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct buf variable, start;
		struct config config;

		buf_init(&variable, 1000);
		buf_init(&start, 1000);
		buf_addf(&variable, "%s=%s", refused[i].name, refused[i].value);
		buf_addf(&start, "%s: ", refused[i].name);
		cr_expect_eq(load_one(buf_text(&variable), &config), -EINVAL, "%s",
			     buf_text(&variable));
		cr_expect(str_starts(str_of(faults_text), buf_str(&start)), "%s", faults_text);
		cr_expect_not_null(strstr(faults_text, "expected "), "%s", faults_text);
		cr_expect_eq(count_lines(), 1, "%s", faults_text);
		cr_expect_null(strstr(faults_text, "hunter2"), "%s", faults_text);
		buf_done(&start);
		buf_done(&variable);
	}
}

Test(config_load, takes_a_group_of_128_bytes_and_no_more)
{
	char variable[200] = "WRENN_EVENTS_GROUP=";
	const size_t name_len = strlen(variable);
	struct config config;

	memset(variable + name_len, 'g', 128);
	cr_expect_eq(load_one(variable, &config), 0, "%s", faults_text);
	config_done(&config);
	variable[name_len + 128] = 'g';
	cr_expect_eq(load_one(variable, &config), -EINVAL);
}

Test(config_load, demands_a_whole_encryption_key_and_never_shows_it)
{
	static const char *const values[] = {
		"0123456789abcdef",
		KEY "0",
		KEY "00",
		"zz0102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F",
		"0x0102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F",
		" 00102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F",
	};

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		char variable[128];
		const char *const environment[] = { variable, NULL };
		struct config config;

		snprintf(variable, sizeof(variable), "WRENN_ENCRYPTION_KEY=%s", values[i]);
		cr_expect_eq(load_for(CONFIG_FOR_SERVE, environment, &config), -EINVAL, "%s",
			     values[i]);
		cr_expect(str_starts(str_of(faults_text), STR("WRENN_ENCRYPTION_KEY: ")));
		cr_expect_eq(count_lines(), 1);
		cr_expect_null(strstr(faults_text, "0102"), "%s", faults_text);
		cr_expect_null(strstr(faults_text, "abcdef"), "%s", faults_text);
		/* A damaged key is a fault, also for commands that do not need it. */
		cr_expect_eq(load_for(CONFIG_FOR_STORE, environment, &config), -EINVAL);
	}
}

Test(config_load, demands_the_encryption_key_for_serve_alone)
{
	static const char *const unset[] = { "PATH=/bin", NULL };
	static const char *const empty[] = { "WRENN_ENCRYPTION_KEY=", NULL };
	struct config config;

	cr_expect_eq(load_for(CONFIG_FOR_SERVE, unset, &config), -EINVAL);
	cr_expect(str_starts(str_of(faults_text), STR("WRENN_ENCRYPTION_KEY: not set")));
	cr_expect_eq(load_for(CONFIG_FOR_SERVE, empty, &config), -EINVAL);
	cr_expect_eq(load_for(CONFIG_FOR_STORE, unset, &config), 0, "%s", faults_text);
	cr_expect_str_eq(config.database_url, "sqlite:var/wrenn-events.db");
	config_done(&config);
	cr_expect_eq(load_for(CONFIG_FOR_REDIS, empty, &config), 0, "%s", faults_text);
	cr_expect_str_eq(config.redis_url, "redis://localhost:6379/0");
	config_done(&config);
}

Test(config_load, reports_every_fault_at_once)
{
	static const char *const environment[] = {
		"WRENN_EVENTS_NONSENSE=1", "WRENN_EVENTS_WORKERS=none",   "REDIS_URL=http://x",
		"WRENN_EVENTS_AUDIT=some", "WRENN_EVENTS_LISTEN=nowhere", NULL,
	};
	static const char *const names[] = {
		"WRENN_EVENTS_NONSENSE: ", "WRENN_EVENTS_WORKERS: ", "REDIS_URL: ",
		"WRENN_EVENTS_AUDIT: ",    "WRENN_EVENTS_LISTEN: ",  "WRENN_ENCRYPTION_KEY: ",
	};
	struct config config;

	cr_expect_eq(load_for(CONFIG_FOR_SERVE, environment, &config), -EINVAL);
	cr_expect_eq(count_lines(), ARRAY_LEN(names), "%s", faults_text);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		cr_expect_not_null(strstr(faults_text, names[i]), "%s", names[i]);
}

Test(config_load, refuses_unknown_names_of_ours_alone)
{
	static const struct {
		const char *variable;
		bool fault;
	} cases[] = {
		{ "WRENN_EVENTS_WORKER=1", true },
		{ "WRENN_EVENTS_workers=1", true },
		{ "WRENN_EVENTS_=1", true },
		{ "WRENN_EVENTS_ORIGIN_WEBHOOK=http://h:1", true },
		{ "WRENN_EVENTS_ORIGIN_=http://h:1", true },
		{ "WRENN_EVENTS_WORKERS_X=", true },
		{ "WRENN_EVENTS=1", false },
		{ "WRENN_BASE_URL=x", false },
		{ "WRENN_API_KEY=x", false },
		{ "XWRENN_EVENTS_FOO=1", false },
		{ "wrenn_events_foo=1", false },
		{ "WRENN_EVENTS_NO_EQUALS_SIGN", false },
		{ "=", false },
		{ "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config config;

		cr_expect_eq(load_one(cases[i].variable, &config), cases[i].fault ? -EINVAL : 0,
			     "%s: %s", cases[i].variable, faults_text);
		if (cases[i].fault)
			cr_expect_not_null(strstr(faults_text, "WRENN_EVENTS_WORKERS, "), "%s",
					   faults_text);
		config_done(&config);
	}
}

Test(config_load, reads_allow_private_by_the_words_of_the_contract)
{
	static const struct {
		const char *value;
		bool expected;
	} cases[] = {
		{ "1", true },      { "t", true },      { "T", true },      { "true", true },
		{ "True", true },   { "TRUE", true },   { "0", false },     { "f", false },
		{ "F", false },     { "false", false }, { "False", false }, { "FALSE", false },
		{ "", false },      { "yes", false },   { "on", false },    { "tRUE", false },
		{ "true ", false }, { "11", false },    { "2", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char variable[64];
		struct config config;

		snprintf(variable, sizeof(variable), "WRENN_CHANNELS_ALLOW_PRIVATE=%s",
			 cases[i].value);
		cr_assert_eq(load_one(variable, &config), 0, "%s", faults_text);
		cr_expect_eq(config.allow_private, cases[i].expected, "\"%s\"", cases[i].value);
		config_done(&config);
	}
}

Test(config_load, takes_an_empty_value_as_the_default)
{
	static const char *const environment[] = {
		"DATABASE_URL=",
		"REDIS_URL=",
		"WRENN_EVENTS_WORKERS=",
		"WRENN_EVENTS_LISTEN=",
		"WRENN_EVENTS_AUDIT=",
		"WRENN_EVENTS_CA_FILE=",
		"WRENN_EVENTS_LINK_BASE=",
		"WRENN_EVENTS_DATA_DIR=",
		"WRENN_EVENTS_ORIGIN_SLACK=",
		NULL,
	};
	struct config config;

	cr_assert_eq(load_for(CONFIG_FOR_STORE, environment, &config), 0, "%s", faults_text);
	cr_expect_str_eq(config.database_url, "sqlite:var/wrenn-events.db");
	cr_expect_eq(config.workers, 1);
	cr_expect_null(config.ca_file);
	cr_expect_eq(config.origin_count, 0);
	config_done(&config);
}

Test(config_load, puts_the_default_database_into_the_data_directory)
{
	struct config config;

	cr_assert_eq(load_one("WRENN_EVENTS_DATA_DIR=/srv/we", &config), 0, "%s", faults_text);
	cr_expect_str_eq(config.database_url, "sqlite:/srv/we/wrenn-events.db");
	config_done(&config);
}

Test(config_load, lets_the_first_of_two_equal_names_count)
{
	static const char *const environment[] = { "WRENN_EVENTS_WORKERS=2",
						   "WRENN_EVENTS_WORKERS=3", NULL };
	struct config config;

	cr_assert_eq(load_for(CONFIG_FOR_STORE, environment, &config), 0);
	cr_expect_eq(config.workers, 2);
	config_done(&config);
}

Test(config_load, makes_auto_the_cores_we_may_use)
{
	cpu_set_t one;
	struct config config;

	cr_assert_eq(load_one("WRENN_EVENTS_WORKERS=auto", &config), 0);
	cr_expect_geq(config.workers, 1);
	config_done(&config);

	cpu_set_t all;
	cr_assert_eq(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++) {
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &one);
	}
	cr_assert_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	cr_assert_eq(load_one("WRENN_EVENTS_WORKERS=auto", &config), 0);
	cr_expect_eq(config.workers, 1);
	config_done(&config);
}

Test(config_load, logs_as_json_where_nobody_watches)
{
	struct config config;
	int null = open("/dev/null", O_WRONLY);

	cr_assert_geq(dup2(null, STDERR_FILENO), 0);
	cr_assert_eq(load_one("X=", &config), 0);
	cr_expect_eq(config.log, CONFIG_LOG_JSON);
	config_done(&config);
	close(null);
}

Test(config_load, logs_as_text_on_a_terminal)
{
	struct config config;
	int terminal = posix_openpt(O_RDWR | O_NOCTTY);

	cr_assert_geq(terminal, 0);
	cr_assert_geq(dup2(terminal, STDERR_FILENO), 0);
	cr_assert_eq(load_one("X=", &config), 0);
	cr_expect_eq(config.log, CONFIG_LOG_TEXT);
	config_done(&config);
	close(terminal);
}

Test(config_load, leaves_an_empty_struct_after_a_fault)
{
	static const struct config empty;
	struct config config;

	memset(&config, 0xff, sizeof(config));
	cr_expect_eq(load_one("WRENN_EVENTS_LOG=xml", &config), -EINVAL);
	cr_expect_eq(memcmp(&config, &empty, sizeof(config)), 0);
	config_done(&config);
}

Test(config_done, wipes_the_key_and_may_be_repeated)
{
	static const struct config empty;
	struct config config;

	cr_assert_eq(load_one("WRENN_EVENTS_ORIGIN_SLACK=http://h:1", &config), 0);
	config_done(&config);
	cr_expect_eq(memcmp(&config, &empty, sizeof(config)), 0);
	config_done(&config);
}

Test(config_load, shows_a_bad_value_cleaned_and_cut)
{
	char variable[600] = "WRENN_EVENTS_AUDIT=\xff\xe2\x80\xae";
	struct config config;

	memset(variable + strlen(variable), 'x', 500);
	cr_expect_eq(load_one(variable, &config), -EINVAL);
	cr_expect_leq(strlen(faults_text), 200, "%s", faults_text);
	cr_expect_null(strchr(faults_text, '\xff'));
	cr_expect_null(strstr(faults_text, "\xe2\x80\xae"));
}
