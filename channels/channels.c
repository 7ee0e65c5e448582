/* SPDX-License-Identifier: Apache-2.0 */

/* Opens and closes the endpoints' shared state, and registers their routes. */
#include "channels/channels.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "channels/call.h"
#include "channels/change.h"
#include "channels/create.h"
#include "channels/expectations.h"
#include "channels/list.h"
#include "channels/preview.h"
#include "channels/remove.h"
#include "channels/rotate.h"
#include "channels/snooze.h"
#include "channels/test_send.h"

int channels_open(const struct channels_options *options, struct channels **out)
{
	struct channels *channels = calloc(1, sizeof(*channels));

	if (!channels)
		return -ENOMEM;
	if (test_quota_open(&channels->quota) < 0) {
		free(channels);
		return -ENOMEM;
	}
	channels->api = (struct api){ .store = options->store,
				      .now_us = options->now_us,
				      .owner = channels };
	channels->route = options->route;
	channels->deliveries = options->deliveries;
	channels->strip_host = options->strip_host;
	channels->notify_completion = options->notify_completion;
	channels->audit_mode = options->audit_mode;
	channels->mono_us = options->mono_us;
	memcpy(channels->key, options->key, sizeof(channels->key));
	pauses_init(&channels->pauses, options->loop);
	*out = channels;
	return 0;
}

void channels_stop(struct channels *channels)
{
	if (!channels)
		return;
	channels->is_closing = true;
	pauses_end(&channels->pauses);
}

void channels_close(struct channels *channels)
{
	if (!channels)
		return;
	explicit_bzero(channels->key, sizeof(channels->key));
	test_quota_close(channels->quota);
	free(channels);
}

int channels_add_routes(struct channels *channels, struct http_server *server)
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
		{ HTTP_POST, "/v1/channels/{id}/snooze", ACCESS_CHANGE, snooze_channel, api },
		{ HTTP_DELETE, "/v1/channels/{id}/snooze", ACCESS_CHANGE, end_snooze, api },
		{ HTTP_GET, "/v1/expectations", ACCESS_TEAM, list_expectations, api },
		{ HTTP_PUT, "/v1/expectations/{id}", ACCESS_CHANGE, store_expectation, api },
		{ HTTP_DELETE, "/v1/expectations/{id}", ACCESS_CHANGE, remove_expectation, api },
	};

	return http_server_add_routes(server, routes, ARRAY_LEN(routes));
}
