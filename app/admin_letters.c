/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Dead letters as an administrator reads them. Publishers wrote their text, so it is cleaned and
 * cut. Happy path: one request to Redis, whose reply becomes the response. Failure: without Redis
 * the answer is 503.
 */
#include "app/admin_letters.h"

#include <errno.h>

#include "app/admin_sources.h"
#include "core/errno_text.h"
#include "core/json.h"
#include "core/log.h"
#include "core/rfc3339.h"
#include "core/utf8.h"

#define DEFAULT_LETTERS 20
#define MAX_LETTERS     50
#define MAX_PAYLOAD     8192
#define MAX_REASON      1024

struct letters_call {
	struct api_call call;
	struct bus_dead_query query;
	struct stream_id before;
	unsigned limit;
	unsigned count;
	char last_id[STREAM_ID_TEXT_SIZE];
	bool has_before;
	bool has_limit;
	bool has_more;
};

static const struct admin *admin_of(const struct api_call *call)
{
	return call->api.owner;
}

/* Ends the call if the request could not be sent. */
static void fail_unless_sent(struct api_call *call, int rc)
{
	if (rc < 0) {
		http_respond_fault(call->request, HTTP_SERVICE_UNAVAILABLE, NULL,
				   "redis is not reachable; try again later");
		api_call_free(call);
	}
}

static void fail(struct api_call *call, int rc)
{
	if (rc == -ENOTCONN) {
		fail_unless_sent(call, rc);
		return;
	}
	log_error("Redis sent an unexpected reply about dead letters",
		  log_str("error", errno_text(rc)));
	http_respond_error(call->request, HTTP_INTERNAL_ERROR, NULL);
	api_call_free(call);
}

/* ---- the list ------------------------------------------------------------------------------ */

static void add_cleaned(struct buf *out, const char *name, struct str text, size_t max)
{
	struct buf clean;

	if (!text.at)
		return;
	buf_init(&clean, 4 * max + 16);
	utf8_clean(&clean, text, max, true);
	json_add_member(out, name, buf_str(&clean));
	out->err = out->err ? out->err : clean.err;
	buf_done(&clean);
}

static void add_time(struct buf *out, struct str id)
{
	struct stream_id parsed;
	char text[RFC3339_TEXT_SIZE];

	if (stream_id_parse(id, &parsed) < 0 || parsed.ms > RFC3339_LAST_US / 1000)
		return;
	rfc3339_format((int64_t)parsed.ms * 1000, 0, text);
	json_add_member(out, "at", str_of(text));
}

static void on_letter(const struct bus_dead_letter *letter, void *owner)
{
	struct letters_call *list = owner;
	struct buf *out = &list->call.json;

	if (list->count == list->limit) {
		list->has_more = true;
		return;
	}
	if (list->count++ > 0)
		buf_add_char(out, ',');
	buf_add_char(out, '{');
	add_cleaned(out, "id", letter->id, sizeof(list->last_id));
	add_time(out, letter->id);
	add_cleaned(out, "event_id", letter->entry_id, sizeof(list->last_id));
	add_cleaned(out, "reason", letter->reason, MAX_REASON);
	add_cleaned(out, "payload", letter->payload, MAX_PAYLOAD);
	field_add_number(out, "payload_bytes", (int64_t)letter->payload.len);
	buf_add_char(out, '}');
	snprintf(list->last_id, sizeof(list->last_id), "%.*s", STR_ARGS(letter->id));
}

static void on_listed(int rc, struct str event_id, void *owner)
{
	struct letters_call *list = owner;
	struct buf *out = &list->call.json;

	(void)event_id;
	if (rc < 0) {
		fail(&list->call, rc);
		return;
	}
	buf_add_char(out, ']');
	if (list->has_more)
		json_add_member(out, "next_before", str_of(list->last_id));
	buf_add_char(out, '}');
	api_call_answer(&list->call, 200);
}

static int read_limit(struct letters_call *list, struct str value, struct reason *why)
{
	unsigned long long number;
	int rc = parameter_once(&list->has_limit, "limit", why);

	if (rc < 0)
		return rc;
	if (!str_to_u64(value, &number) || number == 0)
		return reason_set(why, -EINVAL, "limit", "limit must be a number from 1");
	list->limit = number > MAX_LETTERS ? MAX_LETTERS : (unsigned)number;
	return 0;
}

static int read_pair(struct str name, struct str value, void *arg, struct reason *why)
{
	struct letters_call *list = arg;
	int rc;

	if (str_is(name, "limit"))
		return read_limit(list, value, why);
	if (!str_is(name, "before"))
		return 0;
	rc = parameter_once(&list->has_before, "before", why);
	if (rc == 0 && stream_id_parse(value, &list->before) < 0)
		rc = reason_set(why, -EINVAL, "before", "before must be the id of a dead letter");
	return rc;
}

void admin_list_letters(struct http_request *request, void *owner)
{
	struct api_call *call = api_call_new(owner, request, sizeof(struct letters_call));
	struct letters_call *list;
	struct reason why = { .text = "" };
	int rc;

	if (!call)
		return;
	list = container_of(call, struct letters_call, call);
	list->limit = DEFAULT_LETTERS;
	list->query = (struct bus_dead_query){ on_letter, on_listed, list };
	rc = http_query_each(http_request_query(request), read_pair, list, &why);
	if (rc < 0) {
		api_call_refuse_input(call, rc, &why);
		return;
	}
	buf_add_text(&call->json, "{\"items\":[");
	fail_unless_sent(call, bus_dead_list(admin_of(call)->redis, list->before, list->limit + 1,
					     &list->query));
}

/* ---- an offer ------------------------------------------------------------------------------ */

static void on_offered(int rc, struct str event_id, void *owner)
{
	struct letters_call *offer = owner;
	struct api_call *call = &offer->call;

	if (rc == -ENOENT || rc == -ENODATA) {
		http_respond_fault(call->request,
				   rc == -ENOENT ? HTTP_NOT_FOUND : HTTP_INVALID_STATE, NULL,
				   rc == -ENOENT ? "there is no such dead letter"
						 : "this entry had no payload to offer again");
		api_call_free(call);
	} else if (rc < 0) {
		fail(call, rc);
	} else {
		log_info("a dead letter was offered again", log_str("event_id", event_id.at));
		buf_add_char(&call->json, '{');
		json_add_member(&call->json, "event_id", event_id);
		buf_add_char(&call->json, '}');
		api_call_answer(call, 202);
	}
}

void admin_offer_letter(struct http_request *request, void *owner)
{
	struct stream_id id;
	struct letters_call *offer;
	struct api_call *call;

	if (stream_id_parse(http_request_param(request, 0), &id) < 0) {
		http_respond_fault(request, HTTP_INVALID_REQUEST, NULL,
				   "the id of a dead letter is two numbers with a hyphen between");
		return;
	}
	call = api_call_new(owner, request, sizeof(struct letters_call));
	if (!call)
		return;
	offer = container_of(call, struct letters_call, call);
	offer->query = (struct bus_dead_query){ on_letter, on_offered, offer };
	fail_unless_sent(call, bus_dead_offer(admin_of(call)->redis, id, &offer->query));
}
