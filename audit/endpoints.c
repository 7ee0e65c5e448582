/* SPDX-License-Identifier: Apache-2.0 */

/*
 * GET /v1/audit-logs and GET /v1/admin/audit-logs (contract e.1).
 *
 * A request becomes one read job, whose page was finished on the store's thread; the loop only
 * sends it. What the caller may see is settled here: members and API keys get the rows of scope
 * `team`, owners and admins of the team also those of scope `admin`, a platform administrator on
 * the admin path both scopes of the platform team and of no other.
 */
#include <errno.h>
#include <stdlib.h>

#include "audit/audit.h"
#include "audit/page.h"
#include "audit/written.h"

struct audit {
	struct store *store;
	enum audit_status status;
};

struct listing {
	struct store_job job;
	struct http_request *request;
	struct page page;
};

static void listing_free(struct listing *listing)
{
	page_done(&listing->page);
	free(listing);
}

static int run_listing(struct db *db, struct store_job *job)
{
	struct listing *listing = container_of(job, struct listing, job);

	return page_read(db, &listing->page);
}

static void answer_listing(struct store_job *job, int rc)
{
	struct listing *listing = container_of(job, struct listing, job);

	if (rc < 0)
		http_respond_store_error(listing->request, rc);
	else
		http_respond_json(listing->request, 200, &listing->page.json);
	listing_free(listing);
}

static void start_listing(struct audit *audit, struct http_request *request, bool with_admin_rows)
{
	struct reason why = { .text = "" };
	struct listing *listing = calloc(1, sizeof(*listing));

	if (!listing) {
		http_respond_store_error(request, -ENOMEM);
		return;
	}
	listing->request = request;
	listing->job.run = run_listing;
	listing->job.on_done = answer_listing;
	listing->page.team = http_request_identity(request)->team;
	listing->page.with_admin_rows = with_admin_rows;
	listing->page.with_stored_words = audit->status == AUDIT_STATUS_DASHBOARD;
	page_init(&listing->page);

	int rc = page_query_parse(http_request_query(request), &listing->page.query, &why);

	if (rc == 0) {
		listing->job.team = listing->page.team;
		rc = store_read_for_request(audit->store, &listing->job);
		if (rc == 0)
			return;
	}
	if (rc == -EINVAL)
		http_respond_error(request, HTTP_INVALID_REQUEST, &why);
	else
		http_respond_store_error(request, rc);
	listing_free(listing);
}

static void list_team(struct http_request *request, void *owner)
{
	const struct identity *who = http_request_identity(request);

	/* A key counts as `admin` where a role is asked for, but not here (o.6). */
	start_listing(owner, request,
		      who->credential == CREDENTIAL_SESSION && who->role >= ROLE_ADMIN);
}

static void list_platform(struct http_request *request, void *owner)
{
	start_listing(owner, request, true);
}

int audit_open(struct store *store, enum audit_status status, struct audit **out)
{
	struct audit *audit = calloc(1, sizeof(*audit));

	if (!audit)
		return -ENOMEM;
	audit->store = store;
	audit->status = status;
	audit_count_rows();
	*out = audit;
	return 0;
}

void audit_close(struct audit *audit)
{
	free(audit);
}

int audit_add_routes(struct audit *audit, struct http_server *server)
{
	const struct http_route routes[] = {
		{ HTTP_GET, "/v1/audit-logs", ACCESS_TEAM, list_team, audit },
		{ HTTP_GET, "/v1/admin/audit-logs", ACCESS_ADMIN, list_platform, audit },
	};

	return http_server_add_routes(server, routes, ARRAY_LEN(routes));
}
