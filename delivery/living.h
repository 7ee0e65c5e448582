/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The messages that a channel keeps and edits, one for each capsule and each snapshot: the table
 * `living_messages`. For store jobs. docs/notes/living-messages.md
 */
#ifndef DELIVERY_LIVING_H
#define DELIVERY_LIVING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/event.h"
#include "core/uuid.h"
#include "providers/provider.h"
#include "store/store.h"

/* A delivery that becomes a state of such a message, and what the message is before it. */
struct living {
	struct stream_id shown; /* the newest event that the message shows; zero: there is no row */
	struct uuid shown_by;   /* the delivery that showed it */
	int64_t began_us;       /* its first state; 0: this delivery is the first */
	bool carries;           /* older deliveries were folded into this one */
	bool is_ended;          /* the resource has no next state */
	char trail[TRAIL_SIZE]; /* before this delivery */
	char trail_after[TRAIL_SIZE];     /* with it */
	char message_id[MESSAGE_ID_SIZE]; /* the message to edit; empty: a new one is posted */
	char resource[];                  /* the row's key */
};

/* The subject of one row of `deliveries`. */
struct living_subject {
	const struct uuid *channel;
	const struct uuid *delivery;
	struct stream_id stream_id;
	struct str body;
	bool is_asked_again;
};

/* Identifies the destination of these settings: messages that went elsewhere cannot be edited. */
void living_place(const struct provider *provider, const struct provider_config *config,
		  struct str key, char out[SHA256_HEX_SIZE]);

/* The key of a resource as a row has it: "capsule cl-1". Appends nothing when the event changes no
 * message. */
void living_key(struct buf *out, enum event_kind kind, struct str outcome, struct str resource);

/* *out is NULL for a delivery that is an ordinary message; else the caller frees it. 0, a code of
 * the store, or -ENOMEM. */
int living_read(struct db *db, const struct living_subject *subject, const char *place,
		struct living **out) must_check;

/* Stores that the message now shows this delivery. message_id is empty if the message cannot be
 * edited. Does nothing if the stored row already shows this state or a newer one. */
int living_store(struct db *db, const struct living_subject *subject, const struct living *living,
		 const char *place, const char *message_id, int64_t now_us) must_check;

/* Stores that the message is gone. */
int living_lose(struct db *db, const struct uuid *channel, const struct living *living,
		int64_t now_us) must_check;

#endif
