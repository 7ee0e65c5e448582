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

/* One delivery: what and as what. */
struct message {
	struct str body;           /* the event as JSON, fixed when the delivery row was made */
	const struct event *event; /* the same, parsed */
};

struct attempt {
	struct str delivery_id; /* UUID text, the same on every attempt */
	unsigned number;        /* 1 for the first */
	int64_t now_us;
	struct str old_secret; /* still valid beside the new one, or empty (webhook) */
	const char *user_agent;
};

enum verdict_kind {
	VERDICT_DELIVERED,
	VERDICT_RETRY,  /* may succeed later; retry_after_ms is the destination's own wish */
	VERDICT_REJECT, /* this message never will */
	VERDICT_DISABLE /* this channel never will */
};

struct verdict {
	enum verdict_kind kind;
	int64_t retry_after_ms; /* -1 when the answer gave no hint; at most an hour */
};

struct provider {
	const char *name;
	struct provider_field fields[PROVIDER_MAX_FIELDS]; /* ends with name == NULL */
	/* Steps 5 and 7 of contract c.3: required fields, shape of the address. -EINVAL with the
	 * field and a sentence that repeats no value. */
	int (*check)(const struct provider_config *config, struct reason *why);
	/* Fills *out, which the caller has initialised and ends, whatever comes back. 0; -EINVAL
	 * when the config cannot give a request (it was checked before, so: damaged); -E2BIG,
	 * -ENOMEM. */
	int (*build)(const struct message *message, const struct provider_config *config,
		     const struct attempt *attempt, struct outgoing *out);
	/* now_us is for Retry-After as an HTTP date. */
	struct verdict (*judge)(const struct answer *answer, int64_t now_us);
};

/* NULL when there is none of that name. */
const struct provider *provider_find(struct str name);

/* The verdict every provider shares when it has nothing special to say: 2xx delivered; 408, 425,
 * 429, 5xx and network faults retry, with Retry-After; a refused address and all else reject; 410
 * disables. A status whose body was too long to read counts like any other. */
struct verdict judge_by_status(const struct answer *answer, int64_t now_us);

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

#endif
