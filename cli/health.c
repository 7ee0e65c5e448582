/* SPDX-License-Identifier: Apache-2.0 */

/* `health`: asks the service whether it is ready; for containers without a shell or curl. */
#include <curl/curl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"

#define DEFAULT_URL  "http://127.0.0.1:9730"
#define URL_LIMIT    2048
#define ANSWER_LIMIT 4096
#define LIMIT_S      5L

static const char usage[] =
	"Usage: wrenn-events health [OPTION...]\n"
	"\n"
	"Asks the service whether it can do its work, and prints its answer. Exit code: 0\n"
	"if it can, 1 if not, 3 if it does not answer within five seconds.\n"
	"\n"
	"  --live          ask only whether the process is alive\n"
	"  --url URL       the service (WRENN_BASE_URL; http://127.0.0.1:9730)\n"
	"  --cacert FILE   CA certificates to trust (WRENN_EVENTS_CA_FILE)\n"
	"\n"
	"Example: wrenn-events health --url http://127.0.0.1:9730\n";

struct health_request {
	const char *url;
	const char *path;
	const char *ca_file;
};

static size_t keep_answer(char *bytes, size_t size, size_t count, void *owner)
{
	struct buf *answer = owner;

	buf_add(answer, bytes, size * count);
	return answer->err ? 0 : size * count;
}

static int print_answer(long status, struct buf *answer)
{
	struct str text = str_trim(buf_str(answer));

	if (status == 200) {
		output_write(stdout, buf_str(answer));
		return EXIT_GOOD;
	}
	return command_fault(EXIT_FAILED, "the service answers %ld: %.*s", status, STR_ARGS(text));
}

static int ask(const struct health_request *probe)
{
	char url[URL_LIMIT];
	struct buf answer;
	long status = 0;
	CURL *easy = curl_easy_init();
	CURLcode rc = CURLE_OUT_OF_MEMORY;
	int code;

	buf_init(&answer, ANSWER_LIMIT);
	snprintf(url, sizeof(url), "%s%s", probe->url, probe->path);
	if (easy) {
		curl_easy_setopt(easy, CURLOPT_URL, url);
		curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
		curl_easy_setopt(easy, CURLOPT_TIMEOUT, LIMIT_S);
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_answer);
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
		if (probe->ca_file)
			curl_easy_setopt(easy, CURLOPT_CAINFO, probe->ca_file);
		rc = curl_easy_perform(easy);
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	}
	curl_easy_cleanup(easy);
	if (rc == CURLE_OK)
		code = print_answer(status, &answer);
	else
		code = command_fault(EXIT_UNREACHABLE, "%s does not answer: %s", probe->url,
				     curl_easy_strerror(rc));
	buf_done(&answer);
	return code;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "live", no_argument, NULL, 'l' },
		{ "url", required_argument, NULL, 'u' },
		{ "cacert", required_argument, NULL, 'c' },
		{ 0 },
	};
	const char *url = getenv("WRENN_BASE_URL");
	const char *ca_file = getenv("WRENN_EVENTS_CA_FILE");
	struct health_request probe = {
		.url = url && *url ? url : DEFAULT_URL,
		.path = "/readyz",
		.ca_file = ca_file && *ca_file ? ca_file : NULL,
	};
	int flag;

	while ((flag = command_flag(argc, argv, options)) != -1) {
		if (flag == 'l')
			probe.path = "/healthz";
		else if (flag == 'u')
			probe.url = optarg;
		else if (flag == 'c')
			probe.ca_file = optarg;
		else
			return EXIT_USAGE;
	}
	if (optind < argc)
		return command_fault(EXIT_USAGE, "health: unexpected argument \"%s\"",
				     argv[optind]);
	return ask(&probe);
}

const struct command health_command = {
	.name = "health",
	.summary = "ask a service whether it is ready",
	.usage = usage,
	.run = run,
};
