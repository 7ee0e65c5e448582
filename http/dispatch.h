/* SPDX-License-Identifier: Apache-2.0 */

/* From a request that was read to its handler: router, pages of other origins, authentication. */
#ifndef HTTP_DISPATCH_H
#define HTTP_DISPATCH_H

#include "http/router.h"
#include "http/types.h"

struct dispatch {
	struct router router;
	http_authenticate_fn authenticate;
	void *authenticate_owner;
	const char *cors_origins;
};

/* Leads to exactly one answer, now or later. `dispatch` is a struct dispatch. */
void dispatch_request(struct http_request *request, void *dispatch);

#endif
