/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Requests of `tail` and `wait`. The cursor of the last event seen replaces --since from then on,
 * so that a repeated request goes on where the last one ended.
 */
#include "app/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command.h"
#include "core/json.h"
#include "core/version.h"

#define URL_LIMIT 65536

int client_open(struct client *client)
{
	const char *url = getenv("WRENN_BASE_URL");

	*client = (struct client){
		.url = url && *url ? url : "http://127.0.0.1:9730",
		.api_key = getenv("WRENN_API_KEY"),
	};
	buf_init(&client->filter, URL_LIMIT);
	buf_init(&client->last_id, 64);
	client->curl = curl_easy_init();
	return client->curl ? EXIT_GOOD : command_fault(EXIT_FAILED, "out of memory");
}

void client_close(struct client *client)
{
	buf_done(&client->filter);
	buf_done(&client->last_id);
	if (client->curl)
		curl_easy_cleanup(client->curl);
}

static void add_parameter(struct client *client, struct buf *out, const char *name,
			  const char *value)
{
	char *escaped = curl_easy_escape(client->curl, value, 0);

	if (!escaped) {
		out->err = -ENOMEM;
		return;
	}
	buf_addf(out, "&%s=%s", name, escaped);
	curl_free(escaped);
}

bool client_take_flag(struct client *client, int flag, const char *value)
{
	switch (flag) {
	case CLIENT_URL:
		client->url = value;
		return true;
	case CLIENT_API_KEY:
		client->api_key = value;
		return true;
	case CLIENT_EVENT:
		add_parameter(client, &client->filter, "event", value);
		return true;
	case CLIENT_RESOURCE:
		add_parameter(client, &client->filter, "resource", value);
		return true;
	case CLIENT_OUTCOME:
		add_parameter(client, &client->filter, "outcome", value);
		return true;
	case CLIENT_SINCE:
		client->since = value;
		return true;
	default:
		return false;
	}
}

int client_check(const struct client *client)
{
	if (client->filter.err)
		return command_fault(EXIT_USAGE, "the filters are too long");
	if (!client->api_key || !*client->api_key)
		return command_fault(EXIT_USAGE, "set WRENN_API_KEY or give --api-key");
	return EXIT_GOOD;
}

static int set_url(struct client *client, const char *path, const char *extra)
{
	size_t base_len = strlen(client->url);
	struct buf url;

	while (base_len && client->url[base_len - 1] == '/')
		base_len--;
	buf_init(&url, URL_LIMIT);
	buf_add(&url, client->url, base_len);
	buf_addf(&url, "%s?%s", path, extra);
	buf_add_str(&url, buf_str(&client->filter));
	if (client->last_id.len)
		add_parameter(client, &url, "last_event_id", buf_text(&client->last_id));
	else if (client->since)
		add_parameter(client, &url, "since", client->since);

	const char *text = buf_text(&url);
	int rc =
		text && curl_easy_setopt(client->curl, CURLOPT_URL, text) == CURLE_OK ? 0 : -ENOMEM;

	buf_done(&url);
	return rc;
}

struct curl_slist *client_prepare(struct client *client, const char *path, const char *extra)
{
	struct buf header;

	curl_easy_reset(client->curl);
	if (set_url(client, path, extra) < 0)
		return NULL;
	buf_init(&header, 8192);
	buf_addf(&header, "X-API-Key: %s", client->api_key);

	const char *text = buf_text(&header);
	struct curl_slist *headers = text ? curl_slist_append(NULL, text) : NULL;

	buf_done(&header);
	curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(client->curl, CURLOPT_USERAGENT, "wrenn-events/" WRENN_EVENTS_VERSION);
	curl_easy_setopt(client->curl, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
	curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L);
	return headers;
}

void client_describe(long status, struct str body, char *out, size_t size)
{
	cJSON *tree = NULL;
	const char *message = NULL;

	if (json_parse(body, 65536, &tree, NULL) == 0)
		message = json_get_string(json_get(tree, "error"), "message");
	if (message)
		snprintf(out, size, "%s (%ld)", message, status);
	else
		snprintf(out, size, "the service answered %ld", status);
	cJSON_Delete(tree);
}
