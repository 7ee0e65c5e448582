/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Serves the files of the console. No name carries a version, so browsers keep them but ask with
 * If-None-Match before each use. Every link between them is relative, so that a proxy may put a
 * prefix before /console/.
 */
#include "app/console.h"

#include <stdio.h>

#define ETAG_SIZE 40

/* No inline script, no eval, no other host; no page may frame ours. */
#define POLICY                                                                            \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " \
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static const char *missing_console(const struct console *console)
{
	if (console->is_off)
		return "the console is switched off: WRENN_EVENTS_CONSOLE=off";
	if (!console->assets[0].path)
		return "this program was built without the console: its npm packages were missing; "
		       "`tools/install-packages console` fetches them";
	return NULL;
}

static const struct console_asset *find_asset(const struct console *console, struct str path)
{
	const struct console_asset *asset = console->assets;

	if (path.len == 0)
		path = STR("index.html");
	while (asset->path && !str_is(path, asset->path))
		asset++;
	return asset->path ? asset : NULL;
}

/* True when the list of ETags has this one. W/ is ignored: the comparison is weak (RFC 9110). */
static bool names_etag(struct str list, struct str etag)
{
	while (list.at) {
		struct str one = str_trim(str_cut(&list, ','));

		if (str_starts(one, STR("W/")))
			one = str_from(one, 2);
		if (str_eq(one, etag) || str_is(one, "*"))
			return true;
	}
	return false;
}

static void answer_asset(struct http_request *request, const struct console_asset *asset)
{
	bool packed =
		asset->gzip.len < asset->bytes.len && http_request_takes_coding(request, "gzip");
	struct str body = packed ? asset->gzip : asset->bytes;
	char etag[ETAG_SIZE];

	snprintf(etag, sizeof(etag), "\"%s%s\"", asset->hash, packed ? "-gzip" : "");
	http_respond_header(request, "ETag", str_of(etag));
	http_respond_header(request, "Cache-Control", STR("no-cache"));
	http_respond_header(request, "Vary", STR("Accept-Encoding"));
	http_respond_header(request, "Content-Security-Policy", STR(POLICY));
	http_respond_header(request, "Referrer-Policy", STR("no-referrer"));
	if (names_etag(http_request_header(request, "if-none-match"), str_of(etag))) {
		http_respond(request, 304, NULL, STR(""));
		return;
	}
	if (packed)
		http_respond_header(request, "Content-Encoding", STR("gzip"));
	http_respond(request, 200, asset->type, body);
}

static void answer_console(struct http_request *request, void *owner)
{
	const struct console *console = owner;
	const char *missing = missing_console(console);
	const struct console_asset *asset = NULL;

	if (!missing)
		asset = find_asset(console, http_request_param(request, 0));
	if (asset)
		answer_asset(request, asset);
	else
		http_respond_fault(request, HTTP_NOT_FOUND, NULL,
				   missing ? missing : "the console has no such file");
}

/* Without the slash, relative links would lead out of the console. The new address is relative,
 * too, because only the browser knows the prefix. */
static void answer_without_slash(struct http_request *request, void *owner)
{
	(void)owner;
	http_respond_header(request, "Location", STR("console/"));
	http_respond(request, 308, "text/plain; charset=utf-8", STR("console/\n"));
}

int console_add_routes(struct console *console, struct http_server *server)
{
	const struct http_route routes[] = {
		{ HTTP_GET, "/console", ACCESS_PUBLIC, answer_without_slash, console },
		{ HTTP_GET, "/console/{path*}", ACCESS_PUBLIC, answer_console, console },
	};

	return http_server_add_routes(server, routes, ARRAY_LEN(routes));
}
