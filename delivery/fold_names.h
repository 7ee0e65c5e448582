/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The names of events that quiet hours or a snooze held: as many as fit into one message of every
 * provider.
 */
#ifndef DELIVERY_FOLD_NAMES_H
#define DELIVERY_FOLD_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/attributes.h"
#include "core/str.h"
#include "providers/provider.h"

#define FOLD_NAME_SIZE 301 /* as digest.c cuts it */
#define FOLD_KIND_SIZE 48

/* All zero: none. */
struct fold_names {
	bool is_full;
	size_t events; /* that are named, failures among them */
	size_t cost;   /* characters used */
	size_t kinds;  /* of event and outcome */
	size_t count;
	struct fold_name {
		char event[FOLD_KIND_SIZE];
		struct str outcome; /* a constant */
		char resource[FOLD_NAME_SIZE];
	} items[DIGEST_MAX_NAMES];
};

/* Takes the name of one more event, is_new if none of this kind and outcome came before. A failure
 * counts, but the digest names it with its error. False when the message is full; two events fit
 * into any. */
bool fold_names_take(struct fold_names *names, const struct digest_name *name,
		     bool is_new) must_check;

/* The texts point into `names`. */
void fold_names_write(const struct fold_names *names, struct digest *digest);

#endif
