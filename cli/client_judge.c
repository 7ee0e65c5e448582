/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Turns the result of a request into a sentence and an exit code. A service that is down, busy or
 * restarting may recover, so those requests may be retried. A bad certificate, key or request may
 * not.
 */
#include <openssl/x509_vfy.h>
#include <stdio.h>

#include "cli/client.h"
#include "cli/command.h"
#include "core/errno_text.h"
#include "core/json.h"
#include "core/utf8.h"

#define MAX_MESSAGE 400

/* ---- no answer --------------------------------------------------------------------------- */

static const char *refused_by(CURL *curl)
{
	long number = 0;

	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
	return number ? errno_text(-(int)number) : "no connection";
}

static const char *timed_out_in(CURL *curl)
{
	curl_off_t connected_us = 0;

	curl_easy_getinfo(curl, CURLINFO_APPCONNECT_TIME_T, &connected_us);
	if (connected_us == 0)
		curl_easy_getinfo(curl, CURLINFO_CONNECT_TIME_T, &connected_us);
	return connected_us ? "connected, but received nothing for too long"
			    : "the connection timed out";
}

static const char *distrusted_for(const struct client *client)
{
	long verdict = X509_V_OK;

	curl_easy_getinfo(client->curl, CURLINFO_SSL_VERIFYRESULT, &verdict);
	return verdict == X509_V_OK ? client->fault : X509_verify_cert_error_string(verdict);
}

static const char *words_for(const struct client *client, CURLcode rc)
{
	switch (rc) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return "unknown host";
	case CURLE_COULDNT_RESOLVE_PROXY:
		return "unknown proxy host";
	case CURLE_COULDNT_CONNECT:
		return refused_by(client->curl);
	case CURLE_OPERATION_TIMEDOUT:
		return timed_out_in(client->curl);
	case CURLE_GOT_NOTHING:
		return "the connection was closed without an answer";
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
		return "the connection was lost";
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return "the answer is not HTTP";
	default:
		return client->fault[0] ? client->fault : curl_easy_strerror(rc);
	}
}

static void judge_failure(struct client *client, CURLcode rc, struct client_answer *out)
{
	const char *place = client->place;

	out->code = EXIT_UNREACHABLE;
	if (rc == CURLE_PEER_FAILED_VERIFICATION) {
		snprintf(out->cause, sizeof(out->cause),
			 "cannot reach %s: bad certificate: %s (use --cacert to trust another CA)",
			 place, distrusted_for(client));
	} else if (rc == CURLE_SSL_CACERT_BADFILE) {
		out->code = EXIT_USAGE;
		snprintf(out->cause, sizeof(out->cause),
			 "--cacert or WRENN_EVENTS_CA_FILE: %s: the file has no PEM certificates",
			 client->ca_file ? client->ca_file : "the system's CA file");
	} else {
		out->may_pass = true;
		snprintf(out->cause, sizeof(out->cause), "%s %s: %s",
			 out->status ? "lost the connection to" : "cannot reach", place,
			 words_for(client, rc));
	}
}

/* ---- an answer --------------------------------------------------------------------------- */

/* Writes the `error.message` of the answer, or a sentence about its status. */
static void describe(const struct client *client, long status, struct str body, struct buf *out)
{
	cJSON *tree = NULL;
	const char *message = NULL;
	const char *location = NULL;

	curl_easy_getinfo(client->curl, CURLINFO_REDIRECT_URL, &location);
	if (json_parse(body, 65536, &tree, NULL) == 0)
		message = json_get_string(json_get(tree, "error"), "message");
	if (message) {
		utf8_clean(out, str_of(message), MAX_MESSAGE, false);
		buf_addf(out, " (%ld)", status);
	} else if (location) {
		buf_addf(out, "answered %ld, a redirect to ", status);
		utf8_clean(out, str_of(location), MAX_MESSAGE, false);
	} else {
		buf_addf(out, "answered %ld", status);
	}
	cJSON_Delete(tree);
}

static void judge_status(struct client *client, struct str body, struct client_answer *out)
{
	long status = out->status;
	curl_off_t retry_after_s = 0;
	struct buf words;

	out->code = status == 401 || status == 403 ? EXIT_UNREACHABLE : EXIT_USAGE;
	out->may_pass = status >= 500 || status == 429 || status == 408;
	if (out->may_pass)
		out->code = EXIT_UNREACHABLE;
	curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &retry_after_s);
	out->wait_ms = retry_after_s > 0 ? (int64_t)retry_after_s * 1000 : 0;
	buf_init(&words, 4096);
	describe(client, status, body, &words);
	snprintf(out->cause, sizeof(out->cause), "%s: %.*s", client->place,
		 STR_ARGS(buf_str(&words)));
	buf_done(&words);
}

void client_judge(struct client *client, CURLcode rc, struct str body, struct client_answer *out)
{
	*out = (struct client_answer){ .code = EXIT_GOOD };
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &out->status);
	if (rc != CURLE_OK && (out->status == 0 || rc != CURLE_WRITE_ERROR))
		judge_failure(client, rc, out);
	else if (out->status < 200 || out->status > 299)
		judge_status(client, body, out);
}
