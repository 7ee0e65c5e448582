/* SPDX-License-Identifier: Apache-2.0 */

/* Functions that several chat providers share: writing texts as JSON, and reading answers. */
#ifndef PROVIDERS_CHAT_H
#define PROVIDERS_CHAT_H

#include "core/json.h"
#include "providers/card.h"
#include "providers/provider.h"

/* Copies, but breaks what clients turn into links and mentions by themselves (addresses, domains,
 * @names, #rooms) with the invisible U+2060. */
size_t chat_escape_unlinked(struct buf *out, struct str rest);

/* Appends one value as a JSON string, between two of our own pieces of markup. */
void chat_add_string(struct buf *json, const struct text_rule *rule, const char *before,
		     const struct card_field *field, const char *after);

/* The same for a value by itself that may be no longer than `max`. */
void chat_add_value(struct buf *json, const struct text_rule *rule, const char *what,
		    struct text_value value, size_t max);

/* The title as one JSON string. */
void chat_add_title(struct buf *json, const struct card *card, const struct text_rule *rule,
		    size_t max);

/* The lines of a digest as one JSON string. */
void chat_add_lines(struct buf *json, const struct card *card, const struct text_rule *rule,
		    size_t max);

/* One form of a provider's message. */
struct chat_form {
	struct card_sketch sketch;
	enum text_unit unit;
	text_escape_fn escape;
	/* NULL: the sketch draws the body. Else it draws a text that becomes this member of the
	 * body, and `rest` (",..." or "") is what follows it. */
	const char *member;
	const char *rest;
};

/* Makes the card of a message and writes it into `body` (empty) in the form the message asks for.
 * 0, -EINVAL, -E2BIG, -ENOMEM. */
int chat_write(struct buf *body, const struct message *message, const struct chat_form *rich,
	       const struct chat_form *plain) must_check;

/* Makes *out a POST of out->body, with the headers every vendor wants. */
void chat_post(struct outgoing *out, const char *type, struct str agent);

/* The size of a drawn body in bytes, code points or UTF-16 units. */
size_t chat_size_bytes(struct str body);
size_t chat_size_points(struct str body);
size_t chat_size_utf16(struct str body);

/* The meaning of one of the vendor's own words for a failure. */
struct chat_meaning {
	const char *word;
	enum verdict_kind kind;
	const char *why;
};

/* NULL when there is no such word. */
const struct chat_meaning *chat_meaning_find(const struct chat_meaning *all, size_t count,
					     struct str word);

/* Uses judge_by_status() when there is no status, else judge_body() with the tree of the answer,
 * which may be NULL. */
struct verdict chat_judge(const struct answer *answer, int64_t now_us,
			  struct verdict (*judge_body)(const struct answer *answer,
						       const cJSON *tree, int64_t now_us));

/* The text when it is a word like "WorkflowNotFound", else NULL. */
const char *chat_camel_word(const char *text);

/* The answer's body as a tree for cJSON_Delete(), or NULL when it is not a JSON object. */
cJSON *chat_answer_tree(const struct answer *answer);

/* A requested wait in milliseconds from a JSON number of seconds, rounded up: at most an hour, -1
 * when it is negative or not a number. */
int64_t chat_wish_ms(const cJSON *number, double unit_ms);

/* The verdict on "too fast": try again after the longer of the header's wait and `wish_ms`. Until
 * then no channel with the same first pace sends. */
struct verdict chat_throttled(const struct answer *answer, int64_t now_us, int64_t wish_ms);

/* The vendor's own refusal in words we do not know. A temporary status is tried again. After any
 * other one the message is sent once in the plain form and then tried again, so that no message is
 * lost. */
struct verdict chat_unknown(const struct answer *answer, int64_t now_us, const char *why);

/* A 2xx whose body is incomplete. It counts as success, unless the body begins like an HTML
 * page. */
struct verdict chat_half_success(const struct answer *answer, int64_t now_us);

/* verdict_of() with a `why`. */
struct verdict chat_verdict(enum verdict_kind kind, const char *why);

/* The first value of a URL's parameter that is not empty, undecoded; or the empty slice. */
struct str chat_parameter(struct str query, const char *name);

/* ASCII letters in lower case, for texts whose case does not matter. */
void chat_add_lower(struct buf *out, struct str text);

/* A pace of one message per interval; with a burst, that many at first. */
struct pace chat_pace(const char *kind, struct str id, struct str more, unsigned burst,
		      int64_t interval_us);

#endif
