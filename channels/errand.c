/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The common course of the endpoints. A store that is away is no fault of ours and answered
 * without a log line; everything else that fails is logged here, once.
 */
#include "channels/errand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/errno_text.h"
#include "core/id.h"
#include "core/log.h"

struct errand *errand_new(struct channels *channels, struct http_request *request, size_t size)
{
	struct errand *errand = calloc(1, size);

	if (!errand) {
		http_respond_store_error(request, -ENOMEM);
		return NULL;
	}
	errand->channels = channels;
	errand->request = request;
	errand->who = *http_request_identity(request);
	errand->now_us = channels->now_us();
	buf_init(&errand->json, ERRAND_MAX_JSON);
	return errand;
}

struct errand *errand_new_of_channel(struct channels *channels, struct http_request *request,
				     size_t size)
{
	struct errand *errand;
	struct uuid id;

	if (id_parse(ID_CHANNEL, http_request_param(request, 0), &id) < 0) {
		http_respond_fault(request, HTTP_INVALID_REQUEST, NULL,
				   "the channel id must be ch- and 25 digits or small letters");
		return NULL;
	}
	errand = errand_new(channels, request, size);
	if (errand)
		errand->id = id;
	return errand;
}

void errand_free(struct errand *errand)
{
	if (errand->done)
		errand->done(errand);
	if (errand->json.bytes)
		explicit_bzero(errand->json.bytes, errand->json.cap);
	buf_done(&errand->json);
	free(errand);
}

static bool is_passing(int rc)
{
	return rc == -ENOTCONN || rc == -EBUSY || rc == -ENOBUFS || rc == -ECANCELED ||
	       rc == -ENOSPC || rc == -ENOMEM;
}

void errand_fail(struct errand *errand, int rc)
{
	if (!is_passing(rc))
		log_error("a channel request failed",
			  log_str("request_id", http_request_id(errand->request)),
			  log_str("error", errno_text(rc)));
	http_respond_store_error(errand->request, rc);
	errand_free(errand);
}

void errand_refuse(struct errand *errand, enum http_error error, const struct reason *why)
{
	http_respond_error(errand->request, error, why);
	errand_free(errand);
}

void errand_refuse_text(struct errand *errand, enum http_error error, const char *field,
			const char *message)
{
	http_respond_fault(errand->request, error, field, message);
	errand_free(errand);
}

void errand_refuse_draft(struct errand *errand, int rc, const struct reason *why)
{
	if (rc == -EINVAL)
		errand_refuse(errand, HTTP_INVALID_REQUEST, why);
	else
		errand_fail(errand, rc);
}

void errand_answer(struct errand *errand, int status)
{
	http_respond_json(errand->request, status, &errand->json);
	errand_free(errand);
}

void errand_not_found(struct errand *errand)
{
	errand_refuse_text(errand, HTTP_NOT_FOUND, NULL, "there is no such channel");
}

void errand_submit(struct errand *errand, errand_submit_fn submit)
{
	int rc;

	errand->job.team = errand->who.team;
	errand->job.is_audited = true;
	rc = submit(errand->channels->store, &errand->job);

	if (rc < 0)
		errand_fail(errand, rc);
}

/* A page of another site can make a browser send its cookie with a body of any simple type, and of none;
 * JSON it cannot announce without asking us first. A key is sent on purpose. */
bool errand_body_is_json(struct http_request *request)
{
	if (http_request_body(request).len == 0 || http_request_is_json(request) ||
	    http_request_identity(request)->credential == CREDENTIAL_API_KEY)
		return true;
	http_respond_error(request, HTTP_UNSUPPORTED_TYPE, NULL);
	return false;
}

void errand_on_shown(struct store_job *job, int rc)
{
	struct errand *errand = container_of(job, struct errand, job);

	if (rc < 0)
		errand_fail(errand, rc);
	else if (errand->found)
		errand_answer(errand, 200);
	else
		errand_not_found(errand);
}
