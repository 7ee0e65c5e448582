/* SPDX-License-Identifier: Apache-2.0 */

/* The libcurl options a request needs, and why. */
#include "net/outbound_request.h"

#include <errno.h>
#include <string.h>

#define TRUST_S 3600L

static int add_header(struct curl_slist **headers, const char *line)
{
	struct curl_slist *longer = line ? curl_slist_append(*headers, line) : NULL;

	if (!longer)
		return -ENOMEM;
	*headers = longer;
	return 0;
}

static int set_headers(CURL *easy, struct outgoing *request, struct curl_slist **headers)
{
	/* An empty value removes the header that libcurl would add. */
	int rc = add_header(headers, "Expect:");

	for (size_t i = 0; rc == 0 && i < request->header_count; i++)
		rc = add_header(headers, buf_text(&request->headers[i]));
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *headers);
	return rc;
}

static void set_method(CURL *easy, const struct outgoing *request)
{
	const char *method = request->method ? request->method : "POST";

	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL); /* of the request before */
	if (strcmp(method, "GET") == 0) {
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
		return;
	}
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.bytes ? request->body.bytes : "");
	if (strcmp(method, "POST") != 0)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

int outbound_request_set(CURL *easy, struct outgoing *request, struct curl_slist **headers)
{
	int rc = outgoing_error(request);

	if (rc < 0)
		return rc == -ENOMEM ? -ENOMEM : -EINVAL;
	set_method(easy, request);
	if (curl_easy_setopt(easy, CURLOPT_URL, buf_text(&request->url)) != CURLE_OK)
		return -ENOMEM;
	return set_headers(easy, request, headers);
}

void outbound_request_unset(CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
	curl_easy_setopt(easy, CURLOPT_URL, NULL);
}

/* With a folder of issuers, libcurl reads all of them for every handshake. That stops the loop for
 * ten milliseconds and more. It reads the file alone once an hour. */
void outbound_request_set_trust(CURL *easy, int64_t trusted_ms)
{
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT,
			 trusted_ms < TRUST_S * 1000 ? (long)(trusted_ms / 1000) : TRUST_S);
}

void outbound_request_set_policy(CURL *easy, const char *user_agent, const char *ca_file)
{
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, user_agent);
	if (ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	/* A kept connection needs no lookup, and a new one must not use an old address. libcurl
	 * would also search its whole cache after each request. */
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	/* Without this, removing a handle waits for its resolver thread, and the loop with it. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}
