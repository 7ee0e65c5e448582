/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the endpoints of channels/ share: one request being answered by a store job. An endpoint that
 * needs more puts a struct errand first into a struct of its own, and sets `done` to free the rest.
 *
 * Happy path: errand_new(), errand_submit(), the job's on_done answers and ends with errand_free().
 * Failure: errand_fail() answers and frees.
 */
#ifndef CHANNELS_ERRAND_H
#define CHANNELS_ERRAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channels/parts.h"
#include "core/attributes.h"
#include "core/buf.h"
#include "core/identity.h"
#include "core/uuid.h"

#define ERRAND_MAX_JSON ((size_t)1024 * 1024)

struct errand {
	struct store_job job;
	struct channels *channels;
	struct http_request *request;
	struct identity who; /* the request's own may not be read on another thread */
	struct uuid id;      /* the channel in the path */
	int64_t now_us;
	struct buf json; /* the answer; wiped at the end, since it may hold a secret */
	bool found;
	void (*done)(struct errand *errand); /* ends what lies behind the errand, or NULL */
};

typedef int (*errand_submit_fn)(struct store *store, struct store_job *job);

/* Zeroed but for the errand itself; `size` is that of the whole struct, whose first member the errand
 * has to be. NULL: the request has been answered. */
struct errand *errand_new(struct channels *channels, struct http_request *request,
			  size_t size) must_check;

/* The same about the channel in the path's {id}; a malformed one has been answered with 400. */
struct errand *errand_new_of_channel(struct channels *channels, struct http_request *request,
				     size_t size) must_check;

/* Answers nothing. */
void errand_free(struct errand *errand);

/* These answer and free. */
void errand_fail(struct errand *errand, int rc); /* a store's code, -ENOMEM ... */
void errand_refuse(struct errand *errand, enum http_error error, const struct reason *why);
void errand_refuse_text(struct errand *errand, enum http_error error, const char *field,
			const char *message);
/* For what read or judged the body or the query: 400 with the reason for -EINVAL, else as errand_fail(). */
void errand_refuse_draft(struct errand *errand, int rc, const struct reason *why);
void errand_answer(struct errand *errand, int status); /* with errand->json */
void errand_not_found(struct errand *errand);          /* there is no such channel */

/* Hands errand->job, whose run and on_done are set, to store_read_for_request or
 * store_write; answers and frees
 * when that fails. */
void errand_submit(struct errand *errand, errand_submit_fn submit);

/* A request with another type than JSON has been answered with 415: then false. */
bool errand_body_is_json(struct http_request *request) must_check;

/* For on_done: 200 with the JSON when `found`, else 404. */
void errand_on_shown(struct store_job *job, int rc);

#endif
