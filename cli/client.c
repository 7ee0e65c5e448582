/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Options and requests of `tail` and `wait`. Once an event has been seen, its id replaces --since,
 * so a repeated request continues where the last one ended.
 */
#include "cli/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "core/clock.h"
#include "core/errno_text.h"
#include "core/rfc3339.h"
#include "core/version.h"

#define URL_LIMIT    65536
#define KEY_MAX_SIZE 4096

static const char *environment(const char *name, const char *fallback)
{
	const char *value = getenv(name);

	return value && *value ? value : fallback;
}

int client_open(struct client *client)
{
	*client = (struct client){
		.url = environment("WRENN_BASE_URL", "http://127.0.0.1:9730"),
		.key_text = environment("WRENN_API_KEY", NULL),
		.ca_file = environment("WRENN_EVENTS_CA_FILE", NULL),
		.since_ms = -1,
		.started_ms = clock_mono_ms(),
	};
	buf_init(&client->filter, URL_LIMIT);
	buf_init(&client->last_id, 64);
	client->curl = curl_easy_init();
	return client->curl ? EXIT_GOOD : command_fault(EXIT_FAILED, "out of memory");
}

void client_close(struct client *client)
{
	curl_free(client->place);
	buf_done(&client->filter);
	buf_done(&client->last_id);
	secret_done(&client->key);
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
		client->key_text = value;
		client->key_file = NULL;
		return true;
	case CLIENT_API_KEY_FILE:
		client->key_file = value;
		return true;
	case CLIENT_CACERT:
		client->ca_file = value;
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

/* ---- checks ------------------------------------------------------------------------------ */

/* The key goes into a header line: no byte of it may end the line. */
static int keep_key(struct client *client, struct str key, const char *source)
{
	key = str_trim(key);
	if (key.len == 0)
		return command_fault(EXIT_USAGE, "%s: the file has no API key", source);
	for (size_t i = 0; i < key.len; i++)
		if (key.at[i] <= ' ' || key.at[i] > '~')
			return command_fault(EXIT_USAGE,
					     "%s: expected one API key and nothing else", source);
	if (secret_set(&client->key, key) < 0)
		return command_fault(EXIT_FAILED, "out of memory");
	return EXIT_GOOD;
}

static int read_key_file(struct client *client)
{
	char text[KEY_MAX_SIZE];
	FILE *in = fopen(client->key_file, "re");
	size_t len;
	int code;

	if (!in)
		return command_fault(EXIT_USAGE, "--api-key-file: %s: %s", client->key_file,
				     errno_text(-errno));
	setvbuf(in, NULL, _IONBF, 0); /* leave no copy of the key in stdio's buffer */
	len = fread(text, 1, sizeof(text), in);
	if (ferror(in))
		code = command_fault(EXIT_USAGE, "--api-key-file: %s: %s", client->key_file,
				     errno_text(-errno));
	else
		code = keep_key(client, (struct str){ .at = text, .len = len }, client->key_file);
	explicit_bzero(text, sizeof(text));
	fclose(in);
	return code;
}

static int check_key(struct client *client)
{
	if (client->key_file)
		return read_key_file(client);
	if (!client->key_text)
		return command_fault(EXIT_USAGE, "set WRENN_API_KEY, or give --api-key-file or "
						 "--api-key");
	return keep_key(client, str_of(client->key_text), "the API key");
}

/* Path, user and port may be anything. A query would end up after the path that we append. */
static bool is_base_url(CURLU *url, const char *text)
{
	char *part = NULL;
	bool good = curl_url_set(url, CURLUPART_URL, text, CURLU_GUESS_SCHEME) == CURLUE_OK &&
		    curl_url_get(url, CURLUPART_SCHEME, &part, 0) == CURLUE_OK &&
		    (strcmp(part, "http") == 0 || strcmp(part, "https") == 0);

	curl_free(part);
	return good && !strpbrk(text, "?#");
}

/* Removes the slashes at the end. */
static size_t trimmed_len(const char *url)
{
	size_t len = strlen(url);

	while (len && url[len - 1] == '/')
		len--;
	return len;
}

static int check_url(struct client *client)
{
	CURLU *url = curl_url();
	int code = EXIT_GOOD;

	if (!url)
		return command_fault(EXIT_FAILED, "out of memory");
	if (!is_base_url(url, client->url))
		code = command_fault(EXIT_USAGE, "--url or WRENN_BASE_URL: expected an http or "
						 "https URL such as https://events.example.com");
	curl_url_set(url, CURLUPART_USER, NULL, 0);
	curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
	if (code == EXIT_GOOD && curl_url_get(url, CURLUPART_URL, &client->place, 0) != CURLUE_OK)
		code = command_fault(EXIT_FAILED, "out of memory");
	curl_url_cleanup(url);
	if (code == EXIT_GOOD)
		client->place[trimmed_len(client->place)] = '\0';
	return code;
}

static int check_since(struct client *client)
{
	int64_t time_us;

	if (!client->since || strcmp(client->since, "earliest") == 0 ||
	    rfc3339_parse(str_of(client->since), &time_us) == 0)
		return EXIT_GOOD;
	if (command_duration(client->since, &client->since_ms) < 0)
		return command_fault(EXIT_USAGE,
				     "--since: expected a duration such as 60, 90s or 10m, an RFC "
				     "3339 time or `earliest`, got \"%s\"",
				     client->since);
	client->since = NULL;
	return EXIT_GOOD;
}

int client_check(struct client *client)
{
	int code;

	if (client->filter.err)
		return command_fault(EXIT_USAGE, "the filters are too long; use fewer of them");
	if (client->ca_file && access(client->ca_file, R_OK) != 0)
		return command_fault(EXIT_USAGE, "--cacert or WRENN_EVENTS_CA_FILE: %s: %s",
				     client->ca_file, errno_text(-errno));
	code = check_since(client);
	if (code == EXIT_GOOD)
		code = check_url(client);
	return code == EXIT_GOOD ? check_key(client) : code;
}

/* ---- requests ---------------------------------------------------------------------------- */

static void add_cursor(struct client *client, struct buf *url)
{
	int64_t back_ms = client->since_ms + clock_mono_ms() - client->started_ms;

	if (client->last_id.len)
		add_parameter(client, url, "last_event_id", buf_text(&client->last_id));
	else if (client->since_ms >= 0)
		buf_addf(url, "&since=%jds", (intmax_t)(back_ms + 999) / 1000);
	else if (client->since)
		add_parameter(client, url, "since", client->since);
}

static int set_url(struct client *client, const char *path, const char *extra)
{
	struct buf url;

	buf_init(&url, URL_LIMIT);
	buf_add(&url, client->url, trimmed_len(client->url));
	buf_addf(&url, "%s?%s", path, extra);
	buf_add_str(&url, buf_str(&client->filter));
	add_cursor(client, &url);

	const char *text = buf_text(&url);
	int rc =
		text && curl_easy_setopt(client->curl, CURLOPT_URL, text) == CURLE_OK ? 0 : -ENOMEM;

	buf_done(&url);
	return rc;
}

static struct curl_slist *make_headers(const struct client *client)
{
	struct str key = secret_reveal(&client->key);
	struct buf header;

	buf_init(&header, KEY_MAX_SIZE + 64);
	buf_addf(&header, "X-API-Key: %.*s", STR_ARGS(key));

	const char *text = buf_text(&header);
	struct curl_slist *headers = text ? curl_slist_append(NULL, text) : NULL;

	if (header.bytes)
		explicit_bzero(header.bytes, header.len);
	buf_done(&header);
	return headers;
}

struct curl_slist *client_prepare(struct client *client, const char *path, const char *extra)
{
	CURL *curl = client->curl;
	struct curl_slist *headers;

	curl_easy_reset(curl);
	if (set_url(client, path, extra) < 0)
		return NULL;
	headers = make_headers(client);
	client->fault[0] = '\0';
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->fault);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "wrenn-events/" WRENN_EVENTS_VERSION);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	if (client->ca_file)
		curl_easy_setopt(curl, CURLOPT_CAINFO, client->ca_file);
	return headers;
}

/* ---- retries ----------------------------------------------------------------------------- */

void client_report_retry(struct client *client, const char *cause)
{
	if (strcmp(client->said, cause) == 0)
		return;
	snprintf(client->said, sizeof(client->said), "%s", cause);
	command_fault(EXIT_GOOD, "%s; retrying", cause);
}

bool client_is_back(struct client *client)
{
	bool was_away = client->said[0] != '\0';

	client->said[0] = '\0';
	return was_away;
}

void client_pause(int64_t pause_ms)
{
	if (pause_ms > 0)
		nanosleep(&(struct timespec){ .tv_sec = pause_ms / 1000,
					      .tv_nsec = pause_ms % 1000 * 1000000 },
			  NULL);
}
