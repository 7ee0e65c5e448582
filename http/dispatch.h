/* SPDX-License-Identifier: Apache-2.0 */

/* Leads a request to its handler: routing, CORS, authentication. */
#ifndef HTTP_DISPATCH_H
#define HTTP_DISPATCH_H

#include "http/router.h"
#include "http/types.h"

struct dispatch {
	struct router router;
	http_authenticate_fn authenticate;
	void *authenticate_owner;
	const char *cors_origins;
	const char *unknown_path;
};

/* Answers once, now or later. `dispatch` is a struct dispatch. */
void dispatch_request(struct http_request *request, void *dispatch);

#endif
