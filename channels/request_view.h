/* SPDX-License-Identifier: Apache-2.0 */

/* A request that is built and not sent, as members of the answer to a preview: its body, its size
 * in the provider's own unit, and what was cut. */
#ifndef CHANNELS_REQUEST_VIEW_H
#define CHANNELS_REQUEST_VIEW_H

#include "core/buf.h"
#include "providers/provider.h"

/* Append members to the JSON object that `json` ends in. */
void request_view_write(struct buf *json, const struct provider *provider,
			const struct outgoing *out);
void request_view_write_cuts(struct buf *json, const struct trims *trims);

#endif
