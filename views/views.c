/* SPDX-License-Identifier: Apache-2.0 */

/* Opens the views and registers their routes. */
#include "views/views.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "views/activity.h"
#include "views/call.h"
#include "views/explain.h"
#include "views/health.h"
#include "views/redeliver.h"
#include "views/show.h"
#include "views/snapshots.h"

int views_open(const struct views_options *options, struct views **out)
{
	struct views *views = calloc(1, sizeof(*views));

	if (!views)
		return -ENOMEM;
	views->api =
		(struct api){ .store = options->store, .now_us = options->now_us, .owner = views };
	views->redis = options->redis;
	views->deliveries = options->deliveries;
	views->paces = options->paces;
	views->mono_us = options->mono_us;
	memcpy(views->key, options->key, sizeof(views->key));
	*out = views;
	return 0;
}

void views_close(struct views *views)
{
	if (!views)
		return;
	explicit_bzero(views->key, sizeof(views->key));
	free(views);
}

int views_add_routes(struct views *views, struct http_server *server)
{
	struct api *api = &views->api;
	const struct http_route routes[] = {
		{ HTTP_GET, "/v1/channels/{id}/activity", ACCESS_TEAM, view_channel_activity, api },
		{ HTTP_GET, "/v1/channels/{id}/deliveries", ACCESS_TEAM, view_deliveries, api },
		{ HTTP_GET, "/v1/channels/{id}/health", ACCESS_TEAM, view_health, api },
		{ HTTP_POST, "/v1/channels/{id}/recover", ACCESS_CHANGE, recover_many, api },
		{ HTTP_GET, "/v1/deliveries/{id}", ACCESS_TEAM, view_delivery, api },
		{ HTTP_POST, "/v1/deliveries/{id}/redeliver", ACCESS_CHANGE, redeliver_one, api },
		{ HTTP_GET, "/v1/events/activity", ACCESS_TEAM, view_event_activity, api },
		{ HTTP_GET, "/v1/snapshots/pending", ACCESS_TEAM, view_pending_snapshots, api },
		{ HTTP_GET, "/v1/events/{id}/explain", ACCESS_TEAM, view_explain, api },
	};

	return http_server_add_routes(server, routes, ARRAY_LEN(routes));
}
