/* SPDX-License-Identifier: Apache-2.0 */

/* The two endpoints on a real server: who sees which rows, and the errors. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <sys/socket.h>

#include "audit/audit.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/metrics.h"
#include "tests/support/databases.h"
#include "tests/support/redis_server.h"

#define TEAM_UUID "0f8fad5b-d9cb-469f-a165-70867728950e"

struct rig {
	uv_loop_t loop;
	struct database database;
	struct store *store;
	struct audit *audit;
	struct http_server *server;
	unsigned closed;
	int socket;
	bool has_ended;
	struct buf answer;
};

/* Replaces auth/: the header X-Who names the caller. */
static void believe(struct http_request *request, enum http_access access, void *owner)
{
	struct str who = http_request_header(request, "X-Who");
	struct identity *identity = http_request_identity(request);

	(void)owner;
	identity->has_team = true;
	identity->credential = str_is(who, "key") ? CREDENTIAL_API_KEY : CREDENTIAL_SESSION;
	identity->role = str_is(who, "member")  ? ROLE_MEMBER
			 : str_is(who, "owner") ? ROLE_OWNER
						: ROLE_ADMIN;
	if (access == ACCESS_ADMIN)
		identity->is_admin = true;
	else
		cr_assert_eq(uuid_parse(STR(TEAM_UUID), &identity->team), 0);
	http_request_authenticated(request);
}

static void add_row(struct rig *rig, unsigned n, const char *team, const char *scope)
{
	char sql[512];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO audit_logs (id, team_id, actor_type, resource_type, action, scope, "
		 "created_at) VALUES ('00000000-0000-0000-0000-00000000000%u', '%s', 'system', "
		 "'member', 'add', '%s', '2026-05-24T05:02:08.5Z')",
		 n, team, scope);
	if (strncmp(rig->database.url, "sqlite", 6) == 0) /* SQLite rows always have six digits */
		memcpy(strstr(sql, ".5Z'"), ".500000Z')", sizeof(".500000Z')"));
	database_ask(&rig->database, sql);
}

static void rig_open(struct rig *rig, enum database_engine engine, const char *url)
{
	struct reason why = { .text = "" };

	*rig = (struct rig){ .closed = 0 };
	metrics_setup(1);
	cr_assert_eq(uv_loop_init(&rig->loop), 0);
	if (!url)
		rig->database = database_make(engine);

	const struct store_options store = { .loop = &rig->loop,
					     .url = url ? url : rig->database.url,
					     .readers = 1,
					     .request_readers = 1 };
	const struct http_options http = { .loop = &rig->loop,
					   .host = "127.0.0.1",
					   .max_connections = 10,
					   .authenticate = believe };

	cr_assert_eq(store_open(&store, &rig->store), 0);
	const struct audit_options audit = { .loop = &rig->loop, .store = rig->store };

	cr_assert_eq(audit_open(&audit, &rig->audit), 0);
	cr_assert_eq(http_server_open(&http, &rig->server, &why), 0, "%s", why.text);
	cr_assert_eq(audit_add_routes(rig->audit, rig->server), 0);
}

static void count_closed(void *owner)
{
	((struct rig *)owner)->closed++;
}

static bool all_closed(void *owner)
{
	return ((const struct rig *)owner)->closed == 3;
}

static void rig_close(struct rig *rig)
{
	http_server_close(rig->server, count_closed, rig);
	store_close(rig->store, count_closed, rig);
	audit_close(rig->audit, count_closed, rig);
	run_until(&rig->loop, all_closed, rig, "everything closed");
	uv_run(&rig->loop, UV_RUN_DEFAULT);
	cr_assert_eq(uv_loop_close(&rig->loop), 0);
}

static bool answer_has_ended(void *owner)
{
	struct rig *rig = owner;
	char bytes[4096];
	ssize_t n;

	while ((n = recv(rig->socket, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		buf_add(&rig->answer, bytes, (size_t)n);
	return n == 0;
}

/* Returns the status, and the body as a tree, which the caller deletes. */
static int get(struct rig *rig, const char *target, const char *who, cJSON **out)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(http_server_port(rig->server)),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char request[512];
	struct reason why;
	unsigned long long status;

	rig->socket = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(connect(rig->socket, (struct sockaddr *)&address, sizeof(address)), 0);
	snprintf(request, sizeof(request),
		 "GET %s HTTP/1.1\r\nHost: x\r\nX-Who: %s\r\nConnection: close\r\n\r\n", target,
		 who);
	cr_assert_eq(send(rig->socket, request, strlen(request), 0), (ssize_t)strlen(request));
	buf_init(&rig->answer, 1024ul * 1024);
	run_until(&rig->loop, answer_has_ended, rig, "the answer has arrived");
	close(rig->socket);

	const char *text = buf_text(&rig->answer);
	const char *body = strstr(text, "\r\n\r\n");

	cr_assert(str_starts(str_of(text), STR("HTTP/1.1 ")) &&
			  str_to_u64((struct str){ .at = text + 9, .len = 3 }, &status),
		  "%s", text);
	cr_assert_eq(json_parse(str_trim(str_of(body)), 1024ul * 1024, out, &why), 0, "%s", text);
	buf_done(&rig->answer);
	return (int)status;
}

Test(audit_endpoints, show_what_the_caller_may_see)
{
	static const struct {
		const char *target;
		const char *who;
		int rows;
	} cases[] = {
		{ "/v1/audit-logs", "member", 1 },
		{ "/v1/audit-logs", "key", 1 },
		{ "/v1/audit-logs", "admin", 2 },
		{ "/v1/audit-logs", "owner", 2 },
		{ "/v1/audit-logs?resource_type=member&action=add", "owner", 2 },
		{ "/v1/audit-logs?before=2026-05-24T05:02:08Z", "owner", 0 },
		{ "/v1/admin/audit-logs", "member", 3 },
	};

	for (enum database_engine engine = DATABASE_SQLITE; engine < DATABASE_ENGINES; engine++) {
		static const char platform[] = "00000000-0000-0000-0000-000000000000";
		struct rig rig;

		rig_open(&rig, engine, NULL);
		add_row(&rig, 1, TEAM_UUID, "team");
		add_row(&rig, 2, TEAM_UUID, "admin");
		add_row(&rig, 3, platform, "team");
		add_row(&rig, 4, platform, "admin");
		add_row(&rig, 5, platform, "admin");
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			cJSON *page;

			cr_expect_eq(get(&rig, cases[i].target, cases[i].who, &page), 200);
			cr_expect_eq(cJSON_GetArraySize(json_get(page, "items")), cases[i].rows,
				     "case %zu", i);
			cJSON_Delete(page);
		}
		rig_close(&rig);
	}
}

Test(audit_endpoints, name_the_parameter_at_fault)
{
	static const struct {
		const char *target;
		const char *field;
	} cases[] = {
		{ "/v1/audit-logs?limit=0", "limit" },
		{ "/v1/audit-logs?before=", "before" },
		{ "/v1/admin/audit-logs?before_id=x", "before_id" },
	};
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const cJSON *error;
		cJSON *answer;

		cr_expect_eq(get(&rig, cases[i].target, "owner", &answer), 400);
		error = json_get(answer, "error");
		cr_expect_str_eq(json_get_string(error, "code"), "invalid_request");
		cr_expect_str_eq(json_get_string(json_get(error, "details"), "field"),
				 cases[i].field);
		cJSON_Delete(answer);
	}
	rig_close(&rig);
}

Test(audit_endpoints, answer_503_while_the_store_is_away)
{
	struct rig rig;
	cJSON *answer;

	rig_open(&rig, DATABASE_POSTGRES, "postgres:///none?host=/nonexistent&user=nobody");
	cr_expect_eq(get(&rig, "/v1/audit-logs", "owner", &answer), 503);
	cr_expect_str_eq(json_get_string(json_get(answer, "error"), "code"), "service_unavailable");
	cJSON_Delete(answer);
	rig_close(&rig);
}
