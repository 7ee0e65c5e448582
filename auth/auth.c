/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The server's hook: reads the credential of a request, looks it up and judges. Then it lets the
 * request through to its handler, or answers it.
 *
 * Happy path: X-API-Key, when present, decides alone; else the session cookie does. After the
 * lookup come team, role or administrator, and for sessions CSRF. Failure: 401 when the credential
 * is missing, malformed, unknown or expired, 403 when a known one lacks the right, 503 when the
 * store fails.
 */
#include "auth/auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/access.h"
#include "auth/credential.h"
#include "auth/lookup.h"
#include "auth/recent.h"
#include "auth/recheck.h"
#include "auth/uses.h"

#define MAX_COOKIE_LINE 128

enum auth_result { AUTH_ACCEPTED, AUTH_REFUSED, AUTH_FORBIDDEN, AUTH_UNAVAILABLE, AUTH_RESULTS };

struct auth {
	struct access_rules rules;
	struct credential_lookups lookups;
	struct recent_answers recent;
	struct metric *results[CREDENTIAL_SESSION + 1][AUTH_RESULTS];
};

/* A request that waits for its lookup. */
struct visit {
	struct lookup_waiter waiter;
	struct auth *auth;
	struct http_request *request;
	enum http_access access;
	enum credential kind;
};

static const struct {
	enum auth_result result;
	const char *message;
} answers[] = {
	[ACCESS_UNKNOWN] = { AUTH_REFUSED, "the API key or session is unknown or has expired" },
	[ACCESS_NEEDS_LOGIN] = { AUTH_REFUSED,
				 "this endpoint needs a session; an API key is not enough" },
	[ACCESS_NO_TEAM] = { AUTH_FORBIDDEN, "the session has no active team" },
	[ACCESS_NO_ADMIN] = { AUTH_FORBIDDEN, "this needs a platform administrator" },
	[ACCESS_LOW_ROLE] = { AUTH_FORBIDDEN, "your role in this team does not allow changes" },
};

static void count(struct auth *auth, enum credential kind, enum auth_result result)
{
	metric_add(auth->results[kind][result], 1);
}

/* ---- refusing --------------------------------------------------------------------------- */

static void clear_cookie(struct http_request *request, const char *name, const char *flags)
{
	bool is_secure =
		str_eq_nocase(http_request_header(request, "X-Forwarded-Proto"), STR("https"));
	char line[MAX_COOKIE_LINE];
	int len = snprintf(line, sizeof(line), "%s=; Path=/; Max-Age=0; SameSite=Strict%s%s", name,
			   flags, is_secure ? "; Secure" : "");

	http_respond_header(request, "Set-Cookie", (struct str){ .at = line, .len = (size_t)len });
}

/* Where only a session helps, the browser forgets a refused one, as in the reference. */
static void refuse_session(struct auth *auth, struct http_request *request, enum http_access access)
{
	if (!access_is_session_only(&auth->rules, access))
		return;
	clear_cookie(request, "wrenn_sid", "; HttpOnly");
	clear_cookie(request, "wrenn_csrf", "");
}

static void refuse(struct auth *auth, struct http_request *request, enum http_access access,
		   enum credential kind, const char *message)
{
	count(auth, kind, AUTH_REFUSED);
	if (kind != CREDENTIAL_API_KEY)
		refuse_session(auth, request, access);
	http_respond_fault(request, HTTP_UNAUTHORIZED, NULL, message);
}

static void fail(struct auth *auth, struct http_request *request, enum credential kind, int rc)
{
	count(auth, kind, AUTH_UNAVAILABLE);
	http_respond_store_error(request, rc);
}

/* ---- judging ------------------------------------------------------------------------------ */

static bool changes_something(struct http_request *request)
{
	return http_request_method(request) != HTTP_GET;
}

/* Header, cookie and session must agree. An attacker who can plant a cookie on the domain makes
 * cookie and header agree (W17). */
static bool has_csrf_token(struct http_request *request, const struct identity *who)
{
	struct str header = http_request_header(request, "X-CSRF-Token");
	struct str cookie = http_request_cookie(request, "wrenn_csrf");
	struct str own = str_of(who->csrf);

	if (header.len == 0 || cookie.len == 0)
		return false;
	bool header_fits = crypto_equal(header, own);
	bool cookie_fits = crypto_equal(cookie, own);

	return header_fits && cookie_fits;
}

static void admit(const struct visit *visit, const struct found *found)
{
	struct http_request *request = visit->request;
	const struct identity *who = &found->identity;

	if (who->credential == CREDENTIAL_SESSION && changes_something(request) &&
	    !has_csrf_token(request, who)) {
		count(visit->auth, who->credential, AUTH_FORBIDDEN);
		http_respond_fault(request, HTTP_FORBIDDEN, NULL,
				   "the X-CSRF-Token header does not match this session");
		return;
	}
	count(visit->auth, who->credential, AUTH_ACCEPTED);
	if (visit->access == ACCESS_STREAM)
		recent_count_stream(&visit->auth->recent);
	access_identify(found, visit->access, http_request_identity(request));
	http_request_authenticated(request);
}

static void judge(const struct visit *visit, const struct found *found)
{
	struct auth *auth = visit->auth;
	enum credential kind = visit->kind;

	if (found->rc && found->rc != -EACCES) {
		fail(auth, visit->request, kind, found->rc);
		return;
	}

	enum judgement judgement = access_judge(&auth->rules, found, visit->access);

	if (judgement == ACCESS_GRANTED) {
		admit(visit, found);
	} else if (answers[judgement].result == AUTH_REFUSED) {
		refuse(auth, visit->request, visit->access, kind, answers[judgement].message);
	} else {
		count(auth, kind, AUTH_FORBIDDEN);
		http_respond_fault(visit->request, HTTP_FORBIDDEN, NULL,
				   answers[judgement].message);
	}
}

static void on_found(struct lookup_waiter *waiter, const struct found *found)
{
	struct visit *visit = container_of(waiter, struct visit, waiter);

	judge(visit, found);
	free(visit);
}

/* ---- the hook ------------------------------------------------------------------------------- */

/* The credential of the request. False when it is malformed or missing; *kind says which sort. */
static bool find_credential(struct http_request *request, enum credential *kind, struct str *out)
{
	struct str key = http_request_header(request, "X-API-Key");
	struct str cookie = http_request_cookie(request, "wrenn_sid");

	if (key.at) {
		*kind = CREDENTIAL_API_KEY;
		*out = key;
		return key_is_well_formed(key);
	}
	*kind = cookie.len ? CREDENTIAL_SESSION : CREDENTIAL_NONE;
	*out = cookie;
	return cookie_is_well_formed(cookie);
}

static int join_lookup(const struct visit *template, const char *hash)
{
	struct visit *visit = malloc(sizeof(*visit));
	int rc;

	if (!visit)
		return -ENOMEM;
	*visit = *template;
	visit->waiter.is_use = true;
	visit->waiter.on_found = on_found;
	rc = lookup_join(&visit->auth->lookups, visit->kind, hash, &visit->waiter);
	if (rc < 0)
		free(visit);
	return rc;
}

static void look_up(const struct visit *visit, struct str text)
{
	const struct found *found = NULL;
	char hash[SHA256_HEX_SIZE];
	int rc;

	crypto_sha256_hex(text, hash);
	if (visit->access == ACCESS_STREAM)
		found = recent_find(&visit->auth->recent, visit->kind, hash);
	if (found) {
		judge(visit, found);
		return;
	}
	rc = join_lookup(visit, hash);
	if (rc < 0)
		fail(visit->auth, visit->request, visit->kind, rc);
}

void auth_authenticate(struct http_request *request, enum http_access access, void *owner)
{
	struct auth *auth = owner;
	enum credential kind;
	struct str text;

	if (access == ACCESS_PUBLIC)
		http_request_authenticated(request);
	else if (find_credential(request, &kind, &text))
		look_up(
			&(struct visit){
				.auth = auth, .request = request, .access = access, .kind = kind },
			text);
	else if (kind == CREDENTIAL_NONE)
		refuse(auth, request, access, kind,
		       "send an API key in X-API-Key, or a session cookie");
	else
		refuse(auth, request, access, kind, answers[ACCESS_UNKNOWN].message);
}

int auth_recheck(struct auth *auth, const struct identity *identity, enum http_access access,
		 auth_recheck_fn on_done, void *owner)
{
	return credential_recheck(&auth->lookups, &auth->rules, identity, access, on_done, owner);
}

/* ---- opening and closing ------------------------------------------------------------------- */

static void register_metrics(struct auth *auth)
{
#define LABELS(credential)                                            \
	"credential=\"" credential "\",result=\"accepted\"",          \
		"credential=\"" credential "\",result=\"refused\"",   \
		"credential=\"" credential "\",result=\"forbidden\"", \
		"credential=\"" credential "\",result=\"unavailable\""
	static const char *const labels[CREDENTIAL_SESSION + 1][AUTH_RESULTS] = {
		[CREDENTIAL_NONE] = { LABELS("none") },
		[CREDENTIAL_API_KEY] = { LABELS("api_key") },
		[CREDENTIAL_SESSION] = { LABELS("session") },
	};
#undef LABELS

	for (int kind = 0; kind <= CREDENTIAL_SESSION; kind++)
		for (int result = 0; result < AUTH_RESULTS; result++)
			auth->results[kind][result] =
				metric_counter("wrenn_events_auth_total", labels[kind][result],
					       "Requests by credential and result.");
}

static void on_result(const struct found *found, bool is_use, void *owner)
{
	struct auth *auth = owner;

	if (found->rc == 0 && is_use)
		use_record(auth->lookups.store, auth->lookups.redis, found);
	if (found->rc != 0 || is_use)
		recent_keep(&auth->recent, found);
}

static void on_idle(void *owner)
{
	free(owner);
}

int auth_open(const struct auth_options *options, struct auth **out)
{
	struct auth *auth = calloc(1, sizeof(*auth));

	if (!auth)
		return -ENOMEM;
	auth->rules = (struct access_rules){ .api_keys_manage = options->api_keys_manage,
					     .change_role = options->change_role };
	auth->lookups.store = options->store;
	auth->lookups.redis = options->redis;
	auth->lookups.on_result = on_result;
	auth->lookups.on_idle = on_idle;
	auth->lookups.owner = auth;
	recent_init(&auth->recent);
	register_metrics(auth);
	lookups_init(&auth->lookups);
	*out = auth;
	return 0;
}

void auth_close(struct auth *auth)
{
	if (!auth)
		return;
	recent_forget_all(&auth->recent);
	lookups_close(&auth->lookups); /* the last answer frees */
}
