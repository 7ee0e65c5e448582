/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Front door of providers/. A provider is a const table of functions: `check` reads a channel's
 * settings, `build` makes a request, `judge` reads its answer. Callers send and act.
 *
 * It promises:
 * - The functions are pure: no I/O, no clock, no state except the hosts that the operator allows
 *   (hosts.h). Time, ids and secrets are arguments.
 * - Settings that `check` accepted can be built. No sentence repeats a setting.
 * - A refusal is final only in the vendor's own words. After any other answer the delivery is tried
 *   again.
 *
 * Where it is decided:
 *
 * A vendor: its settings, the message, the largest size, the pace, edits, and what answers mean
 *   discord.c         ... and what may follow the ? of its URL
 *   discord_judge.c   ... and is a refusal about our whole address, or about one team's requests?
 *   googlechat.c      ... and which messages share a thread
 *   matrix.c          ... and when a room is looked up by its alias
 *   matrix_judge.c    ... and is a message to edit still there?
 *   slack.c           ... and which of its words disable the channel
 *   slack_like.c      the message for hosts that imitate Slack
 *   teams.c           ... and that accepted means queued; failures inside a 200
 *   telegram.c        ... and which texts name a chat
 *   telegram_judge.c  ... and what follows when a group has moved or a topic is gone
 *   webhook.c         secrets (16 bytes at least), signatures during a rotation; 410 is final
 *
 * Answers that are not the vendor's own
 *   verdict.c         what a bare status means; how long Retry-After counts (an hour)
 *   guest.c           what answers of hosts that imitate a vendor mean; these get no edits
 *   chat.c            what half a success or an unknown refusal means; what must not be a link
 *
 * What a message says
 *   card_event.c      title, fields and link of one event; how long a name or an error may be
 *   card_digest.c     title and lines of a digest: failures first
 *   digest.c          what a stored digest may hold
 *   words.c           which words stand for kinds, reasons, times
 *   trail.c           which events have a message that is edited, and its history in words
 *   text.c            where a text is cut, and how it is escaped
 *   card.c            which value is shortened when the whole does not fit
 *
 * Settings
 *   registry.c        which providers there are
 *   hosts.c           which hosts beside the vendor's own the operator allows
 *   url.c             which webhook URLs are valid at all vendors (https, port 443)
 *
 * Helpers: card_make.c, card_parts.c, config.c.
 */
#ifndef PROVIDERS_PROVIDER_H
#define PROVIDERS_PROVIDER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/crypto.h"
#include "core/exchange.h"
#include "core/reason.h"
#include "core/str.h"
#include "providers/config.h"
#include "providers/digest.h"
#include "providers/hosts.h"
#include "providers/message.h"
#include "providers/trail.h"
#include "providers/url.h"
#include "providers/verdict.h"

#define PROVIDER_MAX_PACES 2

/* A token bucket that every channel with the same key shares. The first of a provider's paces is
 * the tightest one: backlogs are measured by it. */
struct pace {
	char key[SHA256_HEX_SIZE]; /* a digest of the identifying text, so that no secret is kept */
	unsigned burst;            /* messages at once after a rest */
	int64_t interval_us;       /* between messages after that */
};

struct measure {
	const char *unit; /* "code points", "UTF-8 bytes" ... */
	size_t size;
	size_t limit;
};

/* A provider that can replace a message it posted: `build` makes the request when message->life
 * names the message. */
struct provider_edit {
	/* The id of the message that was posted. False when the answer does not name it. */
	bool (*read_id)(const struct answer *answer, char out[MESSAGE_ID_SIZE]);
	/* Judges the answer to an edit, and to the request of `ask`. */
	struct verdict (*judge)(const struct answer *answer, int64_t now_us);
	/* Makes the request that finds out whether the message still exists, and is sent before the
	 * edit. Is NULL if the answer to an edit shows that. Returns what `build` returns. */
	int (*ask)(const struct message *message, const struct provider_config *config,
		   const struct attempt *attempt, struct outgoing *out);
	const char *example; /* an id, for previews */
};

struct provider {
	const char *name;
	const char *title;                                 /* as people write it */
	struct provider_field fields[PROVIDER_MAX_FIELDS]; /* ends with name == NULL */
	bool folds;                                        /* a storm becomes a digest */
	bool sends_body; /* the body as it is: `build` reads neither event nor digest */
	unsigned
		per_second; /* requests the vendor takes from one address, whatever the destination;
			      * 0: no such limit is documented */
	/* Steps 5 and 7 of contract c.3: required fields, shape of the address. -EINVAL with the
	 * field and a sentence that repeats no value; -ENOMEM. */
	int (*check)(const struct provider_config *config, struct reason *why);
	/* Returns a sentence that the owner should see although the config is accepted, or NULL.
	 * Is NULL if this provider has no warnings. */
	const char *(*warning)(const struct provider_config *config);
	/* Fills *out; the caller has initialised it and always ends it. 0; -EINVAL when no request
	 * can be built from the config, which was checked and so must be damaged; -E2BIG,
	 * -ENOMEM. */
	int (*build)(const struct message *message, const struct provider_config *config,
		     const struct attempt *attempt, struct outgoing *out);
	/* now_us is for Retry-After as an HTTP date. */
	struct verdict (*judge)(const struct answer *answer, int64_t now_us);
	/* Fills `out`, tightest first, and returns how many. Is NULL if there is no pace. */
	size_t (*paces)(const struct provider_config *config, struct pace out[PROVIDER_MAX_PACES]);
	/* The size of a built message in the provider's own unit. */
	struct measure (*measure)(const struct outgoing *request);
	const struct provider_edit *edit; /* NULL: messages cannot be edited */
};

/* provider->judge(), except for a host that the operator allows (hosts.h): only the vendor itself
 * can be trusted to use the vendor's words, so the status decides. After a refused form, plain text
 * is sent. */
struct verdict provider_judge(const struct provider *provider, const struct provider_config *config,
			      const struct answer *answer, int64_t now_us);

/* True when messages sent with these settings can be replaced. Hosts that imitate a vendor are not
 * trusted to. */
bool provider_edits(const struct provider *provider, const struct provider_config *config);

/* True when the settings lead to such a host. */
bool provider_is_imitated(const struct provider *provider, const struct provider_config *config);

#define PROVIDERS_MAX 16

/* The providers by number, from 0; NULL after the last. */
const struct provider *provider_at(size_t number);

/* NULL when there is no provider of that name. */
const struct provider *provider_find(struct str name);

/* Whether a webhook's secret gives a webhook-signature: it is base64, perhaps after "whsec_". 1, 0,
 * or -ENOMEM. */
int webhook_signs_by_standard(struct str secret) must_check;

#endif
