/* SPDX-License-Identifier: Apache-2.0 */

/*
 * GET /v1/audit-logs and GET /v1/admin/audit-logs (contract e.1).
 *
 * A request becomes one read job. The store's thread writes the page, and the loop only sends it.
 * This file decides who may see what. Members and API keys see rows of scope `team`. Owners and
 * admins of the team also see scope `admin`. On the admin path a platform administrator sees both
 * scopes of the platform team, and no other team.
 */
#include <errno.h>
#include <stdlib.h>

#include "api/api.h"
#include "audit/audit.h"
#include "audit/export.h"
#include "audit/follow.h"
#include "audit/forget_call.h"
#include "audit/outlet.h"
#include "audit/page.h"
#include "audit/proofs.h"
#include "audit/published.h"
#include "core/clock.h"

#define COMMAND_LIMIT_MS 30000
#define FOLLOW_EVERY_MS  3600000

struct audit {
	struct api api;
	enum audit_status status;
	const struct audit_signer *signer;
	struct outlet *outlet;
	struct follower *follower;
	void (*on_closed)(void *owner);
	void *close_owner;
};

struct audit_listing {
	struct api_call call;
	struct page page;
};

static void end_listing(struct api_call *call)
{
	page_done(&container_of(call, struct audit_listing, call)->page);
}

static int run_listing(struct db *db, struct store_job *job)
{
	return page_read(db, &container_of(job, struct audit_listing, call.job)->page);
}

static void on_listed(struct store_job *job, int rc)
{
	struct audit_listing *listing = container_of(job, struct audit_listing, call.job);
	struct api_call *call = &listing->call;

	if (rc < 0) {
		api_call_fail(call, rc);
		return;
	}
	http_respond_json(call->request, 200, &listing->page.json);
	api_call_free(call);
}

static void start_listing(const struct audit *audit, struct http_request *request,
			  bool with_admin_rows)
{
	struct api_call *call = api_call_new(&audit->api, request, sizeof(struct audit_listing));
	struct reason why = { .text = "" };
	struct audit_listing *listing;
	int rc;

	if (!call)
		return;
	listing = container_of(call, struct audit_listing, call);
	listing->page.team = call->who.team;
	listing->page.with_admin_rows = with_admin_rows;
	listing->page.with_stored_words = audit->status == AUDIT_STATUS_DASHBOARD;
	page_init(&listing->page);
	call->done = end_listing;
	call->job.run = run_listing;
	call->job.on_done = on_listed;
	rc = page_query_parse(http_request_query(request), &listing->page.query, &why);
	if (rc < 0)
		api_call_refuse_input(call, rc, &why);
	else
		api_call_submit(call, store_read_for_request);
}

/* An API key counts as `admin` elsewhere, but not here (o.6). */
static bool sees_admin_rows(const struct identity *who)
{
	return who->credential == CREDENTIAL_SESSION && who->role >= ROLE_ADMIN;
}

static void list_team(struct http_request *request, void *owner)
{
	start_listing(owner, request, sees_admin_rows(http_request_identity(request)));
}

static void export_team(struct http_request *request, void *owner)
{
	const struct audit *audit = owner;
	const struct export_options options = {
		.with_admin_rows = sees_admin_rows(http_request_identity(request)),
		.with_stored_words = audit->status == AUDIT_STATUS_DASHBOARD,
		.signer = audit->signer,
		.outlet = audit->outlet,
	};

	export_start(&audit->api, request, &options);
}

static void list_platform(struct http_request *request, void *owner)
{
	start_listing(owner, request, true);
}

static void on_nobody(void *owner)
{
	(void)owner;
}

static void on_out(const struct audit_checkpoint *checkpoint, void *owner)
{
	const struct audit *audit = owner;

	published_note(audit->api.store, checkpoint);
}

static int open_parts(struct audit *audit, const struct audit_options *options)
{
	const struct outlet_options outlet = {
		.loop = options->loop,
		.folder = options->checkpoint_folder,
		.command = options->checkpoint_command,
		.limit_ms = COMMAND_LIMIT_MS,
		.announce = options->announce,
		.on_out = on_out,
		.owner = audit,
		.announcer = options->announcer,
	};
	const struct follower_options follower = {
		.loop = options->loop,
		.store = options->store,
		.now_us = clock_wall_us,
		.every_ms = FOLLOW_EVERY_MS,
	};
	int rc = outlet_open(&outlet, &audit->outlet);

	if (rc < 0)
		return rc;
	rc = follower_open(&follower, &audit->follower);
	if (rc < 0)
		outlet_close(audit->outlet, on_nobody, NULL);
	return rc;
}

int audit_open(const struct audit_options *options, struct audit **out)
{
	struct audit *audit = calloc(1, sizeof(*audit));
	int rc = audit ? open_parts(audit, options) : -ENOMEM;

	if (rc < 0) {
		free(audit);
		return rc;
	}
	audit->api =
		(struct api){ .store = options->store, .now_us = clock_wall_us, .owner = audit };
	audit->status = options->status;
	audit->signer = options->signer;
	audit_count_rows();
	*out = audit;
	return 0;
}

static void on_follower_closed(void *owner)
{
	struct audit *audit = owner;

	audit->on_closed(audit->close_owner);
	free(audit);
}

static void on_outlet_closed(void *owner)
{
	struct audit *audit = owner;

	follower_close(audit->follower, on_follower_closed, audit);
}

void audit_close(struct audit *audit, void (*on_closed)(void *owner), void *owner)
{
	if (!audit) {
		on_closed(owner);
		return;
	}
	audit->on_closed = on_closed;
	audit->close_owner = owner;
	export_forget_outlet();
	outlet_close(audit->outlet, on_outlet_closed, audit);
}

void audit_publish(struct audit *audit, const struct audit_checkpoint *checkpoint)
{
	outlet_publish(audit->outlet, checkpoint);
}

int audit_add_routes(struct audit *audit, struct http_server *server)
{
	const struct http_route routes[] = {
		{ HTTP_GET, "/v1/audit-logs", ACCESS_TEAM, list_team, audit },
		{ HTTP_GET, "/v1/audit-logs/export", ACCESS_TEAM, export_team, audit },
		{ HTTP_GET, "/v1/audit-logs/checkpoint", ACCESS_TEAM, show_checkpoint,
		  &audit->api },
		{ HTTP_GET, "/v1/audit-logs/key", ACCESS_TEAM, show_keys, &audit->api },
		{ HTTP_GET, "/v1/admin/audit-logs", ACCESS_ADMIN, list_platform, audit },
		{ HTTP_POST, "/v1/admin/audit-logs/forget", ACCESS_ADMIN, forget_person,
		  &audit->api },
	};

	return http_server_add_routes(server, routes, ARRAY_LEN(routes));
}
