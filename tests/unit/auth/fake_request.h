/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A request that never saw a socket: it stands in for http/ behind the functions of http/http.h that
 * auth/ calls, counts its answers and keeps them for the test to look at.
 */
#ifndef TESTS_AUTH_FAKE_REQUEST_H
#define TESTS_AUTH_FAKE_REQUEST_H

#include "http/http.h"

/* What it carries is the test's to fill: NULL means absent. The answers count must end at one. */
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
