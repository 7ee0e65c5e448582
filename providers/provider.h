/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A provider is a const table of pure functions: no I/O, no clock, no state. Time, ids and secrets
 * are arguments. channels/ alone sends what `build` made and acts on what `judge` said.
 */
#ifndef PROVIDERS_PROVIDER_H
#define PROVIDERS_PROVIDER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/digest.h"
#include "core/event.h"
#include "core/exchange.h"
#include "core/reason.h"
#include "core/str.h"

#define PROVIDER_MAX_FIELDS 4
#define CONFIG_MAX_VALUE    4096 /* bytes of one config value (contract c.3); check() minds it */

/* A channel's settings in clear, as (name, value); values hold secrets. */
struct provider_config {
	size_t count;
	struct {
		const char *name; /* one of the provider's field names */
		struct str value;
	} fields[PROVIDER_MAX_FIELDS];
};

/* The value of a field, or the empty slice. */
struct str config_value(const struct provider_config *config, const char *name);

struct provider_field {
	const char *name;
	enum { FIELD_REQUIRED, FIELD_OPTIONAL } need;
	enum { FIELD_PLAIN, FIELD_TARGET } use; /* FIELD_TARGET: a URL the guard must allow */
};

/* ---- what is to be said ----------------------------------------------------------------- */

#define DIGEST_MAX_GROUPS   16
#define DIGEST_MAX_FAILURES 10
#define DIGEST_EVENT        "notification.digest" /* deliveries.event of a digest */

/* Many events told in one message (storm control). Its JSON is fixed when the row is made;
 * docs/notes/providers.md. All text points into that JSON's tree. */
struct digest {
	struct str team_text; /* team-... */
	struct str first;     /* RFC 3339 times of the earliest and latest event */
	struct str last;
	size_t total; /* events told */
	size_t group_count;
	struct digest_group {
		struct str event;   /* "capsule.destroy" */
		struct str outcome; /* "success", "error" or empty */
		size_t count;
	} groups[DIGEST_MAX_GROUPS]; /* failures first, then the largest */
	size_t failure_count;
	struct digest_failure {
		struct str event;
		struct str resource_id;
		struct str error;        /* may be empty */
	} failures[DIGEST_MAX_FAILURES]; /* the earliest */
	struct cJSON *tree;
};

/* Appends the JSON of a digest. */
void digest_write(struct buf *out, const struct digest *digest);
/* 0, -EINVAL, -ENOMEM; digest_done() is needed after 0 only. */
int digest_parse(struct str json, struct digest *out) must_check;
void digest_done(struct digest *digest);

/* Where a text had to be cut to fit; for previews. */
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

/* One delivery: what and as what. */
struct message {
	struct str body;             /* the event as JSON, fixed when the delivery row was made */
	const struct event *event;   /* the same, parsed; NULL for a digest */
	const struct digest *digest; /* NULL for one event */
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
	size_t old_secret_count; /* of a webhook: still valid beside the new one, newest first */
	struct str old_secrets[ATTEMPT_OLD_SECRETS];
	const char *user_agent;
};

/* ---- what became of it ------------------------------------------------------------------ */

enum verdict_kind {
	VERDICT_DELIVERED,
	VERDICT_RETRY,   /* may succeed later; retry_after_ms is the destination's own wish */
	VERDICT_REJECT,  /* this message never will */
	VERDICT_DISABLE, /* this channel never will, as it is */
	VERDICT_REFORM,  /* not in the rich form: the plain one is sent at once. A message that was
			  * plain already is refused, or with is_unknown tried again later. */
	VERDICT_REBIND   /* the setting `field` has the new value `value`: it is stored, and the
			  * message sent once more at once */
};

#define VERDICT_VALUE_SIZE 256

struct verdict {
	enum verdict_kind kind;
	int64_t retry_after_ms; /* -1 when the answer gave no hint; at most an hour */
	/* Whatever the kind: nothing more to be sent for so long, -1 for no such wish. To whom: */
	int64_t pause_ms;
	enum {
		PAUSE_CHANNEL,  /* the first of the channel's paces */
		PAUSE_PROVIDER, /* every channel of this provider and team in this process; of all
				 * teams when several are told */
		PAUSE_EVERYBODY /* every channel of this provider in this process: it is our
				 * address that is shut out */
	} pause;
	bool is_throttled;     /* it said we were too fast */
	bool is_final;         /* with VERDICT_DISABLE: once is enough (410 Gone) */
	bool is_accepted_only; /* delivered, as far as the provider ever tells (Teams) */
	bool is_stranger;      /* the answer is not the vendor's: something in between gave it */
	bool is_unknown;       /* the vendor refused in words we do not know: nothing is given up */
	const char *why;       /* what the owner should know, a constant sentence part such as
				  * "the webhook was deleted"; or NULL */
	const char *field;     /* VERDICT_REBIND: one of the provider's field names */
	char value[VERDICT_VALUE_SIZE]; /* NUL-terminated */
};

/* All members set to "nothing to say". */
struct verdict verdict_of(enum verdict_kind kind);

/* ---- how fast --------------------------------------------------------------------------- */

#define PROVIDER_MAX_PACES 2

/* A token bucket that every channel with the same key shares. The first of a provider's paces is
 * the tightest one: backlogs are measured by it. */
struct pace {
	char key[SHA256_HEX_SIZE]; /* digest of provider, kind of key and what identifies it, so that
				    * no secret is kept */
	unsigned burst;            /* messages at once after a rest */
	int64_t interval_us;       /* between messages after that */
};

struct measure {
	const char *unit; /* "code points", "UTF-8 bytes" ... */
	size_t size;
	size_t limit;
};

struct provider {
	const char *name;
	const char *title;                                 /* as people write it */
	struct provider_field fields[PROVIDER_MAX_FIELDS]; /* ends with name == NULL */
	bool folds;                                        /* a storm is told as a digest */
	unsigned
		per_second; /* requests the vendor takes from one address, whatever the destination;
			      * 0: no such limit is documented */
	/* Steps 5 and 7 of contract c.3: required fields, shape of the address. -EINVAL with the
	 * field and a sentence that repeats no value. */
	int (*check)(const struct provider_config *config, struct reason *why);
	/* A sentence the owner should see although the config is accepted, or NULL. NULL: never. */
	const char *(*warning)(const struct provider_config *config);
	/* Fills *out, which the caller has initialised and ends, whatever comes back. 0; -EINVAL
	 * when the config cannot give a request (it was checked before, so: damaged); -E2BIG,
	 * -ENOMEM. */
	int (*build)(const struct message *message, const struct provider_config *config,
		     const struct attempt *attempt, struct outgoing *out);
	/* now_us is for Retry-After as an HTTP date. */
	struct verdict (*judge)(const struct answer *answer, int64_t now_us);
	/* Fills `out`, tightest first; how many. NULL: any pace will do. */
	size_t (*paces)(const struct provider_config *config, struct pace out[PROVIDER_MAX_PACES]);
	/* The size of a built message in the provider's own unit. */
	struct measure (*measure)(const struct outgoing *request);
};

/* NULL when there is none of that name. */
const struct provider *provider_find(struct str name);

/* Whether a webhook's secret gives a webhook-signature: it is base64, perhaps behind "whsec_". */
bool webhook_signs_by_standard(struct str secret);

/* The verdict of an answer without words: 2xx is delivered, a refused address rejects, and all else is
 * tried again, with Retry-After. A status counts although its body was too long or broke off. */
struct verdict judge_by_status(const struct answer *answer, int64_t now_us);

/* An answer that is not the vendor's, a success included: tried again. */
struct verdict judge_stranger(const struct answer *answer, int64_t now_us);

/* A sentence for the owner: what came back and what it means. No text of the destination's. */
#define VERDICT_TEXT_SIZE 200
void verdict_describe(const struct provider *provider, const struct answer *answer,
		      const struct verdict *verdict, char out[VERDICT_TEXT_SIZE]);

/* Retry-After as milliseconds from now_us, rounded up, at most an hour; -1 when absent or
 * unreadable. */
int64_t retry_after_ms(const struct answer *answer, int64_t now_us);

/* The parts of an http(s) URL, as they stand. */
struct url_parts {
	struct str scheme;
	struct str host;  /* without brackets for IPv6 */
	struct str port;  /* empty when absent */
	struct str path;  /* from '/', may be empty */
	struct str query; /* behind '?', may be empty */
};

/* The shape rules all share: scheme http or https in any case; a host of letters, digits, dots,
 * hyphens and underscores or an IPv6 address in brackets; a port of 1 to 65535 or none; no user
 * info, fragment, backslash, control character or space. False with nothing written otherwise. */
bool url_split(struct str url, struct url_parts *out) must_check;

/* The same: NULL when it is well, else what is wrong with it, to follow the name of its field. Repeats
 * nothing of it. */
const char *url_fault(struct str url, struct url_parts *out) must_check;

#endif
