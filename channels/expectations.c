/* SPDX-License-Identifier: Apache-2.0 */

/*
 * GET /v1/expectations, PUT and DELETE /v1/expectations/{name}.
 *
 * A store job writes the rule, forgets what it waited for, and writes the audit row. The ledger
 * sees the change with its next batch. Failure: 400 with the field, 409 when the team already has
 * the maximum of rules. Removing a rule that does not exist is not a failure.
 */
#include "channels/expectations.h"

#include <cjson/cJSON.h>
#include <stdio.h>

#include "api/api.h"
#include "channels/call.h"
#include "channels/rows.h"
#include "expect/expect.h"

struct expectation_call {
	struct api_call call;
	char name[EXPECT_NAME_SIZE];
	cJSON *tree; /* owns the texts of the rule */
	struct expect_rule rule;
	bool has_team;
	enum rule_result result;
};

static struct expectation_call *expectation_of(struct store_job *job)
{
	return container_of(job, struct expectation_call, call.job);
}

static void end_call(struct api_call *call)
{
	struct expectation_call *own = container_of(call, struct expectation_call, call);

	expect_rule_done(&own->rule);
	cJSON_Delete(own->tree);
}

/* Takes the rule's name from the path. Returns NULL if it has already answered the request. */
static struct expectation_call *new_call(const struct api *api, struct http_request *request)
{
	struct str name = http_request_param(request, 0);
	struct expectation_call *own;
	struct api_call *call;

	if (!expect_name_is_good(name)) {
		http_respond_fault(request, HTTP_INVALID_REQUEST, "name",
				   "the name must be 1 to 64 small letters, digits, hyphens, dots "
				   "or underscores");
		return NULL;
	}
	call = api_call_new(api, request, sizeof(*own));
	if (!call)
		return NULL;
	own = container_of(call, struct expectation_call, call);
	call->done = end_call;
	snprintf(own->name, sizeof(own->name), "%.*s", STR_ARGS(name));
	return own;
}

static int audit(struct db *db, const struct expectation_call *own, const char *action,
		 const char *status)
{
	const struct api_call *call = &own->call;

	return audit_insert_change(db, channels_of(call)->audit_mode, &call->who,
				   STR("expectation"), str_of(own->name), str_of(action),
				   str_of(status), STR("{}"), call->now_us);
}

/* ---- PUT ------------------------------------------------------------------------------------- */

static int write_stored(struct db *db, struct expectation_call *own)
{
	size_t count;

	return rules_write(db, &own->call.who.team, str_of(own->name), &own->call.json, &count);
}

static int run_store(struct db *db, struct store_job *job)
{
	struct expectation_call *own = expectation_of(job);
	struct api_call *call = &own->call;
	int rc = channel_lock_team(db, &call->who.team, &own->has_team);

	buf_reset(&call->json);
	if (rc < 0 || !own->has_team)
		return rc;
	rc = rules_store(db, &call->who.team, &own->rule, call->now_us, &own->result);
	if (rc < 0 || own->result == RULE_TOO_MANY)
		return rc;
	if (own->result == RULE_ADDED)
		rc = audit(db, own, "create", "success");
	else if (own->result == RULE_CHANGED)
		rc = audit(db, own, "update", "info");
	if (rc == 0)
		rc = db_flush(db);
	return rc < 0 ? rc : write_stored(db, own);
}

static void on_stored(struct store_job *job, int rc)
{
	struct expectation_call *own = expectation_of(job);
	struct api_call *call = &own->call;

	if (rc < 0)
		api_call_fail(call, rc);
	else if (!own->has_team)
		api_call_refuse_text(call, HTTP_FORBIDDEN, NULL, "the team was deleted");
	else if (own->result == RULE_TOO_MANY)
		api_call_refuse_text(call, HTTP_CONFLICT, NULL,
				     "the team has 20 expectations, as many as it can have; delete "
				     "one first");
	else
		api_call_answer(call, own->result == RULE_ADDED ? 201 : 200);
}

void store_expectation(struct http_request *request, void *owner)
{
	struct expectation_call *own;
	struct reason why = { .text = "" };
	int rc;

	if (!body_is_json(request))
		return;
	own = new_call(owner, request);
	if (!own)
		return;
	rc = body_parse(http_request_body(request), &own->tree, &why);
	if (rc == 0)
		rc = expect_rule_read(own->tree, &own->rule, &why);
	if (rc < 0) {
		api_call_refuse_input(&own->call, rc, &why);
		return;
	}
	snprintf(own->rule.name, sizeof(own->rule.name), "%s", own->name);
	own->call.job.run = run_store;
	own->call.job.on_done = on_stored;
	submit_change(&own->call);
}

/* ---- DELETE ---------------------------------------------------------------------------------- */

static int run_remove(struct db *db, struct store_job *job)
{
	struct expectation_call *own = expectation_of(job);
	int rc = rules_remove(db, &own->call.who.team, str_of(own->name), &own->call.found);

	if (rc == 0 && own->call.found)
		rc = audit(db, own, "delete", "warning");
	return rc < 0 ? rc : db_flush(db);
}

static void on_removed(struct store_job *job, int rc)
{
	struct api_call *call = &expectation_of(job)->call;

	if (rc < 0) {
		api_call_fail(call, rc);
		return;
	}
	http_respond(call->request, 204, NULL, STR(""));
	api_call_free(call);
}

void remove_expectation(struct http_request *request, void *owner)
{
	struct expectation_call *own = new_call(owner, request);

	if (!own)
		return;
	own->call.job.run = run_remove;
	own->call.job.on_done = on_removed;
	submit_change(&own->call);
}

/* ---- GET ------------------------------------------------------------------------------------- */

static int run_list(struct db *db, struct store_job *job)
{
	struct api_call *call = container_of(job, struct api_call, job);
	size_t count;
	int rc;

	buf_reset(&call->json);
	buf_add_text(&call->json, "{\"items\":[");
	rc = rules_write(db, &call->who.team, STR(""), &call->json, &count);
	buf_add_text(&call->json, "]}");
	call->found = true;
	return rc;
}

void list_expectations(struct http_request *request, void *owner)
{
	struct api_call *call = api_call_new(owner, request, sizeof(*call));

	if (!call)
		return;
	call->job.run = run_list;
	call->job.on_done = api_call_on_shown;
	api_call_submit(call, store_read_for_request);
}
