/* SPDX-License-Identifier: Apache-2.0 */

/* One delivery as a provider sees it: its content, and which attempt it is. */
#ifndef PROVIDERS_MESSAGE_H
#define PROVIDERS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "core/event.h"
#include "core/str.h"
#include "providers/digest.h"

/* A text that was cut to fit; for previews. */
#define TRIMS_MAX 16
struct trims {
	size_t count;
	struct trim {
		const char *what; /* "title", "error" ...: a constant */
		size_t kept;      /* both in the provider's unit */
		size_t of;
	} items[TRIMS_MAX];
};

enum message_form {
	FORM_RICH, /* the provider's native message */
	FORM_PLAIN /* the text of contract d.5, for when the rich form was refused */
};

/* Who sends a test notification, and where to; each may be empty. */
struct message_test {
	struct str channel; /* the channel's name */
	struct str team;    /* team-... */
	struct str team_name;
	struct str sent_by;
};

/* A message that follows one capsule or snapshot: its next state replaces it. living.h */
struct message_life {
	struct str replaces; /* the id of the message to edit; empty: this one is posted */
	struct str trail;    /* the states it showed before: "created → paused"; or empty */
	int64_t began_us;    /* when the first of them was published; 0: there is none */
};

/* One delivery: its content and its form. */
struct message {
	struct str body;             /* the event as JSON, fixed when the delivery row was made */
	const struct event *event;   /* the same, parsed; NULL for a digest */
	const struct digest *digest; /* NULL for one event */
	const struct message_test *test; /* of a test notification; may be NULL */
	struct str team_name;            /* may be empty */
	struct str instead_of;           /* ch-...: the failing channel it was made for; or empty */
	struct str note;     /* why this channel gets another one's delivery; or empty */
	int64_t accepted_us; /* when the request was accepted that the event ends; 0: unknown */
	const struct message_life *life; /* NULL: an ordinary message */
	enum message_form form;
	struct str link_base; /* WRENN_EVENTS_LINK_BASE without a trailing slash, or empty */
	struct trims *trims;  /* filled unless NULL */
};

#define ATTEMPT_OLD_SECRETS 4

struct attempt {
	struct str delivery_id; /* UUID text, the same on every attempt */
	unsigned number;        /* 1 for the first */
	unsigned before;        /* attempts before it was sent again on request; 0: never */
	int64_t now_us;
	size_t old_secret_count; /* of a webhook: old secrets that are still valid, newest first */
	struct str old_secrets[ATTEMPT_OLD_SECRETS];
	const char *user_agent;
};

#endif
