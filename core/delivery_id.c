/* SPDX-License-Identifier: Apache-2.0 */

/* From the stream id, in the order of time; the hash covers its text under the channel. */
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
