/* SPDX-License-Identifier: Apache-2.0 */

#include "audit/checkpoint_event.h"

#include <stdio.h>

#include "core/event.h"
#include "core/id.h"
#include "core/json.h"
#include "core/rfc3339.h"
#include "core/str.h"

void checkpoint_event_write(struct buf *out, const struct audit_checkpoint *checkpoint)
{
	char team[ID_TEXT_SIZE];
	char time[RFC3339_TEXT_SIZE];
	char size[24];

	id_format(ID_TEAM, &checkpoint->team, team);
	rfc3339_format(checkpoint->at_us, 0, time);
	snprintf(size, sizeof(size), "%lld", (long long)checkpoint->size);
	buf_add_char(out, '{');
	json_add_member(out, "event", str_of(event_kind_name(EVENT_AUDIT_CHECKPOINT)));
	json_add_member(out, "outcome", STR("success"));
	json_add_member(out, "timestamp", str_of(time));
	json_add_member(out, "team_id", str_of(team));
	buf_add_text(out, ",\"actor\":{\"type\":\"system\"},\"resource\":{");
	json_add_member(out, "id", str_of(size));
	json_add_member(out, "type", STR("audit_log"));
	buf_add_text(out, "},\"metadata\":{");
	json_add_member(out, "size", str_of(size));
	json_add_member(out, "note", str_of(checkpoint->note));
	buf_add_text(out, "}}");
}
