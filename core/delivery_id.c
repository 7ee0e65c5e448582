/* SPDX-License-Identifier: Apache-2.0 */

/* Starts with the time of the stream id, so ids sort by time. The rest is a hash of the channel and
 * of the stream id's text. */
#include "core/delivery_id.h"

#include "core/str.h"

void delivery_id_make(const struct uuid *channel, struct stream_id event, struct uuid *out)
{
	char stream_id[STREAM_ID_TEXT_SIZE];

	stream_id_format(event, stream_id);
	uuid_v8(event, channel, str_of(stream_id), out);
}

void delivery_id_make_old(const struct uuid *channel, struct stream_id event, struct uuid *out)
{
	char stream_id[STREAM_ID_TEXT_SIZE];

	stream_id_format(event, stream_id);
	uuid_v5(channel, str_of(stream_id), out);
}
