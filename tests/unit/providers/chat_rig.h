/* SPDX-License-Identifier: Apache-2.0 */

/* Events, a digest, settings and answers for the tests of chat providers. */
#ifndef TESTS_PROVIDERS_CHAT_RIG_H
#define TESTS_PROVIDERS_CHAT_RIG_H

#include "providers/provider.h"

#define RIG_DELIVERY   "4f0c5a4e-8f5e-5b7e-9c39-6a1f5f0d2b11"
#define RIG_NOW_US     INT64_C(1779598928000000) /* 2026-05-24T05:02:08Z */
#define RIG_MAX_FIELDS 3
#define RIG_TEAM       "team-0x5yg3bfyrehlas5fmd3rslxq"
#define RIG_HOSTILE    "<users/all> @b *x* `q` &lt;\"'\\ http://e.io/_y_~z~ #r:s a.io"
#define RIG_LINK       "https://app.example"

/* name, value, name, value ... */
struct rig_config {
	const char *pairs[2 * RIG_MAX_FIELDS];
};

struct rig {
	const struct provider *provider;
	struct message message;
	struct event *event;
	struct digest digest;
	struct trims trims;
	unsigned before; /* attempt.before of the next rig_build() */
	struct outgoing out;
	struct buf text;
};

/* All are ended by rig_done(). */
/* A successful pause of capsule cl-1 by the system. */
void rig_success(struct rig *rig, const char *provider);
/* A failed destroy. Puts `id`, `name` and `error` wherever user text can appear. */
void rig_failure(struct rig *rig, const char *provider, const char *id, const char *name,
		 const char *error);
/* 7 pauses and 3 failed destroys; one of the three is listed by name. */
void rig_digest(struct rig *rig, const char *provider);
/* A host that is down, which is neither a success nor a failure. */
void rig_host_down(struct rig *rig, const char *provider);
/* As many groups and failures as a digest holds, with texts as long as a row keeps them. */
void rig_full_digest(struct rig *rig, const char *provider);
/* A test notification, to which the caller adds its facts. */
void rig_test(struct rig *rig, const char *provider);
void rig_done(struct rig *rig);

/* build(): what it returned. */
int rig_build(struct rig *rig, const struct rig_config *config, enum message_form form,
	      const char *link_base);
/* What was built as text: method and URL, headers, an empty line, the body. */
const char *rig_request(struct rig *rig);

/* The six bodies a provider makes, byte for byte: of rig_success() and of rig_failure() with
 * RIG_HOSTILE everywhere, both with a link, and of rig_digest() without. */
struct rig_bodies {
	const char *success[2]; /* FORM_RICH, FORM_PLAIN */
	const char *hostile[2];
	const char *digest[2];
};
void rig_expect_bodies(const char *provider, const struct rig_config *config,
		       const struct rig_bodies *bodies);

/* Builds a failure with a very long actor name, and a full digest. Every form must fit in the limit
 * and be valid UTF-8 and JSON. In the failure the name is cut, never the id. */
void rig_expect_fit(const char *provider, const struct rig_config *config);

/* The piece of each rich body that shows how it went. */
struct rig_tones {
	const char *good, *bad;
	const char *neutral; /* of a digest without failures */
};
void rig_expect_tones(const char *provider, const struct rig_config *config,
		      const struct rig_tones *tones);

/* The unit and the limits of both forms, and by how much an "x" grows that becomes an emoji, an e
 * with an accent and a "<". */
struct rig_measure {
	const char *unit;
	size_t limits[2]; /* FORM_RICH, FORM_PLAIN */
	size_t growth[2];
};
void rig_expect_measure(const char *provider, const struct rig_config *config,
			const struct rig_measure *expected);

/* The measure of a provider that counts the bytes of the body. */
void rig_expect_bytes(const char *provider, const struct rig_config *config, size_t limit);

/* How the request of rig_success() begins. */
void rig_expect_head(const char *provider, const struct rig_config *config, enum message_form form,
		     const char *head);

/* The rich body of an event with the stream id 7-3 has the piece; without an id it has not. */
void rig_expect_reference(const char *provider, const struct rig_config *config, const char *piece);

/* check(): what it returned, and the field at fault or "". */
int rig_check(const char *provider, const struct rig_config *config, char field[48]);
size_t rig_paces(const char *provider, const struct rig_config *config,
		 struct pace out[PROVIDER_MAX_PACES]);
struct verdict rig_judge(const char *provider, int status, const char *body);

/* A row of a table of answers, and the check of it. */
struct rig_answer {
	int status;
	const char *body;
	enum verdict_kind kind;
	const char *why; /* a part of it; NULL: there is none */
};
void rig_expect_answers(const char *provider, const struct rig_answer *rows, size_t count);
/* Instead of `why`: the answer is not the vendor's. */
#define STRANGER "(not the vendor)"

/* The vendor's own refusal in words we do not know: plain once, then on the schedule. */
void rig_expect_unknown(const char *provider, int status, const char *body);

#endif
