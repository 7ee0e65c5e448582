/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The life of a call. A store that is away is not our fault, so the client gets a 503 and the log
 * gets nothing. Any other failure is logged here, once.
 */
#include "api/call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/errno_text.h"
#include "core/id.h"
#include "core/log.h"

#define MAX_JSON ((size_t)1024 * 1024)

struct api_call *api_call_new(const struct api *api, struct http_request *request, size_t size)
{
	struct api_call *call = calloc(1, size);

	if (!call) {
		http_respond_store_error(request, -ENOMEM);
		return NULL;
	}
	call->api = *api;
	call->request = request;
	call->who = *http_request_identity(request);
	call->now_us = api->now_us();
	buf_init(&call->json, MAX_JSON);
	return call;
}

struct api_call *api_call_new_for_channel(const struct api *api, struct http_request *request,
					  size_t size)
{
	struct api_call *call;
	struct uuid id;

	if (id_parse(ID_CHANNEL, http_request_param(request, 0), &id) < 0) {
		http_respond_fault(request, HTTP_INVALID_REQUEST, NULL,
				   "the channel id must be ch- and 25 digits or small letters");
		return NULL;
	}
	call = api_call_new(api, request, size);
	if (call)
		call->id = id;
	return call;
}

void api_call_free(struct api_call *call)
{
	if (call->done)
		call->done(call);
	if (call->json.bytes)
		explicit_bzero(call->json.bytes, call->json.cap);
	buf_done(&call->json);
	free(call);
}

static bool is_passing(int rc)
{
	return rc == -ENOTCONN || rc == -EBUSY || rc == -ENOBUFS || rc == -ECANCELED ||
	       rc == -ENOSPC || rc == -ENOMEM;
}

void api_call_fail(struct api_call *call, int rc)
{
	if (!is_passing(rc))
		log_error("a request failed", log_str("request_id", http_request_id(call->request)),
			  log_str("error", errno_text(rc)));
	http_respond_store_error(call->request, rc);
	api_call_free(call);
}

void api_call_refuse(struct api_call *call, enum http_error error, const struct reason *why)
{
	http_respond_error(call->request, error, why);
	api_call_free(call);
}

void api_call_refuse_text(struct api_call *call, enum http_error error, const char *field,
			  const char *message)
{
	http_respond_fault(call->request, error, field, message);
	api_call_free(call);
}

void api_call_refuse_input(struct api_call *call, int rc, const struct reason *why)
{
	if (rc == -EINVAL)
		api_call_refuse(call, HTTP_INVALID_REQUEST, why);
	else
		api_call_fail(call, rc);
}

void api_call_answer(struct api_call *call, int status)
{
	http_respond_json(call->request, status, &call->json);
	api_call_free(call);
}

void api_call_no_channel(struct api_call *call)
{
	api_call_refuse_text(call, HTTP_NOT_FOUND, NULL, "there is no such channel");
}

void api_call_submit(struct api_call *call, api_submit_fn submit)
{
	int rc;

	call->job.team = call->who.team;
	call->job.is_audited = true;
	rc = submit(call->api.store, &call->job);

	if (rc < 0)
		api_call_fail(call, rc);
}

void api_call_on_shown(struct store_job *job, int rc)
{
	struct api_call *call = container_of(job, struct api_call, job);

	if (rc < 0)
		api_call_fail(call, rc);
	else if (call->found)
		api_call_answer(call, 200);
	else
		api_call_no_channel(call);
}
