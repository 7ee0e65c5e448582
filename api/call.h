/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One request that a store job answers. An endpoint that needs more puts a struct api_call first
 * into a struct of its own, and sets `done` to free the rest.
 *
 * Happy path: api_call_new(), api_call_submit(); the job's on_done ends with api_call_answer().
 * Failure: api_call_fail() and the api_call_refuse…() answer and free.
 */
#ifndef API_CALL_H
#define API_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/identity.h"
#include "core/reason.h"
#include "core/uuid.h"
#include "http/http.h"
#include "store/store.h"

/* Shared by all endpoints of one module. */
struct api {
	struct store *store;
	int64_t (*now_us)(void); /* wall clock */
	void *owner;             /* the module's own struct */
};

struct api_call {
	struct store_job job;
	struct api api;
	struct http_request *request;
	struct identity who; /* a copy: the store's thread may not read the request */
	struct uuid id;      /* from the path */
	int64_t now_us;      /* when the request came */
	struct buf json;     /* the answer; wiped at the end because it may hold a secret */
	bool found;
	void (*done)(struct api_call *call); /* frees the endpoint's own members; may be NULL */
};

typedef int (*api_submit_fn)(struct store *store, struct store_job *job);

/* `size` is that of the whole struct, which begins with the call. All members after the call are
 * zero. NULL: the request has been answered. */
struct api_call *api_call_new(const struct api *api, struct http_request *request,
			      size_t size) must_check;

/* The same with the channel of the path's {id} in call->id. A malformed id is answered with 400. */
struct api_call *api_call_new_for_channel(const struct api *api, struct http_request *request,
					  size_t size) must_check;

/* Answers nothing. */
void api_call_free(struct api_call *call);

/* Sets who is asking, then hands call->job to store_read_for_request or store_write. The caller has
 * set the job's run and on_done. A refusal by the store is answered, and the call freed. */
void api_call_submit(struct api_call *call, api_submit_fn submit);

/* ---- answers; each frees the call ---------------------------------------------------------- */

void api_call_answer(struct api_call *call, int status); /* with call->json */
/* Answers a code of the store, -ENOMEM or the like. Logs failures that are neither temporary nor
 * the client's fault. */
void api_call_fail(struct api_call *call, int rc);
void api_call_refuse(struct api_call *call, enum http_error error, const struct reason *why);
void api_call_refuse_text(struct api_call *call, enum http_error error, const char *field,
			  const char *message);
/* After reading or checking the body or the query: 400 with *why for -EINVAL, else
 * api_call_fail(). */
void api_call_refuse_input(struct api_call *call, int rc, const struct reason *why);
void api_call_no_channel(struct api_call *call); /* 404 */

/* For job.on_done: 200 with the JSON when `found`, else api_call_no_channel(). */
void api_call_on_shown(struct store_job *job, int rc);

#endif
