/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Compares stored rows with those that the event would give. Another version or other settings
 * may have written the payload (hosts left out, other escapes). So the events are compared,
 * without their hosts.
 */
#include "ledger/reread.h"

#include "core/reason.h"
#include "ledger/delivery_rows.h"

static const struct db_query read_payload = {
	.sql = "SELECT payload FROM deliveries WHERE id = $1",
};

static bool is_of_host(struct str name)
{
	return str_is(name, "host_ip") || str_is(name, "host_id");
}

/* True when every member of `a` is in `b`. */
static bool has_metadata_of(const struct event *b, const struct event *a)
{
	for (size_t i = 0; i < a->metadata_count; i++) {
		const struct event_member *member = &a->metadata[i];

		if (!is_of_host(member->name) &&
		    !str_eq(member->value, event_metadata(b, member->name.at)))
			return false;
	}
	return true;
}

static bool are_the_same(const struct event *a, const struct event *b)
{
	return str_eq(a->kind_text, b->kind_text) && a->outcome == b->outcome &&
	       uuid_eq(&a->team, &b->team) && str_eq(a->timestamp, b->timestamp) &&
	       str_eq(a->actor_type, b->actor_type) && str_eq(a->actor_id, b->actor_id) &&
	       str_eq(a->resource_type, b->resource_type) &&
	       str_eq(a->resource_id, b->resource_id) && has_metadata_of(a, b) &&
	       has_metadata_of(b, a);
}

static int on_payload(const struct db_row *row, void *arg)
{
	struct reread *reread = arg;
	struct str stored = row_blob(row, 0);
	struct event *event = NULL;
	struct reason unread;
	int rc;

	if (str_eq(stored, reread->event->payload))
		return 0;
	rc = event_parse(stored, reread->event->id, &event, &unread);
	if (rc == -ENOMEM)
		return rc;
	/* a payload that cannot be read proves nothing */
	if (rc == 0 && !are_the_same(event, reread->event))
		reread->is_other = true;
	event_free(event);
	return 0;
}

static int ask_deliveries(struct db *db, const struct team_matches *team, struct reread *reread)
{
	int rc = 0;

	for (size_t i = 0; team && i < team->count && rc == 0; i++) {
		struct uuid id;

		if (!match_wants(&team->channels[i], reread->event))
			continue;
		delivery_id_make(&team->channels[i].fresh.channel, reread->event->id, &id);

		const struct db_value value = db_uuid(&id);

		rc = db_run(db, &read_payload, &value, 1, on_payload, reread, NULL);
	}
	return rc;
}

int reread_ask(struct db *db, enum audit_mode mode, const struct team_matches *team,
	       struct reread *reread)
{
	const struct audit_facts facts = { .has_accept = false };
	struct audit_entry entry;
	int rc = 0;

	if (audit_entry_from_event(reread->event, mode, &facts, &entry)) {
		rc = audit_ask_other(db, &entry, &reread->is_other);
		audit_entry_done(&entry);
	}
	return rc < 0 ? rc : ask_deliveries(db, team, reread);
}
