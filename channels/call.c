/* SPDX-License-Identifier: Apache-2.0 */

/* Answers changes that the store refused. */
#include "channels/call.h"

#include <errno.h>

void fail_change(struct api_call *call, int rc)
{
	if (rc == -ENOENT)
		api_call_refuse_text(call, HTTP_INVALID_REQUEST, "fallback.channel_id",
				     "the team has no channel with the id in fallback.channel_id");
	else if (rc == -ELOOP)
		api_call_refuse_text(call, HTTP_INVALID_REQUEST, "fallback.channel_id",
				     "a fallback must be another channel that has no fallback "
				     "itself, and a channel that is a fallback cannot have one");
	else
		api_call_fail(call, rc);
}
