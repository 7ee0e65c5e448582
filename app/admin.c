/* SPDX-License-Identifier: Apache-2.0 */

/* Registers the routes of administrators. */
#include "app/admin.h"

#include "app/admin_letters.h"
#include "app/admin_status.h"

int admin_add_routes(struct admin *admin, struct http_server *server)
{
	struct api *api = &admin->api;
	const struct http_route routes[] = {
		{ HTTP_GET, "/v1/admin/status", ACCESS_ADMIN, admin_show_status, api },
		{ HTTP_GET, "/v1/admin/dead-letters", ACCESS_ADMIN, admin_list_letters, api },
		{ HTTP_POST, "/v1/admin/dead-letters/{id}/offer", ACCESS_ADMIN, admin_offer_letter,
		  api },
	};

	api->owner = admin;
	return http_server_add_routes(server, routes, ARRAY_LEN(routes));
}
