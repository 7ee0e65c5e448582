/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `serve`: checks the settings, brings the schema up to date, and runs the workers.
 * After the last worker it merges a SQLite store into one file.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/open_files.h"
#include "app/port.h"
#include "app/serve.h"
#include "app/supervisor.h"
#include "app/systemd.h"
#include "app/wiring.h"
#include "audit/audit.h"
#include "cli/command.h"
#include "cli/redis_settings.h"
#include "core/clock.h"
#include "core/errno_text.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/version.h"
#include "net/net.h"
#include "providers/provider.h"
#include "store/store.h"
#include "targets/targets.h"

static const char usage[] =
	"Usage: wrenn-events serve [OPTION...]\n"
	"\n"
	"Runs the service until SIGTERM or SIGINT.\n"
	"\n"
	"  --config FILE   read KEY=VALUE lines; the environment wins over the file\n"
	"  --workers N     worker processes, a number or `auto` (WRENN_EVENTS_WORKERS)\n"
	"  --check         check every setting, say what is wrong, and exit\n"
	"  --accept-key    accept WRENN_ENCRYPTION_KEY although another key encrypted the\n"
	"                  store; its channels pause until they get new settings\n"
	"\n"
	"The settings are environment variables: `wrenn-events help settings` lists them.\n"
	"\n"
	"Example: wrenn-events serve --config /etc/wrenn-events/wrenn-events.env --check\n";

/* Continue while the database is unreachable, because the store retries. Fail if the schema is
 * unusable. */
static int prepare_store(const struct config *config, enum key_use key_use)
{
	struct reason why = { .text = "" };
	int rc = 0;

	if (config->create_store == CONFIG_CREATE_ON)
		rc = store_make(config->database_url, &why);
	if (rc == 0)
		rc = store_migrate(config->database_url, &why);
	if (rc == 0)
		rc = key_check(config->database_url, config->encryption_key, key_use, &why);
	if (rc == 0)
		return EXIT_GOOD;
	if (rc == -ENOTCONN) {
		log_warn("cannot reach the database yet; the store keeps trying",
			 log_str("reason", why.text));
		return EXIT_GOOD;
	}
	return command_fault(command_code(rc), "%s: %s", why.field[0] ? why.field : "DATABASE_URL",
			     why.text[0] ? why.text : errno_text(rc));
}

/* Before there are several processes that could make one. */
static int prepare_audit_key(struct config *config)
{
	struct audit_signer signer = { .origin = config->audit_origin };
	struct reason why = { .text = "" };
	int rc;

	(void)mkdir(config->data_dir, 0700); /* it may exist; the file tells other errors */
	rc = audit_key_make(config->audit_key_file, &why);
	if (rc == 0)
		rc = audit_signer_read(config->audit_key_file, &signer, &why);
	explicit_bzero(signer.private_key, sizeof(signer.private_key));
	/* A service that needs no data directory otherwise must not need one for this. */
	if (rc < 0 && rc != -ENOMEM && config->has_own_audit_key_file) {
		log_warn("checkpoints of the audit log are not signed; name a file for the key",
			 log_str("setting", "WRENN_EVENTS_AUDIT_KEY_FILE"),
			 log_str("reason", why.text));
		free(config->audit_key_file);
		config->audit_key_file = NULL;
		return EXIT_GOOD;
	}
	if (rc < 0)
		return command_fault(EXIT_FAILED, "%s: %s", why.field,
				     why.text[0] ? why.text : errno_text(rc));
	if (signer.is_open)
		log_warn("other users can access the file of the key that signs checkpoints; "
			 "remove their permissions",
			 log_str("setting", "WRENN_EVENTS_AUDIT_KEY_FILE"));
	return EXIT_GOOD;
}

static int run_workers(struct config *config, const char *file, struct reporter *reporter)
{
	struct reason why = { .text = "" };
	struct port port;
	int rc = port_claim(&port, config, &why);

	if (rc < 0)
		return command_fault(EXIT_FAILED, "%s: %s",
				     why.field[0] ? why.field : "WRENN_EVENTS_LISTEN",
				     why.text[0] ? why.text : errno_text(rc));
	log_info("wrenn-events starts", log_str("version", WRENN_EVENTS_VERSION),
		 log_str("listen", config->listen_host), log_int("port", config->listen_port),
		 log_int("workers", config->workers));
	if (config->workers > 1)
		return supervise(config, file, &port, reporter);
	return worker_run(&(struct worker_options){ .config = config,
						    .file = file,
						    .listener = port.listener,
						    .listener_is_kept = port.is_given,
						    .vitals = reporter->vitals,
						    .reporter = reporter });
}

static int report_and_run(struct config *config, const char *file)
{
	struct reporter reporter;
	struct vitals *vitals = vitals_open(config->workers);
	int code;

	if (!vitals)
		return command_fault(EXIT_FAILED, "cannot start: %s", errno_text(-ENOMEM));
	reporter_init(&reporter, vitals, systemd_notify, systemd_watchdog_ms(), clock_mono_ms());
	code = run_workers(config, file, &reporter);
	vitals_close(vitals);
	return code;
}

/* Backups copy only the main file. */
static void leave_one_file(const struct config *config)
{
	struct reason why = { .text = "" };
	int rc = store_checkpoint(config->database_url, &why);

	if (rc)
		log_warn("cannot merge the -wal file into the SQLite file; back up both files",
			 log_str("reason", why.text[0] ? why.text : errno_text(rc)));
}

static int serve(struct config *config, const char *file, enum key_use key_use)
{
	supervisor_log(config, -1);
	metrics_setup((int)config->workers);
	if (config->core_dumps == CONFIG_CORE_DUMPS_ON)
		prctl(PR_SET_DUMPABLE, 1);
	if (config->key_is_open)
		log_warn("other users can access the encryption key's file; remove their "
			 "permissions",
			 log_str("setting", "WRENN_ENCRYPTION_KEY_FILE"));
	sigaction(SIGHUP, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);

	open_files_fit(config);
	for (size_t i = 0; i < config->hosts_count; i++)
		hosts_allow(config->hosts[i].provider, config->hosts[i].hosts);

	int code = prepare_store(config, key_use);

	if (code == EXIT_GOOD && config->audit != CONFIG_AUDIT_OFF)
		code = prepare_audit_key(config);
	if (code == EXIT_GOOD)
		code = report_and_run(config, file);
	if (code == EXIT_GOOD)
		leave_one_file(config);
	log_stop(LOG_LAST_LINES_MS);
	return code;
}

/* config/ checks only the schemes of these URLs; their modules check the rest. */
static int check_urls(const struct config *config)
{
	const struct redis_settings settings = redis_settings_of(config);
	struct redis_address address = { 0 };
	struct reason why = { .text = "" };
	int code = EXIT_GOOD;

	if (redis_address_read(&settings, &address, &why) < 0)
		code = command_fault(EXIT_USAGE, "%s: %s", why.field, why.text);
	redis_address_done(&address);
	if (store_url_check(str_of(config->database_url), &why) < 0)
		code = command_fault(EXIT_USAGE, "DATABASE_URL: %s", why.text);
	return code;
}

/* If the store is unreachable now, `serve` checks the key at its start. A store that `serve` will
 * make has no key yet. */
static int check_key(const struct config *config)
{
	struct reason why = { .text = "" };
	int rc = store_look(config->database_url, NULL);

	if (rc == -ENOENT && config->create_store == CONFIG_CREATE_ON)
		return EXIT_GOOD;
	rc = key_check(config->database_url, config->encryption_key, KEY_LOOK, &why);
	if (rc == -EKEYREJECTED)
		return command_fault(EXIT_FAILED, "%s: %s", why.field, why.text);
	if (rc < 0)
		fprintf(stderr, "wrenn-events: cannot compare the key with the store's: %s\n",
			why.text[0] ? why.text : errno_text(rc));
	return EXIT_GOOD;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "workers", required_argument, NULL, 'w' },
		{ "check", no_argument, NULL, 'k' },
		{ "accept-key", no_argument, NULL, 'a' },
		{ 0 },
	};
	const char *file = NULL;
	enum key_use key_use = KEY_KEEP;
	bool check_only = false;
	int flag;

	while ((flag = command_flag(argc, argv, options)) != -1) {
		if (flag == 'c')
			file = optarg;
		else if (flag == 'w')
			setenv("WRENN_EVENTS_WORKERS", optarg, 1);
		else if (flag == 'k')
			check_only = true;
		else if (flag == 'a')
			key_use = KEY_ACCEPT;
		else
			return EXIT_USAGE;
	}
	if (optind < argc)
		return command_fault(EXIT_USAGE, "serve: unexpected argument \"%s\"", argv[optind]);

	struct config config = { 0 };
	int code = command_config(CONFIG_FOR_SERVE, file, &config);

	if (code == EXIT_GOOD)
		code = check_urls(&config);
	if (code == EXIT_GOOD && check_only)
		code = check_key(&config);
	if (code == EXIT_GOOD && check_only)
		puts("the settings are valid");
	else if (code == EXIT_GOOD)
		code = serve(&config, file, key_use);
	config_done(&config);
	return code;
}

const struct command serve_command = {
	.name = "serve",
	.summary = "run the service",
	.usage = usage,
	.run = run,
};
