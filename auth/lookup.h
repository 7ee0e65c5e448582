/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finding out what a credential stands for, without a request: the one thing that the hook and the
 * recheck of open streams share. Everything here runs on the loop but the two reading functions,
 * which run on a thread of the store.
 */
#ifndef AUTH_LOOKUP_H
#define AUTH_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/auth.h"
#include "core/digest.h"
#include "core/list.h"
#include "core/metrics.h"

#define SESSION_IDLE_US INT64_C(21600000000) /* 6 h (contract f.2) */

/* What a lookup learnt. */
struct found {
	int rc;        /* 0; -EACCES no valid credential; else why it could not be found out */
	bool is_admin; /* an active platform administrator, read from the table just now */
	bool has_row;  /* last_use_us comes from a row, which can be updated */
	int64_t last_use_us;
	struct identity identity; /* its is_admin and the platform team are for access_judge() */
};

/* Embedded by whoever waits. on_found is called once, on a later turn, and may free it. */
struct lookup_waiter {
	struct list link;
	bool is_use; /* somebody uses the credential now, rather than we look whether it holds */
	void (*on_found)(struct lookup_waiter *waiter, const struct found *found);
};

/* The parts of a cached session we need. */
struct session {
	struct uuid user;
	struct uuid team;
	bool has_team;
	enum team_role role;
	int64_t expires_us;
	char name[sizeof(((struct identity *)NULL)->name)];
	char csrf[sizeof(((struct identity *)NULL)->csrf)];
};

/* One credential being looked up, however many wait for it. */
struct lookup {
	struct store_job job;
	struct list link; /* in a bucket of auth->lookups */
	struct list waiters;
	struct auth *auth;
	enum credential kind;
	char hash[SHA256_HEX_SIZE];
	bool is_use;
	bool is_cached; /* Redis knew the session: `cached` is filled */
	struct session cached;
	int64_t now_us;
	int64_t asked_ms; /* on the clock that only goes forth */
	struct found found;
};

#define LOOKUP_BUCKETS 1024 /* a power of two */

enum auth_result { AUTH_ACCEPTED, AUTH_REFUSED, AUTH_FORBIDDEN, AUTH_UNAVAILABLE, AUTH_RESULTS };

struct auth {
	struct auth_options options;
	struct list lookups[LOOKUP_BUCKETS];
	size_t in_flight;
	struct list recents[LOOKUP_BUCKETS];
	struct list recent; /* the same in order of their coming */
	size_t recent_count;
	int64_t crowd_since_ms; /* streams are counted from here on */
	unsigned crowd_count;
	int64_t crowd_until_ms;
	bool closing;
	struct metric *results[CREDENTIAL_SESSION + 1][AUTH_RESULTS];
	struct metric *lookups_started;
};

/* Joins the lookup of that credential, or starts one. 0, or negative and on_found will not be
 * called. */
int lookup_join(struct auth *auth, enum credential kind, const char *hash,
		struct lookup_waiter *waiter) must_check;

/* Which bucket the credential of that hash is in. */
unsigned lookup_bucket(const char *hash);

/* Frees `auth` unless a lookup is on its way; then the last one does. */
void auth_free_when_idle(struct auth *auth);

/* ---- recent.c ------------------------------------------------------------------------ */

/* A stream was let in. */
void crowd_grow(struct auth *auth);
/* A stream asks. In a crowd: what was found out about the credential less than two seconds ago, valid until
 * the next call of the two below. Else NULL. */
const struct found *recent_find(struct auth *auth, enum credential kind, const char *hash);
/* Takes over what was found out, or forgets what was known before when that was nothing good. */
void recent_keep(struct auth *auth, const struct lookup *lookup);
void recent_forget_all(struct auth *auth);

/* ---- keys.c -------------------------------------------------------------------------- */

/* "wrn_" and 32 lower-case hex digits. */
bool key_is_well_formed(struct str key);
/* Fills lookup->found. 0, or the store's failure. */
int key_read(struct db *db, struct lookup *lookup) must_check;

/* ---- sessions.c ------------------------------------------------------------------------ */

/* 64 lower-case hex digits. */
bool cookie_is_well_formed(struct str cookie);
/* Reads what Redis holds for the session of that hash. 0, -EINVAL on anything that is not the
 * object of contract f.2, or -ENOMEM. */
int session_parse(struct str json, struct str hash, struct session *out) must_check;
/* The rest of a cached session, or all of one from the tables. */
int session_read_cached(struct db *db, struct lookup *lookup) must_check;
int session_read_table(struct db *db, struct lookup *lookup) must_check;

/* ---- uses.c ---------------------------------------------------------------------------- */

/* After a request was let in: the row's time, at most once a minute, and the idle life of the
 * cached session. Nobody waits for either, and neither can fail the request. */
void record_use(const struct lookup *lookup);

/* ---- access.c --------------------------------------------------------------------------- */

enum judgement {
	ACCESS_GRANTED,
	ACCESS_UNKNOWN,     /* 401: no such credential any more */
	ACCESS_NEEDS_LOGIN, /* 401: a session is asked for, an API key does not do */
	ACCESS_NO_TEAM,     /* 403, like all below */
	ACCESS_NO_ADMIN,
	ACCESS_LOW_ROLE
};

/* Only for found->rc 0 or -EACCES. */
enum judgement access_judge(const struct auth_options *options, const struct found *found,
			    enum http_access access) must_check;

/* API keys do not open this route, so a refusal ends the browser's session. */
bool access_is_session_only(const struct auth_options *options, enum http_access access);

/* Who a granted request acts as: on ACCESS_ADMIN the platform team. */
void access_identify(const struct found *found, enum http_access access, struct identity *out);

#endif
