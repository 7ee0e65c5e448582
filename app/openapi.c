/* SPDX-License-Identifier: Apache-2.0 */

/* Serves docs/openapi.yaml. The assembler includes the file, so compile this from the root of the
 * repository. */
#include "app/openapi.h"

#include "core/attributes.h"
#include "core/str.h"

__asm__(".pushsection .rodata\n"
	"openapi_text:\n.incbin \"docs/openapi.yaml\"\n.byte 0\n"
	".popsection");
extern const char openapi_text[] __attribute__((visibility("hidden")));

static void answer_openapi(struct http_request *request, void *owner)
{
	(void)owner;
	http_respond(request, 200, "application/yaml", str_of(openapi_text));
}

int openapi_add_routes(struct http_server *server)
{
	const struct http_route routes[] = {
		{ HTTP_GET, "/openapi.yaml", ACCESS_PUBLIC, answer_openapi, NULL },
	};

	return http_server_add_routes(server, routes, ARRAY_LEN(routes));
}
