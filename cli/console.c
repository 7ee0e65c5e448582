/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `console`: prints the link to the console, with the key in the fragment. Browsers send no
 * fragment to a server, and the page removes it from the address bar at once.
 */
#include <stdio.h>

#include "cli/client.h"
#include "cli/command.h"

static const char usage[] =
	"Usage: wrenn-events console [OPTION...]\n"
	"\n"
	"Prints the link to the console, which signs in with the API key. Whoever has the\n"
	"link has the key. It asks no service, so it also works before the start.\n"
	"\n" CLIENT_USAGE "\n"
	"An installed service needs a key for it: `wrenn-events keys create` makes one\n"
	"in the embedded store, the control plane's dashboard elsewhere. Beside the\n"
	"control plane, its session signs in as well, at URL/console/.\n"
	"\n"
	"Example: wrenn-events console --api-key-file var/api-key\n";

static int print_link(const struct client *client)
{
	struct str key_text = secret_reveal(&client->key);
	char *key = curl_easy_escape(client->curl, key_text.at, (int)key_text.len);

	if (!key)
		return command_fault(EXIT_FAILED, "out of memory");
	printf("%s/console/#key=%s\n", client->place, key);
	curl_free(key);
	return EXIT_GOOD;
}

static int run_console(int argc, char **argv)
{
	static const struct option options[] = { CLIENT_OPTIONS, { NULL, 0, NULL, 0 } };
	struct client client;
	int code = client_open(&client);
	int flag;

	while (code == EXIT_GOOD && (flag = command_flag(argc, argv, options)) != -1) {
		if (!client_take_flag(&client, flag, optarg))
			code = EXIT_USAGE;
	}
	if (code == EXIT_GOOD && optind < argc)
		code = command_fault(EXIT_USAGE, "unexpected argument \"%s\"", argv[optind]);
	if (code == EXIT_GOOD)
		code = client_check(&client);
	if (code == EXIT_GOOD)
		code = print_link(&client);
	client_close(&client);
	return code;
}

const struct command console_command = {
	.name = "console",
	.summary = "print the link to the console",
	.usage = usage,
	.run = run_console,
};
