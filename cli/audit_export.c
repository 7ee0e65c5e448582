/* SPDX-License-Identifier: Apache-2.0 */

/* `audit export`: the whole audit trail, printed as it comes. */
#include <stdio.h>
#include <string.h>

#include "cli/audit_actions.h"
#include "cli/output.h"
#include "cli/service.h"

#define SILENCE_S 60L

static const char usage[] =
	"Usage: wrenn-events audit export [OPTION...]\n"
	"\n"
	"Writes the audit trail to standard output: JSON Lines for `audit verify`, or CSV\n"
	"or OCSF events, newest first. If the service ends in the middle, the exit code\n"
	"is 3, and the error says how to go on.\n"
	"\n"
	"  --format FORMAT         csv, jsonl or ocsf (jsonl)\n"
	"  --action ACTION         such as create, pause or destroy; may be repeated\n"
	"  --resource-type TYPE    such as sandbox, snapshot or channel; may be repeated\n"
	"  --from INDEX            jsonl: the index after that of the last row\n"
	"  --before TIME           csv, ocsf: `created_at` of the last row\n"
	"  --before-id ID          with --before: `id` of the last row\n" CLIENT_USAGE "\n"
	"Example: wrenn-events audit export --format csv > audit.csv\n";

struct audit_export {
	struct service service;
	const char *format;
	struct buf line;  /* received, and not yet printed: the end of a line is missing */
	struct buf fault; /* the body of an answer other than 200 */
};

/* The service checks the format, and lists the formats if there is no such one. */
static int take_format(void *owner, int flag, const char *value)
{
	struct audit_export *export = owner;

	(void)flag;
	export->format = value;
	return EXIT_GOOD;
}

/* Prints whole lines, so that no character is cut in two.
 * NOLINTNEXTLINE(readability-non-const-parameter) */
static size_t on_rows(char *bytes, size_t size, size_t count, void *owner)
{
	struct audit_export *export = owner;
	size_t len = size * count;
	const char *end = memrchr(bytes, '\n', len);
	size_t whole = end ? (size_t)(end - bytes) + 1 : 0;
	long status = 0;

	curl_easy_getinfo(export->service.client.curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) {
		buf_add(&export->fault, bytes, len);
		return export->fault.err ? 0 : len;
	}
	if (whole) {
		output_write(stdout, buf_str(&export->line));
		output_write(stdout, (struct str){ .at = bytes, .len = whole });
		buf_reset(&export->line);
	}
	buf_add(&export->line, bytes + whole, len - whole);
	return export->line.err || output_failed() ? 0 : len;
}

static const char *how_to_go_on(const struct audit_export *export)
{
	if (strcmp(export->format, "jsonl") == 0)
		return "--from and the index after that of its last row";
	return "`created_at` and `id` of its last row as --before and --before-id";
}

static int judge(struct audit_export *export, CURLcode rc)
{
	struct client_answer answer;

	client_judge(&export->service.client, rc, buf_str(&export->fault), &answer);
	if (output_failed())
		return EXIT_FAILED;
	if (answer.code == EXIT_GOOD)
		return EXIT_GOOD;
	if (answer.status == 200)
		return command_fault(EXIT_UNREACHABLE, "%s; the export is not whole: go on with %s",
				     answer.cause, how_to_go_on(export));
	return command_fault(answer.code, "%s", answer.cause);
}

static int write_export(struct audit_export *export)
{
	struct client *client = &export->service.client;
	struct curl_slist *headers;
	int code;

	service_add_query(&export->service, "format", export->format);
	headers = export->service.query.err ? NULL
					    : client_prepare(client, "/v1/audit-logs/export",
							     buf_text(&export->service.query) + 1);
	if (!headers)
		return command_fault(EXIT_FAILED, "out of memory");
	curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, on_rows);
	curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, export);
	curl_easy_setopt(client->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(client->curl, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
	code = judge(export, curl_easy_perform(client->curl));
	curl_slist_free_all(headers);
	return code;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "action", required_argument, NULL, SERVICE_PARAMETER },
		{ "resource-type", required_argument, NULL, SERVICE_PARAMETER + 1 },
		{ "before", required_argument, NULL, SERVICE_PARAMETER + 2 },
		{ "before-id", required_argument, NULL, SERVICE_PARAMETER + 3 },
		{ "from", required_argument, NULL, SERVICE_PARAMETER + 4 },
		CLIENT_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	struct audit_export export = { .format = "jsonl" };
	struct service_arguments arguments = { .options = options,
					       .take = take_format,
					       .owner = &export };
	int code;

	buf_init(&export.line, 64UL * 1024 * 1024);
	buf_init(&export.fault, 65536);
	code = service_open(&export.service, argc, argv, &arguments);
	if (code == EXIT_GOOD)
		code = write_export(&export);
	buf_done(&export.line);
	buf_done(&export.fault);
	service_close(&export.service);
	return code;
}

const struct command audit_export_action = {
	.name = "export",
	.summary = "write the audit trail to a file",
	.usage = usage,
	.run = run,
};
