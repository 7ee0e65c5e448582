/* SPDX-License-Identifier: Apache-2.0 */

/*
 * POST, GET, GET {id} and DELETE on /v1/channels (contract c).
 *
 * Happy path: the request is read and checked, a POST's target judged (perhaps after a look-up of
 * its name), one store job does the work, and its end answers the request. Failure: what is wrong
 * with the request is a 400 with its field, a store that is away a 503, another team's channel a
 * 404. The secret is answered once and kept only encrypted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "channels/draft.h"
#include "channels/parts.h"
#include "channels/rows.h"
#include "channels/seal.h"
#include "core/id.h"
#include "core/log.h"

#define ANSWER_MAX_BYTES ((size_t)1024 * 1024)

/* ---- what every request needs ------------------------------------------------------------ */

/* One request being answered by a store job. */
struct errand {
	struct store_job job;
	struct channels *channels;
	struct http_request *request;
	struct identity who; /* the request's own may not be read on another thread */
	struct uuid id;
	int64_t now_us;
	struct buf json;
	bool found; /* or removed */
};

static void init_errand(struct errand *errand, struct channels *channels,
			struct http_request *request)
{
	errand->channels = channels;
	errand->request = request;
	errand->who = *http_request_identity(request);
	errand->now_us = channels->now_us();
	buf_init(&errand->json, ANSWER_MAX_BYTES);
}

static struct errand *new_errand(struct channels *channels, struct http_request *request)
{
	struct errand *errand = calloc(1, sizeof(*errand));

	if (!errand) {
		http_respond_store_error(request, -ENOMEM);
		return NULL;
	}
	init_errand(errand, channels, request);
	return errand;
}

static void free_errand(struct errand *errand)
{
	buf_done(&errand->json);
	free(errand);
}

static bool is_passing(int rc)
{
	return rc == -ENOTCONN || rc == -EBUSY || rc == -ENOBUFS || rc == -ECANCELED;
}

static void respond_failure(struct http_request *request, int rc)
{
	if (!is_passing(rc))
		log_error("a channel request failed",
			  log_str("request_id", http_request_id(request)),
			  log_str("error", uv_strerror(rc)));
	http_respond_store_error(request, rc);
}

static void fail_errand(struct errand *errand, int rc)
{
	respond_failure(errand->request, rc);
	free_errand(errand);
}

/* The path's {id}. Answers 400 and gives false when it is malformed. */
static bool read_id(struct http_request *request, struct uuid *out)
{
	if (id_parse(ID_CHANNEL, http_request_param(request, 0), out) == 0)
		return true;
	http_respond_fault(request, HTTP_INVALID_REQUEST, NULL,
			   "the channel id must be ch- and 25 digits or small letters");
	return false;
}

/* ---- GET ------------------------------------------------------------------------------- */

static int run_list(struct db *db, struct store_job *job)
{
	struct errand *errand = container_of(job, struct errand, job);

	buf_reset(&errand->json);
	return channel_list(db, &errand->who.team, &errand->json);
}

static void on_listed(struct store_job *job, int rc)
{
	struct errand *errand = container_of(job, struct errand, job);

	if (rc < 0) {
		fail_errand(errand, rc);
		return;
	}
	http_respond_json(errand->request, 200, &errand->json);
	free_errand(errand);
}

static void list_channels(struct http_request *request, void *owner)
{
	struct errand *errand = new_errand(owner, request);
	int rc;

	if (!errand)
		return;
	errand->job.run = run_list;
	errand->job.on_done = on_listed;
	rc = store_read(errand->channels->store, &errand->job);
	if (rc < 0)
		fail_errand(errand, rc);
}

static int run_get(struct db *db, struct store_job *job)
{
	struct errand *errand = container_of(job, struct errand, job);

	buf_reset(&errand->json);
	return channel_get(db, &errand->who.team, &errand->id, &errand->json, &errand->found);
}

static void on_got(struct store_job *job, int rc)
{
	struct errand *errand = container_of(job, struct errand, job);

	if (rc < 0) {
		fail_errand(errand, rc);
		return;
	}
	if (errand->found)
		http_respond_json(errand->request, 200, &errand->json);
	else
		http_respond_fault(errand->request, HTTP_NOT_FOUND, NULL,
				   "there is no such channel");
	free_errand(errand);
}

/* An errand about the channel in the path; `submit` is store_read or store_write. */
static void start_errand(struct http_request *request, struct channels *channels,
			 const struct store_job *work,
			 int (*submit)(struct store *store, struct store_job *job))
{
	struct errand *errand;
	struct uuid id;
	int rc;

	if (!read_id(request, &id))
		return;
	errand = new_errand(channels, request);
	if (!errand)
		return;
	errand->id = id;
	errand->job = *work;
	rc = submit(channels->store, &errand->job);
	if (rc < 0)
		fail_errand(errand, rc);
}

static void get_channel(struct http_request *request, void *owner)
{
	const struct store_job work = { .run = run_get, .on_done = on_got };

	start_errand(request, owner, &work, store_read);
}

/* ---- DELETE ---------------------------------------------------------------------------- */

static int run_delete(struct db *db, struct store_job *job)
{
	struct errand *errand = container_of(job, struct errand, job);
	const struct change change = {
		.who = &errand->who,
		.audit_mode = errand->channels->audit_mode,
		.now_us = errand->now_us,
	};

	return channel_delete(db, &errand->id, &change, &errand->found);
}

static void on_removed(struct store_job *job, int rc)
{
	struct errand *errand = container_of(job, struct errand, job);

	if (rc < 0) {
		fail_errand(errand, rc);
		return;
	}
	if (errand->found && errand->channels->engine)
		engine_changed(errand->channels->engine, &errand->id);
	http_respond(errand->request, 204, NULL, STR(""));
	free_errand(errand);
}

static void delete_channel(struct http_request *request, void *owner)
{
	const struct store_job work = { .run = run_delete, .on_done = on_removed };

	start_errand(request, owner, &work, store_write);
}

/* ---- POST ------------------------------------------------------------------------------ */

/* A channel on its way into the store. */
struct creation {
	struct errand errand;
	struct draft draft;
	struct buf sealed;
	struct new_channel channel;
	enum insert_result result;
};

static void free_creation(struct creation *creation)
{
	draft_done(&creation->draft);
	buf_done(&creation->sealed);
	if (creation->errand.json.bytes) /* held the secret */
		explicit_bzero(creation->errand.json.bytes, creation->errand.json.cap);
	buf_done(&creation->errand.json);
	free(creation);
}

static void refuse_creation(struct creation *creation, const struct reason *why)
{
	http_respond_error(creation->errand.request, HTTP_INVALID_REQUEST, why);
	free_creation(creation);
}

static void fail_creation(struct creation *creation, int rc)
{
	respond_failure(creation->errand.request, rc);
	free_creation(creation);
}

static int run_insert(struct db *db, struct store_job *job)
{
	struct creation *creation = container_of(job, struct creation, errand.job);
	const struct change change = {
		.who = &creation->errand.who,
		.audit_mode = creation->errand.channels->audit_mode,
		.now_us = creation->errand.now_us,
	};

	return channel_insert(db, &creation->channel, &change, &creation->result);
}

static void answer_creation(struct creation *creation)
{
	struct http_request *request = creation->errand.request;

	switch (creation->result) {
	case CHANNEL_STORED:
		channel_write_new(&creation->errand.json, &creation->channel,
				  config_value(&creation->draft.config, "secret"));
		http_respond_json(request, 201, &creation->errand.json);
		break;
	case CHANNEL_NAME_TAKEN:
		http_respond_fault(request, HTTP_CONFLICT, "name",
				   "the team has a channel of this name already");
		break;
	case CHANNEL_TOO_MANY:
		http_respond_fault(request, HTTP_CONFLICT, NULL,
				   "the team has as many channels as it can have");
		break;
	case CHANNEL_NO_TEAM:
		http_respond_fault(request, HTTP_FORBIDDEN, NULL, "the team is gone");
		break;
	}
}

static void on_inserted(struct store_job *job, int rc)
{
	struct creation *creation = container_of(job, struct creation, errand.job);

	if (rc < 0) {
		fail_creation(creation, rc);
		return;
	}
	answer_creation(creation);
	free_creation(creation);
}

static void store_creation(struct creation *creation)
{
	struct channels *channels = creation->errand.channels;
	int rc;

	draft_complete_secret(&creation->draft);
	config_seal(&creation->sealed, &creation->draft.config, channels->key);
	if (creation->sealed.err) {
		fail_creation(creation, creation->sealed.err);
		return;
	}
	uuid_v4(&creation->channel.id);
	creation->channel.team = creation->errand.who.team;
	creation->channel.draft = &creation->draft;
	creation->channel.sealed = buf_str(&creation->sealed);
	creation->channel.created_us = creation->errand.now_us;
	creation->errand.job.run = run_insert;
	creation->errand.job.on_done = on_inserted;
	rc = store_write(channels->store, &creation->errand.job);
	if (rc < 0)
		fail_creation(creation, rc);
}

static void on_target_judged(int rc, const struct reason *why, void *owner)
{
	struct creation *creation = owner;

	if (rc == 0)
		store_creation(creation);
	else if (rc == -EINVAL)
		refuse_creation(creation, why);
	else
		fail_creation(creation, rc);
}

/* The URL among the provider's fields, or NULL: then the provider's host is fixed. */
static const char *target_field(const struct provider *provider)
{
	for (size_t i = 0; i < PROVIDER_MAX_FIELDS && provider->fields[i].name; i++) {
		if (provider->fields[i].use == FIELD_TARGET)
			return provider->fields[i].name;
	}
	return NULL;
}

static void judge_target(struct creation *creation)
{
	const char *field = target_field(creation->draft.provider);
	struct reason why = { .text = "" };
	int rc = 0;

	if (field) {
		const struct target target = {
			.url = config_value(&creation->draft.config, field),
			.field = field,
			.team = creation->errand.who.team,
		};

		rc = guard_check_target(&creation->errand.channels->guard, &target, &why,
					on_target_judged, creation);
	}
	if (rc != -EINPROGRESS)
		on_target_judged(rc, &why, creation);
}

static void create_channel(struct http_request *request, void *owner)
{
	struct creation *creation;
	struct reason why = { .text = "" };
	int rc;

	if (!http_request_is_json(request)) {
		http_respond_error(request, HTTP_UNSUPPORTED_TYPE, NULL);
		return;
	}
	creation = calloc(1, sizeof(*creation));
	if (!creation) {
		http_respond_store_error(request, -ENOMEM);
		return;
	}
	init_errand(&creation->errand, owner, request);
	buf_init(&creation->sealed, SEALED_CONFIG_MAX);
	rc = draft_parse(http_request_body(request), &creation->draft, &why);
	if (rc == 0)
		judge_target(creation);
	else if (rc == -EINVAL)
		refuse_creation(creation, &why);
	else
		fail_creation(creation, rc);
}

int endpoints_add(struct channels *channels, struct http_server *server)
{
	const struct http_route routes[] = {
		{ HTTP_POST, "/v1/channels", ACCESS_CHANGE, create_channel, channels },
		{ HTTP_GET, "/v1/channels", ACCESS_TEAM, list_channels, channels },
		{ HTTP_GET, "/v1/channels/{id}", ACCESS_TEAM, get_channel, channels },
		{ HTTP_DELETE, "/v1/channels/{id}", ACCESS_CHANGE, delete_channel, channels },
	};

	return http_server_add_routes(server, routes, ARRAY_LEN(routes));
}
