/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The command line as a client of the HTTP API: where the service is, who we are, which events
 * we want; blocking requests on libcurl. `tail` and `wait` share it.
 */
#ifndef APP_CLIENT_H
#define APP_CLIENT_H

#include <curl/curl.h>
#include <stdbool.h>

#include "core/attributes.h"
#include "core/buf.h"

/* One --event, --resource, --outcome, --since, --url or --api-key; flag values for getopt_long. */
enum client_flag {
	CLIENT_URL = 512,
	CLIENT_API_KEY,
	CLIENT_EVENT,
	CLIENT_RESOURCE,
	CLIENT_OUTCOME,
	CLIENT_SINCE
};

#define CLIENT_OPTIONS                                                    \
	{ "url", required_argument, NULL, CLIENT_URL },                   \
		{ "api-key", required_argument, NULL, CLIENT_API_KEY },   \
		{ "event", required_argument, NULL, CLIENT_EVENT },       \
		{ "resource", required_argument, NULL, CLIENT_RESOURCE }, \
		{ "outcome", required_argument, NULL, CLIENT_OUTCOME },   \
	{                                                                 \
		"since", required_argument, NULL, CLIENT_SINCE            \
	}

#define CLIENT_USAGE                                                                   \
	"  --url URL         the service (WRENN_BASE_URL, or http://127.0.0.1:9730)\n" \
	"  --api-key KEY     who asks (WRENN_API_KEY)\n"

struct client {
	const char *url;
	const char *api_key;
	const char *since;  /* until the first id is known */
	struct buf filter;  /* "&event=...&resource=..." with escaped values */
	struct buf last_id; /* where to go on from; empty: not known */
	CURL *curl;
};

/* Takes defaults from the environment. EXIT_GOOD or a code, its fault printed. */
int client_open(struct client *client) must_check;
void client_close(struct client *client);

/* One of the flags above. False: not one of them. */
bool client_take_flag(struct client *client, int flag, const char *value);

/* After the flags: EXIT_USAGE with a printed fault when the key is missing. */
int client_check(const struct client *client) must_check;

/* Sets the URL <base><path>?<extra><filter><cursor> and the headers of the next request; the list
 * must be freed with curl_slist_free_all() after it. NULL without memory. */
struct curl_slist *client_prepare(struct client *client, const char *path, const char *extra);

/* The `error.message` of an answer's envelope, or a sentence about its status. */
void client_describe(long status, struct str body, char *out, size_t size);

#endif
