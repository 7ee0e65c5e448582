/* SPDX-License-Identifier: Apache-2.0 */

/* `doctor`: checks for problems that occur in practice, from the machine that it runs on, and says
 * what to do. It changes nothing. doctor_redis.c and doctor_store.c have the checks of the
 * servers. */
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/doctor_checks.h"
#include "cli/port_owner.h"
#include "core/clock.h"
#include "core/log.h"
#include "http/http.h"

#define TLS_LIMIT_S     10L
#define FILES_PER_CALL  6
#define OTHER_FILES     256
#define DEFAULT_HOST    "hooks.slack.com"
#define HTTPS_URL_LIMIT 512

static const char usage[] =
	"Usage: wrenn-events doctor [OPTION...]\n"
	"\n"
	"Checks Redis, the database, the key and this machine from where it runs. Each\n"
	"line is ok, warning or fault, and says what to do. It changes nothing. The exit\n"
	"code is 1 if there is a fault.\n"
	"\n"
	"  --config FILE   read KEY=VALUE lines; the environment wins over the file\n"
	"  --host HOST     look this host up and connect to it with TLS, or `none`\n"
	"                  (hooks.slack.com)\n"
	"  --json          one JSON object per check\n"
	"\n"
	"Example: wrenn-events doctor --config /etc/wrenn-events/wrenn-events.env\n";

static void check_files(struct findings *findings, const struct config *config)
{
	struct rlimit limit = { .rlim_max = 0 };
	uint64_t wanted = config->max_connections +
			  (uint64_t)config->max_inflight * FILES_PER_CALL + OTHER_FILES;
	bool is_low = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < wanted;

	findings_add(
		findings, is_low ? FINDING_WARNING : FINDING_OK, "open files",
		is_low ? "the unit of the package raises it with LimitNOFILE=; elsewhere raise "
			 "it, or lower WRENN_EVENTS_MAX_CONNECTIONS"
		       : NULL,
		"at most %llu for what is started from here, the settings need %llu",
		(unsigned long long)limit.rlim_max, (unsigned long long)wanted);
}

static void check_port(struct findings *findings, const struct config *config)
{
	struct reason why = { .text = "" };
	int fd = http_listen(config->listen_host, config->listen_port, true, &why);
	struct buf owners;

	if (fd >= 0) {
		close(fd);
		findings_add(findings, FINDING_OK, "port", NULL, "%s:%u is free",
			     config->listen_host, (unsigned)config->listen_port);
		return;
	}
	buf_init(&owners, 512);
	port_name_owners(config->listen_port, &owners);
	if (fd == -EADDRINUSE)
		findings_add(findings, FINDING_WARNING, "port",
			     "if it is not this service, end that program or change "
			     "WRENN_EVENTS_LISTEN",
			     "%s:%u is in use%s%s", config->listen_host,
			     (unsigned)config->listen_port, owners.len ? " by " : "",
			     owners.len ? buf_text(&owners) : "");
	else
		findings_add(findings, FINDING_FAULT, "port", "change WRENN_EVENTS_LISTEN",
			     "cannot listen on %s:%u: %s", config->listen_host,
			     (unsigned)config->listen_port, why.text);
	buf_done(&owners);
}

/* Resolves as deliveries do, with the system's resolver. Returns whether there is an address. */
static bool check_resolver(struct findings *findings, const char *host)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int64_t start_ms = clock_mono_ms();
	int rc = getaddrinfo(host, NULL, &hints, &found);
	int64_t took_ms = clock_mono_ms() - start_ms;
	unsigned count = 0;

	for (const struct addrinfo *one = found; one; one = one->ai_next)
		count++;
	if (found)
		freeaddrinfo(found);
	if (rc == 0)
		findings_add(findings, FINDING_OK, "resolver", NULL,
			     "%s has %u address%s, found in %" PRId64 " ms", host, count,
			     count == 1 ? "" : "es", took_ms);
	else
		findings_add(findings, FINDING_WARNING, "resolver",
			     "check /etc/resolv.conf and the name server, or use --host to "
			     "name a host that exists",
			     "%s: %s, after %" PRId64 " ms", host, gai_strerror(rc), took_ms);
	return rc == 0;
}

static const char *remedy_for(CURLcode rc)
{
	switch (rc) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return "install ca-certificates, or set WRENN_EVENTS_CA_FILE";
	default:
		return "let this machine connect to port 443 of destinations";
	}
}

/* Firewall, certificates and clock at once: the error names the one at fault. */
static void check_tls(struct findings *findings, const struct config *config, const char *host)
{
	char url[HTTPS_URL_LIMIT];
	CURL *easy = curl_easy_init();
	CURLcode rc = CURLE_OUT_OF_MEMORY;

	snprintf(url, sizeof(url), "https://%s/", host);
	if (easy) {
		curl_easy_setopt(easy, CURLOPT_URL, url);
		curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
		curl_easy_setopt(easy, CURLOPT_TIMEOUT, TLS_LIMIT_S);
		if (config->ca_file)
			curl_easy_setopt(easy, CURLOPT_CAINFO, config->ca_file);
		rc = curl_easy_perform(easy);
	}
	curl_easy_cleanup(easy);
	findings_add(findings, rc == CURLE_OK ? FINDING_OK : FINDING_WARNING, "outgoing TLS",
		     rc == CURLE_OK ? NULL : remedy_for(rc), "%s: %s", host,
		     rc == CURLE_OK ? "connected and verified" : curl_easy_strerror(rc));
}

static void check_machine(struct findings *findings, const struct config *config, const char *host)
{
	check_files(findings, config);
	check_port(findings, config);
	if (strcmp(host, "none") != 0 && check_resolver(findings, host))
		check_tls(findings, config, host);
}

static int examine(const struct config *config, const char *host, bool json)
{
	struct findings findings;
	int code;

	findings_init(&findings, json);
	doctor_check_redis(&findings, config);
	doctor_check_store(&findings, config);
	check_machine(&findings, config, host);
	code = findings_print(&findings);
	findings_done(&findings);
	return code;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "host", required_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	const char *file = NULL;
	const char *host = DEFAULT_HOST;
	struct config config = { 0 };
	bool json = false;
	int flag;
	int code;

	while ((flag = command_flag(argc, argv, options)) != -1) {
		if (flag == 'c')
			file = optarg;
		else if (flag == 'h')
			host = optarg;
		else if (flag == 'j')
			json = true;
		else
			return EXIT_USAGE;
	}
	if (optind < argc)
		return command_fault(EXIT_USAGE, "doctor: unexpected argument \"%s\"",
				     argv[optind]);
	log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_ERROR, -1);
	code = command_config(CONFIG_FOR_SERVE, file, &config);
	if (code == EXIT_GOOD)
		code = examine(&config, host, json);
	config_done(&config);
	return code;
}

const struct command doctor_command = {
	.name = "doctor",
	.summary = "check Redis, the database, the key and this machine",
	.usage = usage,
	.run = run,
};
