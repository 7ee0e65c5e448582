/* SPDX-License-Identifier: Apache-2.0 */

/* `backup` and `restore`: copies of the SQLite store. A backup may run while the service does. A
 * restore writes a store where none is, and says what the service will do again. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/output.h"
#include "core/json.h"
#include "core/log.h"
#include "store/store.h"

#define PATH_LIMIT   4096
#define ANSWER_LIMIT 16384

static const char backup_usage[] =
	"Usage: wrenn-events backup FILE [OPTION...]\n"
	"\n"
	"Copies the SQLite store to FILE, also while the service runs: one moment of it,\n"
	"in one file that only you can read, checked after it was written. FILE must not\n"
	"exist yet. Use pg_dump for PostgreSQL.\n"
	"\n"
	"  --config FILE   read KEY=VALUE lines; the environment wins over the file\n"
	"  --json          print file and size as JSON\n"
	"\n"
	"Example: wrenn-events backup /backup/events-$(date +%F).db\n";

static const char restore_usage[] =
	"Usage: wrenn-events restore FILE [OPTION...]\n"
	"\n"
	"Makes the SQLite store out of a backup and says what will be sent again. There\n"
	"must be no store yet: stop the service and move the old files away first.\n"
	"\n"
	"  --config FILE   read KEY=VALUE lines; the environment wins over the file\n"
	"  --json          print the answer as JSON\n"
	"\n"
	"Example: wrenn-events restore /backup/events-2026-11-23.db\n";

struct request {
	const char *file;
	bool json;
	struct config config;
	const char *store; /* the path of the SQLite file */
};

static int read_request(int argc, char **argv, struct request *out)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	const char *config_file = NULL;
	int flag;
	int code;

	while ((flag = command_flag(argc, argv, options)) != -1) {
		if (flag == 'c')
			config_file = optarg;
		else if (flag == 'j')
			out->json = true;
		else
			return EXIT_USAGE;
	}
	if (optind + 1 != argc)
		return command_fault(EXIT_USAGE, "%s needs one FILE; see --help", argv[0]);
	out->file = argv[optind];
	log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_ERROR, -1);
	code = command_config(CONFIG_FOR_STORE, config_file, &out->config);
	if (code != EXIT_GOOD)
		return code;
	if (!url_is_sqlite(str_of(out->config.database_url)))
		return command_fault(EXIT_USAGE,
				     "%s: DATABASE_URL names PostgreSQL; use pg_dump and "
				     "pg_restore",
				     argv[0]);
	out->store = url_sqlite_path(str_of(out->config.database_url)).at;
	return EXIT_GOOD;
}

static int copy(const char *from, const char *to, int64_t *out_bytes)
{
	struct reason why = { .text = "" };
	int rc = store_copy(from, to, out_bytes, &why);
	int code = rc == -EEXIST || rc == -ENOENT ? EXIT_USAGE : EXIT_FAILED;

	return rc == 0 ? EXIT_GOOD : command_fault(code, "%s", why.text);
}

static int back_up(const struct request *request)
{
	int64_t bytes = 0;
	struct buf answer;
	int code = copy(request->store, request->file, &bytes);

	if (code != EXIT_GOOD)
		return code;
	buf_init(&answer, ANSWER_LIMIT);
	if (request->json) {
		buf_add_text(&answer, "{\"file\":");
		json_add_string(&answer, str_of(request->file));
		buf_addf(&answer, ",\"bytes\":%" PRId64 "}\n", bytes);
	} else {
		buf_addf(&answer, "%s\t%" PRId64 " bytes, checked\n", request->file, bytes);
	}
	output_write(stdout, buf_str(&answer));
	buf_done(&answer);
	return EXIT_GOOD;
}

/* ---- restore ----------------------------------------------------------------------------- */

struct memory {
	struct store_job job;
	int64_t pending;
	char position[64]; /* the last entry that was committed; empty: none */
};

static int take_pending(const struct db_row *row, void *arg)
{
	struct memory *memory = arg;

	memory->pending = row_int(row, 0);
	return 0;
}

static int take_position(const struct db_row *row, void *arg)
{
	struct memory *memory = arg;

	snprintf(memory->position, sizeof(memory->position), "%.*s", STR_ARGS(row_text(row, 0)));
	return 0;
}

static int read_memory(struct db *db, struct store_job *job)
{
	static const struct db_query pending = {
		.sql = "SELECT count(*) FROM deliveries WHERE state = 'pending'",
	};
	static const struct db_query position = {
		.sql = "SELECT last_id FROM positions ORDER BY last_ms DESC, last_seq DESC LIMIT 1",
	};
	struct memory *memory = container_of(job, struct memory, job);
	int rc = db_run_now(db, &pending, NULL, 0, take_pending, memory, NULL);

	return rc ? rc : db_run_now(db, &position, NULL, 0, take_position, memory, NULL);
}

static void print_memory(const struct request *request, const struct memory *memory)
{
	struct buf answer;

	buf_init(&answer, ANSWER_LIMIT);
	if (request->json) {
		buf_add_text(&answer, "{\"store\":");
		json_add_string(&answer, str_of(request->store));
		buf_addf(&answer, ",\"pending\":%" PRId64 ",\"position\":", memory->pending);
		json_add_string(&answer, str_of(memory->position));
		buf_add_text(&answer, "}\n");
	} else {
		buf_addf(&answer,
			 "restored to %s\n"
			 "%" PRId64 " deliveries were pending at the backup; they are sent, also "
			 "those that have been sent since\n"
			 "events after %s are read again, as far as the stream has them, and "
			 "delivered again with the same webhook-id\n",
			 request->store, memory->pending,
			 memory->position[0] ? memory->position : "the first one");
	}
	output_write(stdout, buf_str(&answer));
	buf_done(&answer);
}

/* SQLite would apply an old log to the new file. */
static int refuse_remains(const char *store)
{
	static const char *const suffixes[] = { "-wal", "-shm" };
	char path[PATH_LIMIT];

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		snprintf(path, sizeof(path), "%s%s", store, suffixes[i]);
		if (access(path, F_OK) == 0)
			return command_fault(EXIT_USAGE,
					     "restore: %s was left by another store; move it away",
					     path);
	}
	return EXIT_GOOD;
}

static int restore(const struct request *request)
{
	struct memory memory = { .job = { .run = read_memory } };
	struct reason why = { .text = "" };
	int64_t bytes = 0;
	int code = refuse_remains(request->store);
	int rc;

	if (code == EXIT_GOOD)
		code = copy(request->file, request->store, &bytes);
	if (code != EXIT_GOOD)
		return code;
	rc = store_run_blocking(request->config.database_url, &memory.job, &why);
	if (rc < 0)
		return command_fault(EXIT_FAILED, "restored to %s, but cannot read it: %s",
				     request->store, why.text);
	print_memory(request, &memory);
	return EXIT_GOOD;
}

static int run_with(int argc, char **argv, int (*act)(const struct request *request))
{
	struct request request = { .file = NULL };
	int code = read_request(argc, argv, &request);

	if (code == EXIT_GOOD)
		code = act(&request);
	config_done(&request.config);
	return code;
}

static int run_backup(int argc, char **argv)
{
	return run_with(argc, argv, back_up);
}

static int run_restore(int argc, char **argv)
{
	return run_with(argc, argv, restore);
}

const struct command backup_command = {
	.name = "backup",
	.summary = "copy the embedded store while it is in use",
	.usage = backup_usage,
	.run = run_backup,
};

const struct command restore_command = {
	.name = "restore",
	.summary = "make the embedded store out of a backup",
	.usage = restore_usage,
	.run = run_restore,
};
