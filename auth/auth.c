/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The server's hook: reads the credential off a request, has it looked up, judges, and lets the
 * request through to its handler or answers it.
 *
 * Happy path: X-API-Key, when present, decides alone; else the session cookie. Lookup, then team,
 * role or administrator, then for sessions CSRF. Failure: 401 for no, malformed, unknown or ended
 * credentials, 403 for known ones that may not, 503 when the store cannot say.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "auth/lookup.h"

#define MAX_COOKIE_LINE 128

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
	[ACCESS_UNKNOWN] = { AUTH_REFUSED, "the credentials are unknown or have expired" },
	[ACCESS_NEEDS_LOGIN] = { AUTH_REFUSED, "this endpoint takes a session, not an API key" },
	[ACCESS_NO_TEAM] = { AUTH_FORBIDDEN, "the session has no active team" },
	[ACCESS_NO_ADMIN] = { AUTH_FORBIDDEN, "only platform administrators may do this" },
	[ACCESS_LOW_ROLE] = { AUTH_FORBIDDEN, "the role in this team does not allow changes" },
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

/* Where only a session helps, a refused one is taken from the browser, as the reference does. */
static void refuse_session(struct auth *auth, struct http_request *request, enum http_access access)
{
	if (!access_is_session_only(&auth->options, access))
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

/* Header, cookie and session must agree: cookie against header alone can be satisfied by anybody
 * who can plant a cookie on the domain (W17). */
static bool has_csrf_token(struct http_request *request, const struct identity *who)
{
	struct str header = http_request_header(request, "X-CSRF-Token");
	struct str cookie = http_request_cookie(request, "wrenn_csrf");
	struct str own = str_of(who->csrf);

	if (header.len == 0 || cookie.len == 0)
		return false;
	bool header_fits = digest_equal(header, own);
	bool cookie_fits = digest_equal(cookie, own);

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
		crowd_grow(visit->auth);
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

	enum judgement judgement = access_judge(&auth->options, found, visit->access);

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

/* What the request shows. False: malformed or nothing at all; *kind says of which sort. */
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
	rc = lookup_join(visit->auth, visit->kind, hash, &visit->waiter);
	if (rc < 0)
		free(visit);
	return rc;
}

static void look_up(const struct visit *visit, struct str text)
{
	const struct found *found = NULL;
	char hash[SHA256_HEX_SIZE];
	int rc;

	digest_sha256_hex(text, hash);
	if (visit->access == ACCESS_STREAM)
		found = recent_find(visit->auth, visit->kind, hash);
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
		refuse(auth, request, access, kind, "an API key or a session is required");
	else
		refuse(auth, request, access, kind, answers[ACCESS_UNKNOWN].message);
}

/* ---- life -------------------------------------------------------------------------------------
 */

static void register_metrics(struct auth *auth)
{
#define LABELS(credential)                                                     \
	{                                                                      \
		"credential=\"" credential "\",result=\"accepted\"",           \
			"credential=\"" credential "\",result=\"refused\"",    \
			"credential=\"" credential "\",result=\"forbidden\"",  \
			"credential=\"" credential "\",result=\"unavailable\"" \
	}
	static const char *const labels[CREDENTIAL_SESSION + 1][AUTH_RESULTS] = {
		[CREDENTIAL_NONE] = LABELS("none"),
		[CREDENTIAL_API_KEY] = LABELS("api_key"),
		[CREDENTIAL_SESSION] = LABELS("session"),
	};
#undef LABELS

	for (int kind = 0; kind <= CREDENTIAL_SESSION; kind++)
		for (int result = 0; result < AUTH_RESULTS; result++)
			auth->results[kind][result] =
				metric_counter("wrenn_events_auth_total", labels[kind][result],
					       "Requests by credential and what became of them.");
	auth->lookups_started =
		metric_counter("wrenn_events_auth_lookups_total", NULL,
			       "Lookups of credentials; requests at the same time share one.");
}

int auth_open(const struct auth_options *options, struct auth **out)
{
	struct auth *auth = calloc(1, sizeof(*auth));

	if (!auth)
		return -ENOMEM;
	auth->options = *options;
	for (size_t i = 0; i < ARRAY_LEN(auth->lookups); i++)
		list_init(&auth->lookups[i]);
	for (size_t i = 0; i < ARRAY_LEN(auth->recents); i++)
		list_init(&auth->recents[i]);
	list_init(&auth->recent);
	register_metrics(auth);
	*out = auth;
	return 0;
}

void auth_free_when_idle(struct auth *auth)
{
	if (auth->in_flight == 0)
		free(auth);
}

void auth_close(struct auth *auth)
{
	if (!auth)
		return;
	/* Redis and the store still answer what is on its way; the last answer frees. */
	auth->closing = true;
	recent_forget_all(auth);
	auth_free_when_idle(auth);
}
