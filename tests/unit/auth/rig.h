/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What auth/ needs, all real except the HTTP server: a loop, a database, a Redis, and the rows and
 * cached sessions that tests add.
 */
#ifndef TESTS_AUTH_RIG_H
#define TESTS_AUTH_RIG_H

#include "auth/auth.h"
#include "tests/support/databases.h"
#include "tests/support/redis_server.h"
#include "tests/unit/auth/fake_request.h"

#define ON_BOTH_ENGINES(engine) \
	for (enum database_engine engine = DATABASE_SQLITE; engine < DATABASE_ENGINES; engine++)

#define TEAM_UUID "0f8fad5b-d9cb-469f-a165-70867728950e"
#define TEAM_ID   "team-0x5yg3bfyrehlas5fmd3rslxq"
#define GONE_UUID "6ba7b810-9dad-11d1-80b4-00c04fd430c8" /* deleted */
#define USER_UUID "11111111-2222-4333-8444-555555555555"
#define CSRF      "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"
#define API_KEY   "wrn_00112233445566778899aabbccddeeff"
#define KEY_HASH  "34dc444d178dbba142e5e3cd3a93ada74a3fc8a376c108269f5c1d0ecde85d17"

struct rig {
	uv_loop_t loop;
	struct database database;
	struct redis_server *server; /* of the rig alone, when the test kills it; else NULL */
	redisContext *control;
	struct redis_address address;
	struct store *store;
	struct redis *redis;
	struct auth *auth;
	unsigned closed;
	char sid[65];  /* a cookie that no other test has */
	char hash[65]; /* its session id */
};

/* With the team TEAM_UUID, the deleted team GONE_UUID and the active user USER_UUID. `server` NULL:
 * the shared one. */
void rig_open(struct rig *rig, enum database_engine engine, struct redis_server *server);
/* The same with other options. */
void rig_reopen_auth(struct rig *rig, bool api_keys_manage, enum team_role change_role);
void rig_close(struct rig *rig);

/* Runs SQL on either engine; the number in the first row and column. */
int64_t rig_ask(struct rig *rig, const char *format, ...) printf_like(2, 3);
/* A time `offset_s` from now, quoted for SQL, in one of a few rotating buffers. */
const char *sql_time(int64_t offset_s);

/* Another cookie. What an earlier visit still writes is for the old one. */
void rig_make_cookie(struct rig *rig);
/* Rows for the cookie rig->sid: membership (role NULL: none) and a session of the age given. */
void rig_add_session(struct rig *rig, const char *role, int64_t expires_in_s, int64_t seen_ago_s);
void rig_add_key(struct rig *rig, const char *team, const char *created_by);

/* Caches this JSON as the session for rig->sid. */
void rig_cache(struct rig *rig, const char *json);
/* The usual JSON, for the team (NULL: null). */
void rig_cache_session(struct rig *rig, const char *team, const char *role, int64_t expires_in_s);
long long rig_ttl_ms(struct rig *rig);

/* Sends the request through the hook and runs the loop until it was answered; its status. */
int rig_visit(struct rig *rig, struct http_request *request, enum http_access access);
int rig_visit_session(struct rig *rig, enum http_access access);
int rig_visit_key(struct rig *rig, enum http_access access);

/* Rechecks a credential; the answer. */
int rig_recheck(struct rig *rig, const struct identity *identity, enum http_access access);

#endif
