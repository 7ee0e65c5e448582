/* SPDX-License-Identifier: Apache-2.0 */

/* The functions of http/ that the hook calls, without a server. */
#include "tests/unit/auth/fake_request.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

enum http_method http_request_method(const struct http_request *request)
{
	return request->method;
}

struct identity *http_request_identity(struct http_request *request)
{
	return &request->identity;
}

struct str http_request_header(const struct http_request *request, const char *name)
{
	const char *value = NULL;

	if (strcasecmp(name, "X-API-Key") == 0)
		value = request->key;
	else if (strcasecmp(name, "X-CSRF-Token") == 0)
		value = request->csrf_header;
	else if (strcasecmp(name, "X-Forwarded-Proto") == 0)
		value = request->proto;
	return value ? str_of(value) : (struct str){ .at = NULL, .len = 0 };
}

struct str http_request_cookie(const struct http_request *request, const char *name)
{
	if (strcmp(name, "wrenn_sid") == 0)
		return str_of(request->sid);
	return strcmp(name, "wrenn_csrf") == 0 ? str_of(request->csrf_cookie) : STR("");
}

static void answer(struct http_request *request, int status)
{
	request->status = status;
	request->answers++;
}

void http_request_authenticated(struct http_request *request)
{
	answer(request, 200);
}

void http_respond_header(struct http_request *request, const char *name, struct str value)
{
	cr_assert_str_eq(name, "Set-Cookie");
	cr_assert_lt(request->cookies_set, 2);
	snprintf(request->cookies[request->cookies_set++], sizeof(request->cookies[0]), "%.*s",
		 STR_ARGS(value));
}

void http_respond_fault(struct http_request *request, enum http_error error, const char *field,
			const char *message)
{
	(void)field;
	cr_assert(error == HTTP_UNAUTHORIZED || error == HTTP_FORBIDDEN);
	snprintf(request->message, sizeof(request->message), "%s", message);
	answer(request, error == HTTP_UNAUTHORIZED ? 401 : 403);
}

void http_respond_store_error(struct http_request *request, int rc)
{
	bool is_away = rc == -ENOTCONN || rc == -EBUSY || rc == -ENOBUFS || rc == -ECANCELED;

	answer(request, is_away ? 503 : 500);
}
