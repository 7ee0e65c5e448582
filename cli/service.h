/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One request to the service and its response, for commands that do not retry. Prints the response
 * as the API's own JSON for programs; a command prints it for people.
 */
#ifndef CLI_SERVICE_H
#define CLI_SERVICE_H

#include <getopt.h>

#include "cli/client.h"
#include "cli/table.h"
#include "core/json.h"

enum service_flag {
	SERVICE_JSON = 600,
	SERVICE_LIMIT,
	SERVICE_PARAMETER = 700 /* and up: a parameter of the request with the flag's name */
};

#define SERVICE_OPTIONS { "json", no_argument, NULL, SERVICE_JSON }, CLIENT_OPTIONS

#define SERVICE_USAGE   "  --json             the API's own JSON on a terminal, too\n" CLIENT_USAGE

struct service {
	struct client client;
	bool as_json;
	unsigned long long limit; /* of --limit */
	struct buf query;         /* "&state=failed": the parameters of a list */
	struct buf body;          /* of the last answer */
	cJSON *answer;            /* the same as a tree; NULL: none */
};

/* The words and flags of a command that asks the service. */
struct service_arguments {
	const struct option *options; /* with SERVICE_OPTIONS */
	const char *wanted;           /* the one word after the flags: "CHANNEL"; NULL: none */
	bool is_optional;             /* the word may be missing */
	/* Takes a flag that only this command has. Returns an exit code. NULL: there are none. */
	int (*take)(void *owner, int flag, const char *value);
	void *owner;
	const char *word; /* what was typed for `wanted` */
};

extern const struct option service_options[]; /* SERVICE_OPTIONS and nothing else */

/* Reads the words and flags and opens the service. Returns EXIT_GOOD, or prints an error and
 * returns its exit code. Close it in both cases. */
int service_open(struct service *service, int argc, char **argv,
		 struct service_arguments *arguments) must_check;
void service_close(struct service *service);

/* Adds a parameter to the lists that are asked for. */
void service_add_query(struct service *service, const char *name, const char *value);

/* Sends a request; `body` is JSON or empty. The answer replaces the last one. EXIT_FAILED: the
 * service refused, because the object does not exist or the request is not possible now. */
int service_ask(struct service *service, const char *method, const char *path,
		struct str body) must_check;

/* The same with the parameters that were added. */
int service_ask_with_query(struct service *service, const char *method, const char *path,
			   struct str body) must_check;

/* Prints the answer as one line of JSON. */
void service_print_json(const struct service *service);

/* A list that the API returns page by page. */
struct service_list {
	const char *path;
	const char *const *titles;
	void (*add_row)(struct table *table, const cJSON *item, const void *owner);
	const void *owner;
	const char *nothing; /* the note on standard error for an empty list */
};

/* Asks for pages until the limit is reached, and prints the items: JSON lines, or a table. */
int service_print_list(struct service *service, const struct service_list *list) must_check;

/* The member as a string for a cell; "" if it is missing. */
struct str service_text(const cJSON *object, const char *name);

#endif
