/* SPDX-License-Identifier: Apache-2.0 */

/* See destination.h. */
#include "tests/support/destination.h"

#include <string.h>

static void add_reply(struct buf *out, int status, const char *headers, const char *body)
{
	receiver_answer(out, status, headers ? headers : "",
			str_of(body ? body : "said by the destination"));
}

static bool is_meant(const struct destination *destination, const struct received *request)
{
	return !destination->only || strstr(request->target, destination->only) ||
	       strstr(request->body, destination->only);
}

enum receiver_reply destination_answer(const struct received *request, struct buf *out, void *arg)
{
	struct destination *destination = arg;

	if (!is_meant(destination, request)) {
		add_reply(out, 200, NULL, NULL);
		return RECEIVER_ANSWER;
	}
	if (destination->is_held)
		return RECEIVER_HOLD;
	add_reply(out, destination->status, destination->headers, destination->body);
	return RECEIVER_ANSWER;
}

/* The receiver makes one call at a time. */
enum receiver_reply script_answer(const struct received *request, struct buf *out, void *arg)
{
	struct script *script = arg;
	const struct reply *reply = &script->replies[script->next];

	(void)request;
	if (script->replies[script->next + 1].status)
		script->next++;
	add_reply(out, reply->status, reply->headers, reply->body);
	return RECEIVER_ANSWER;
}
