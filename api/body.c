/* SPDX-License-Identifier: Apache-2.0 */

/* Checks the type of a body and parses it. Who may send which type is decided here, for all
 * endpoints. */
#include "api/body.h"

#include <errno.h>

#include "core/identity.h"
#include "core/json.h"

/* A page of another site can make a browser send its cookie with a body of a simple type, or of
 * none. It cannot announce JSON without asking us first. An API key is never sent by accident. */
bool body_is_json(struct http_request *request)
{
	if (http_request_body(request).len == 0 || http_request_is_json(request) ||
	    http_request_identity(request)->credential == CREDENTIAL_API_KEY)
		return true;
	http_respond_error(request, HTTP_UNSUPPORTED_TYPE, NULL);
	return false;
}

int body_parse(struct str body, cJSON **out, struct reason *why)
{
	int rc = json_parse(body, HTTP_MAX_BODY, out, why);

	if (rc == 0 || rc == -ENOMEM || why->field[0])
		return rc;
	return reason_set(why, -EINVAL, "", "the body is not valid JSON");
}
