/* SPDX-License-Identifier: Apache-2.0 */

/* Every setting, read and checked. One member per variable, default in its comment. */
#ifndef CONFIG_VALUES_H
#define CONFIG_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/crypto.h"

enum config_deliver { CONFIG_DELIVER_ON, CONFIG_DELIVER_OFF };
enum config_notify { CONFIG_NOTIFY_ACCEPT, CONFIG_NOTIFY_COMPLETION };
enum config_create { CONFIG_CREATE_ON, CONFIG_CREATE_OFF };
enum config_strip { CONFIG_STRIP_OFF, CONFIG_STRIP_ON };
enum config_audit { CONFIG_AUDIT_ALL, CONFIG_AUDIT_MISSING, CONFIG_AUDIT_OFF };
enum config_audit_status { CONFIG_AUDIT_STATUS_SEED, CONFIG_AUDIT_STATUS_DASHBOARD };
enum config_api_keys { CONFIG_KEYS_MANAGE, CONFIG_KEYS_STREAM };
enum config_role { CONFIG_ROLE_MEMBER, CONFIG_ROLE_ADMIN, CONFIG_ROLE_OWNER };
enum config_log { CONFIG_LOG_TEXT, CONFIG_LOG_JSON };
enum config_log_level { CONFIG_LOG_INFO, CONFIG_LOG_WARN, CONFIG_LOG_ERROR };
enum config_core_dumps { CONFIG_CORE_DUMPS_OFF, CONFIG_CORE_DUMPS_ON };
enum config_console { CONFIG_CONSOLE_ON, CONFIG_CONSOLE_OFF };
enum config_share { CONFIG_SHARE_DATA_DIR, CONFIG_SHARE_ANY };

#define CONFIG_MAX_ORIGINS  6
#define CONFIG_MAX_SETTINGS 64

/* WRENN_EVENTS_ORIGIN_<PROVIDER>: where that provider's requests go instead. */
struct config_origin {
	const char *provider; /* constant, as the registry of providers spells it: "discord" */
	char *origin;         /* scheme://host or scheme://host:port */
};

#define CONFIG_MAX_HOSTS 3

/* WRENN_EVENTS_HOSTS_<PROVIDER>: hosts other than that vendor's own. */
struct config_hosts {
	const char *provider; /* as in struct config_origin */
	char *hosts;          /* separated by commas */
};

struct config {
	char *database_url;              /* may hold a password */
	enum config_create create_store; /* WRENN_EVENTS_CREATE_STORE, default on */
	char *redis_url;                 /* may hold a password */
	char *redis_ca_file;             /* WRENN_EVENTS_REDIS_CA_FILE; NULL: the system's */
	char *redis_cert_file;           /* WRENN_EVENTS_REDIS_CERT_FILE; NULL: none */
	char *redis_key_file;            /* WRENN_EVENTS_REDIS_KEY_FILE; NULL: none */
	char *redis_sentinel_password;   /* WRENN_EVENTS_REDIS_SENTINEL_PASSWORD; NULL: none */
	uint8_t encryption_key[SEAL_KEY_SIZE];
	bool key_is_open; /* it came from a file that others may use besides its owner */
	bool allow_private;
	char *listen_host;
	uint16_t listen_port;
	enum config_share share_port; /* WRENN_EVENTS_SHARE_PORT, default data-dir */
	char *data_dir;
	unsigned workers; /* `auto` is resolved to the number of cores */
	char *group;
	enum config_deliver deliver;
	enum config_notify notify_on; /* WRENN_EVENTS_NOTIFY_ON, default accept */
	enum config_strip strip_host; /* WRENN_EVENTS_STRIP_HOST, default false */
	enum config_audit audit;
	enum config_audit_status audit_status;
	char *audit_origin;   /* WRENN_EVENTS_AUDIT_ORIGIN; NULL: made of the store's identity */
	char *audit_key_file; /* default audit-signing.key in the data directory */
	bool has_own_audit_key_file;    /* nobody chose it */
	char *audit_checkpoint_dir;     /* WRENN_EVENTS_AUDIT_CHECKPOINT_DIR; NULL: none */
	char *audit_checkpoint_command; /* WRENN_EVENTS_AUDIT_CHECKPOINT_COMMAND; NULL: none */
	unsigned audit_keep_days;       /* WRENN_EVENTS_AUDIT_KEEP_DAYS; 0: for ever */
	char *audit_archive_dir;        /* WRENN_EVENTS_AUDIT_ARCHIVE_DIR; NULL: none */
	enum config_api_keys api_keys;
	enum config_role channel_role;
	unsigned keepalive_s;
	enum config_log log;
	enum config_log_level log_level;   /* WRENN_EVENTS_LOG_LEVEL, default info */
	enum config_core_dumps core_dumps; /* WRENN_EVENTS_CORE_DUMPS, default off */
	enum config_console console;       /* WRENN_EVENTS_CONSOLE, default on */
	unsigned claim_idle_s;             /* WRENN_EVENTS_CLAIM_IDLE_S, default 60 */
	unsigned max_connections;          /* WRENN_EVENTS_MAX_CONNECTIONS, default 20000 */
	unsigned max_streams_per_team;     /* WRENN_EVENTS_MAX_STREAMS_PER_TEAM, default 100 */
	unsigned max_inflight;             /* WRENN_EVENTS_MAX_INFLIGHT, default 256 */
	unsigned unstored_results;         /* WRENN_EVENTS_UNSTORED_RESULTS, default 0 */
	char *ca_file;       /* WRENN_EVENTS_CA_FILE, for private CAs; NULL: the system's */
	char *link_base;     /* WRENN_EVENTS_LINK_BASE, without trailing slashes; NULL: no links */
	char *cors_origins;  /* WRENN_EVENTS_CORS_ORIGINS, separated by commas; NULL: none */
	unsigned history_kb; /* WRENN_EVENTS_HISTORY_KB, default 16384 */
	unsigned drain_s;    /* WRENN_EVENTS_DRAIN_S, default 0 */
	uint64_t marks[CONFIG_MAX_SETTINGS]; /* hashes of each setting's text, to find changes */
	size_t hosts_count;
	struct config_hosts hosts[CONFIG_MAX_HOSTS];
	size_t origin_count;
	struct config_origin origins[CONFIG_MAX_ORIGINS];
};

#endif
