/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The client of the HTTP API that `tail` and `wait` share: the service's URL, the API key, the
 * filters, and blocking requests on libcurl.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/secret.h"

/* Flag values for getopt_long. */
enum client_flag {
	CLIENT_URL = 512,
	CLIENT_API_KEY,
	CLIENT_API_KEY_FILE,
	CLIENT_CACERT,
	CLIENT_EVENT,
	CLIENT_RESOURCE,
	CLIENT_OUTCOME,
	CLIENT_SINCE
};

#define CLIENT_OPTIONS                                                            \
	{ "url", required_argument, NULL, CLIENT_URL },                           \
		{ "api-key", required_argument, NULL, CLIENT_API_KEY },           \
		{ "api-key-file", required_argument, NULL, CLIENT_API_KEY_FILE }, \
	{                                                                         \
		"cacert", required_argument, NULL, CLIENT_CACERT                  \
	}

#define CLIENT_FILTERS                                                    \
	{ "event", required_argument, NULL, CLIENT_EVENT },               \
		{ "resource", required_argument, NULL, CLIENT_RESOURCE }, \
		{ "outcome", required_argument, NULL, CLIENT_OUTCOME },   \
	{                                                                 \
		"since", required_argument, NULL, CLIENT_SINCE            \
	}

#define CLIENT_USAGE                                                                   \
	"  --url URL          the service (WRENN_BASE_URL; http://127.0.0.1:9730)\n"   \
	"  --api-key-file F   a file with the API key (or --api-key, WRENN_API_KEY)\n" \
	"  --cacert FILE      CA certificates to trust (WRENN_EVENTS_CA_FILE)\n"

struct client {
	const char *url;
	char *place; /* the URL without user and password, to show; owned by libcurl */
	struct secret key;
	const char *key_text; /* from --api-key or the environment */
	const char *key_file;
	const char *ca_file;
	const char *since; /* a time or `earliest`; used until an id is known */
	int64_t since_ms;  /* or a duration before the command began; -1: no --since */
	int64_t started_ms;
	struct buf filter;  /* "&event=...&resource=..." with escaped values */
	struct buf last_id; /* continue after this id; empty: no event seen yet */
	char said[512];     /* the cause reported last; cleared by an answer */
	char fault[CURL_ERROR_SIZE];
	CURL *curl;
};

/* Takes defaults from the environment. Returns EXIT_GOOD, or prints an error and returns its exit
 * code. */
int client_open(struct client *client) must_check;
void client_close(struct client *client);

/* Takes one of the flags above. Returns false for any other flag. */
bool client_take_flag(struct client *client, int flag, const char *value);

/* Call this after all flags. Reads the key and checks every flag. Returns EXIT_GOOD, or prints an
 * error and returns EXIT_USAGE. */
int client_check(struct client *client) must_check;

/* Sets the URL <base><path>?<extra><filter><cursor> and the headers of the next request. Free the
 * returned list with curl_slist_free_all() after the request. Returns NULL when out of memory. The
 * service subtracts a --since duration from its own clock, so our clock may be wrong. Each retry
 * sends a longer duration, so that all of them reach back to the same moment. */
struct curl_slist *client_prepare(struct client *client, const char *path, const char *extra);

/* How a request ended. */
struct client_answer {
	long status;   /* 0: no answer */
	int code;      /* EXIT_GOOD for 2xx; else the exit code of a command that does not retry */
	bool may_pass; /* a retry may succeed */
	int64_t wait_ms; /* Retry-After of the answer, or 0 */
	char cause[512]; /* a sentence; empty with EXIT_GOOD */
};

/* `body` is the body of an answer other than 2xx. */
void client_judge(struct client *client, CURLcode rc, struct str body, struct client_answer *out);

/* Reports the retry and its cause on standard error, unless the last report had the same cause. */
void client_report_retry(struct client *client, const char *cause);

/* Call this after an answer. Returns true if a retry was reported before it. */
bool client_is_back(struct client *client);

/* Sleeps. */
void client_pause(int64_t pause_ms);

#endif
