/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A request without a socket. It stands in for http/ in the functions of http/http.h that auth/
 * calls, and keeps and counts its answers for the test.
 */
#ifndef TESTS_AUTH_FAKE_REQUEST_H
#define TESTS_AUTH_FAKE_REQUEST_H

#include "http/http.h"

/* The test fills the texts; NULL means absent. `answers` must be one at the end. */
struct http_request {
	enum http_method method;
	const char *key;         /* X-API-Key */
	const char *csrf_header; /* X-CSRF-Token */
	const char *proto;       /* X-Forwarded-Proto */
	const char *sid;         /* cookie wrenn_sid */
	const char *csrf_cookie; /* cookie wrenn_csrf */

	unsigned answers;
	int status; /* 200: let through to the handler */
	unsigned cookies_set;
	char cookies[2][160];
	char message[160];
	struct identity identity;
};

#endif
