/* SPDX-License-Identifier: Apache-2.0 */

/*
 * GET and DELETE on /v1/channels/{id} (contract c), and the table of all endpoints of channels/.
 *
 * Happy path: the path is read, one store job does the work, and its end answers the request.
 * Failure: a store that is away is a 503, another team's channel a 404.
 */
#include "channels/endpoints.h"
#include "channels/errand.h"
#include "channels/rows.h"
#include "channels/views.h"

/* ---- GET ------------------------------------------------------------------------------- */

static int run_get(struct db *db, struct store_job *job)
{
	struct errand *errand = container_of(job, struct errand, job);

	buf_reset(&errand->json);
	return channel_get(db, &errand->who.team, &errand->id, &errand->json, &errand->found);
}

static void get_channel(struct http_request *request, void *owner)
{
	struct errand *errand = errand_new_of_channel(owner, request, sizeof(*errand));

	if (!errand)
		return;
	errand->job.run = run_get;
	errand->job.on_done = errand_on_shown;
	errand_submit(errand, store_read_for_request);
}

/* ---- DELETE ---------------------------------------------------------------------------- */

static int run_delete(struct db *db, struct store_job *job)
{
	struct errand *errand = container_of(job, struct errand, job);
	const struct change change = {
		.who = &errand->who,
		.audit_mode = errand->channels->audit_mode,
		.now_us = errand->now_us,
	};

	return channel_delete(db, &errand->id, &change, &errand->found);
}

static void on_removed(struct store_job *job, int rc)
{
	struct errand *errand = container_of(job, struct errand, job);

	if (rc < 0) {
		errand_fail(errand, rc);
		return;
	}
	if (errand->found)
		paces_forget(errand->channels->paces, &errand->who.team, &errand->id);
	if (errand->found && errand->channels->engine)
		engine_removed(errand->channels->engine, &errand->id);
	/* It drops what is left of the backlog. */
	if (errand->found)
		view_wake(errand->channels, &errand->id);
	http_respond(errand->request, 204, NULL, STR(""));
	errand_free(errand);
}

static void delete_channel(struct http_request *request, void *owner)
{
	struct errand *errand = errand_new_of_channel(owner, request, sizeof(*errand));

	if (!errand)
		return;
	errand->job.run = run_delete;
	errand->job.on_done = on_removed;
	errand_submit(errand, store_write);
}

int endpoints_add(struct channels *channels, struct http_server *server)
{
	const struct http_route routes[] = {
		{ HTTP_POST, "/v1/channels", ACCESS_CHANGE, create_channel, channels },
		{ HTTP_GET, "/v1/channels", ACCESS_TEAM, list_channels, channels },
		{ HTTP_POST, "/v1/channels/test", ACCESS_CHANGE, try_channel, channels },
		{ HTTP_POST, "/v1/channels/preview", ACCESS_CHANGE, preview_message, channels },
		{ HTTP_GET, "/v1/channels/{id}/deliveries", ACCESS_TEAM, view_deliveries,
		  channels },
		{ HTTP_GET, "/v1/channels/{id}/health", ACCESS_TEAM, view_health, channels },
		{ HTTP_POST, "/v1/channels/{id}/recover", ACCESS_CHANGE, recover_many, channels },
		{ HTTP_GET, "/v1/deliveries/{id}", ACCESS_TEAM, view_delivery, channels },
		{ HTTP_POST, "/v1/deliveries/{id}/redeliver", ACCESS_CHANGE, redeliver_one,
		  channels },
		{ HTTP_GET, "/v1/events/{id}/explain", ACCESS_TEAM, view_explain, channels },
		{ HTTP_GET, "/v1/channels/{id}", ACCESS_TEAM, get_channel, channels },
		{ HTTP_PATCH, "/v1/channels/{id}", ACCESS_CHANGE, update_channel, channels },
		{ HTTP_DELETE, "/v1/channels/{id}", ACCESS_CHANGE, delete_channel, channels },
		{ HTTP_PUT, "/v1/channels/{id}/config", ACCESS_CHANGE, replace_config, channels },
		{ HTTP_POST, "/v1/channels/{id}/enable", ACCESS_CHANGE, enable_channel, channels },
	};

	return http_server_add_routes(server, routes, ARRAY_LEN(routes));
}
