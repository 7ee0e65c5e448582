/* SPDX-License-Identifier: Apache-2.0 */

/*
 * GET and DELETE on /v1/channels/{id} (contract c), and the table of all endpoints of channels/.
 *
 * Happy path: the path is read, one store job does the work, and its end answers the request.
 * Failure: a store that is away is a 503, another team's channel a 404.
 */
#include "channels/endpoints.h"

#include "channels/parts.h"
#include "channels/rows.h"

/* ---- GET ------------------------------------------------------------------------------- */

static int run_get(struct db *db, struct store_job *job)
{
	struct api_call *call = container_of(job, struct api_call, job);

	buf_reset(&call->json);
	return channel_get(db, &call->who.team, &call->id, &call->json, &call->found);
}

static void get_channel(struct http_request *request, void *owner)
{
	struct api_call *call = api_call_new_for_channel(owner, request, sizeof(*call));

	if (!call)
		return;
	call->job.run = run_get;
	call->job.on_done = api_call_on_shown;
	api_call_submit(call, store_read_for_request);
}

/* ---- DELETE ---------------------------------------------------------------------------- */

static int run_delete(struct db *db, struct store_job *job)
{
	struct api_call *call = container_of(job, struct api_call, job);
	const struct change change = {
		.who = &call->who,
		.audit_mode = channels_of(call)->audit_mode,
		.now_us = call->now_us,
	};

	return channel_delete(db, &call->id, &change, &call->found);
}

static void forget_channel(const struct channels *channels, const struct api_call *call)
{
	paces_forget(channels->paces, &call->who.team, &call->id);
	deliveries_removed(channels->deliveries, &call->id);
	/* It drops the rest of the backlog. */
	deliveries_changed(channels->deliveries, &call->id);
	deliveries_note(channels->deliveries, &call->id);
}

static void on_removed(struct store_job *job, int rc)
{
	struct api_call *call = container_of(job, struct api_call, job);

	if (rc < 0) {
		api_call_fail(call, rc);
		return;
	}
	if (call->found)
		forget_channel(channels_of(call), call);
	http_respond(call->request, 204, NULL, STR(""));
	api_call_free(call);
}

static void delete_channel(struct http_request *request, void *owner)
{
	struct api_call *call = api_call_new_for_channel(owner, request, sizeof(*call));

	if (!call)
		return;
	call->job.run = run_delete;
	call->job.on_done = on_removed;
	submit_change(call);
}

int endpoints_add(struct channels *channels, struct http_server *server)
{
	struct api *api = &channels->api;
	const struct http_route routes[] = {
		{ HTTP_POST, "/v1/channels", ACCESS_CHANGE, create_channel, api },
		{ HTTP_GET, "/v1/channels", ACCESS_TEAM, list_channels, api },
		{ HTTP_POST, "/v1/channels/test", ACCESS_CHANGE, send_test, api },
		{ HTTP_POST, "/v1/channels/preview", ACCESS_CHANGE, preview_message, api },
		{ HTTP_GET, "/v1/channels/{id}", ACCESS_TEAM, get_channel, api },
		{ HTTP_PATCH, "/v1/channels/{id}", ACCESS_CHANGE, update_channel, api },
		{ HTTP_DELETE, "/v1/channels/{id}", ACCESS_CHANGE, delete_channel, api },
		{ HTTP_PUT, "/v1/channels/{id}/config", ACCESS_CHANGE, replace_config, api },
		{ HTTP_POST, "/v1/channels/{id}/enable", ACCESS_CHANGE, enable_channel, api },
	};

	return http_server_add_routes(server, routes, ARRAY_LEN(routes));
}
