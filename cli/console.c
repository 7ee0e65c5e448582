/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `console`: prints the link to the console, with the key in the fragment. Browsers send no
 * fragment to a server, and the page removes it from the address bar at once.
 */
#include <stdio.h>

#include "cli/client.h"
#include "cli/command.h"
#include "core/json.h"

#define LINK_LIMIT ((size_t)16 * 1024)

static const char usage[] =
	"Usage: wrenn-events console [OPTION...]\n"
	"\n"
	"Prints the link to the console, which signs in with the API key. Whoever has the\n"
	"link has the key. It asks no service, so it also works before the start.\n"
	"\n" CLIENT_USAGE "  --json             a JSON object with the link as `url`\n"
	"\n"
	"An installed service needs a key for it: `wrenn-events keys create` makes one\n"
	"in the embedded store, the control plane's dashboard elsewhere. Beside the\n"
	"control plane, its session signs in as well, at URL/console/.\n"
	"\n"
	"Example: wrenn-events console --api-key-file var/api-key\n";

static void print_line(struct str link, bool as_json)
{
	struct buf line;

	buf_init(&line, 6 * LINK_LIMIT); /* an escaped byte has six */
	if (as_json) {
		buf_add_text(&line, "{\"url\":");
		json_add_string(&line, link);
		buf_add_text(&line, "}");
	} else {
		buf_add_str(&line, link);
	}
	puts(buf_text(&line));
	buf_done(&line);
}

static int print_link(const struct client *client, bool as_json)
{
	struct str key_text = secret_reveal(&client->key);
	char *key = curl_easy_escape(client->curl, key_text.at, (int)key_text.len);
	struct buf link;

	if (!key)
		return command_fault(EXIT_FAILED, "out of memory");
	buf_init(&link, LINK_LIMIT);
	buf_addf(&link, "%s/console/#key=%s", client->place, key);
	print_line(buf_str(&link), as_json);
	buf_done(&link);
	curl_free(key);
	return EXIT_GOOD;
}

static int run_console(int argc, char **argv)
{
	static const struct option options[] = {
		CLIENT_OPTIONS,
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct client client;
	bool as_json = false;
	int code = client_open(&client);
	int flag;

	while (code == EXIT_GOOD && (flag = command_flag(argc, argv, options)) != -1) {
		if (flag == 'j')
			as_json = true;
		else if (!client_take_flag(&client, flag, optarg))
			code = EXIT_USAGE;
	}
	if (code == EXIT_GOOD && optind < argc)
		code = command_fault(EXIT_USAGE, "unexpected argument \"%s\"", argv[optind]);
	if (code == EXIT_GOOD)
		code = client_check(&client);
	if (code == EXIT_GOOD)
		code = print_link(&client, as_json);
	client_close(&client);
	return code;
}

const struct command console_command = {
	.name = "console",
	.summary = "print the link to the console",
	.usage = usage,
	.run = run_console,
};
