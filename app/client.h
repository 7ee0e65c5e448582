/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The command line as a client of the HTTP API: where the service is, who we are, which events
 * we want; blocking requests on libcurl. `tail` and `wait` share it.
 */
#ifndef APP_CLIENT_H
#define APP_CLIENT_H

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
		{ "cacert", required_argument, NULL, CLIENT_CACERT },             \
		{ "event", required_argument, NULL, CLIENT_EVENT },               \
		{ "resource", required_argument, NULL, CLIENT_RESOURCE },         \
		{ "outcome", required_argument, NULL, CLIENT_OUTCOME },           \
	{                                                                         \
		"since", required_argument, NULL, CLIENT_SINCE                    \
	}

#define CLIENT_USAGE                                                                   \
	"  --url URL          the service (WRENN_BASE_URL; http://127.0.0.1:9730)\n"   \
	"  --api-key-file F   a file with the API key (or --api-key, WRENN_API_KEY)\n" \
	"  --cacert FILE      authorities to trust for TLS (WRENN_EVENTS_CA_FILE)\n"

struct client {
	const char *url;
	char *place; /* libcurl's; the URL as people may see it: without user and password */
	struct secret key;
	const char *key_text; /* of the flag or the environment */
	const char *key_file;
	const char *ca_file;
	const char *since; /* a time or `earliest`, until the first id is known */
	int64_t since_ms;  /* or: so long before the command began; -1 when neither */
	int64_t started_ms;
	struct buf filter;  /* "&event=...&resource=..." with escaped values */
	struct buf last_id; /* where to go on from; empty: not known */
	char said[512];     /* the last cause that was reported, until an answer comes */
	char fault[CURL_ERROR_SIZE];
	CURL *curl;
};

/* Takes defaults from the environment. EXIT_GOOD or a code, its fault printed. */
int client_open(struct client *client) must_check;
void client_close(struct client *client);

/* One of the flags above. False: not one of them. */
bool client_take_flag(struct client *client, int flag, const char *value);

/* After the flags: reads the key and checks all of them. EXIT_GOOD, or EXIT_USAGE with a printed
 * fault. */
int client_check(struct client *client) must_check;

/* Sets the URL <base><path>?<extra><filter><cursor> and the headers of the next request; the list
 * must be freed with curl_slist_free_all() after it. NULL without memory. A --since that is a
 * duration reaches back to the same moment however late the request is: it is counted on the
 * service's clock, so ours may be wrong. */
struct curl_slist *client_prepare(struct client *client, const char *path, const char *extra);

/* What came of a request. */
struct client_answer {
	long status;     /* 0: no answer */
	int code;        /* EXIT_GOOD for 2xx; otherwise what to end with unless it may pass */
	bool may_pass;   /* asking again may help */
	int64_t wait_ms; /* how long the service wants us to wait first */
	char cause[512]; /* a sentence; empty with EXIT_GOOD */
};

/* `body` is what an answer that is no 2xx said. */
void client_judge(struct client *client, CURLcode rc, struct str body, struct client_answer *out);

/* Says on standard error that we try again and why; once for each cause in a row. */
void client_report_retry(struct client *client, const char *cause);

/* After an answer: true when a retry had been reported before. */
bool client_is_back(struct client *client);

/* Sleeps. */
void client_pause(int64_t pause_ms);

#endif
