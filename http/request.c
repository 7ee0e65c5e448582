/* SPDX-License-Identifier: Apache-2.0 */

/* Reads of a parsed request. Cookies and Accept are read on demand, because few handlers ask. */
#include "http/request.h"

#include <assert.h>
#include <stdlib.h>

#include "core/crypto.h"
#include "http/pool.h"
#include "http/request_state.h"

struct http_request *request_new(struct connection *connection)
{
	struct http_request *request = calloc(1, sizeof(*request));
	uint8_t number[8];

	if (!request)
		return NULL;
	request->connection = connection;
	message_init(&request->message);
	buf_init(&request->extra, RESPONSE_MAX_EXTRA);
	buf_init(&request->unsent, RESPONSE_MAX_BYTES);
	buf_init(&request->rest, POOL_READ_SIZE);
	random_bytes(number, sizeof(number));
	memcpy(request->id, "req_", 5);
	hex_encode(number, sizeof(number), request->id + 4);
	return request;
}

void request_free(struct http_request *request)
{
	if (!request)
		return;
	message_done(&request->message);
	buf_done(&request->extra);
	buf_done(&request->unsent);
	buf_done(&request->rest);
	free(request);
}

enum http_method http_request_method(const struct http_request *request)
{
	return request->message.method;
}

struct str http_request_path(const struct http_request *request)
{
	return request->message.path;
}

struct str http_request_query(const struct http_request *request)
{
	return request->message.query;
}

struct str http_request_param(const struct http_request *request, size_t index)
{
	assert(index < HTTP_MAX_PARAMS);
	return request->match.params[index];
}

struct str http_request_header(const struct http_request *request, const char *name)
{
	return message_field(&request->message, name);
}

struct str http_request_cookie(const struct http_request *request, const char *name)
{
	const struct http_message *message = &request->message;

	for (size_t i = 0; i < message->parser.head.field_count; i++) {
		struct str rest = message_field_value(message, i);

		if (!str_eq_nocase(message_field_name(message, i), STR("cookie")))
			continue;
		while (rest.at) {
			struct str value = str_cut(&rest, ';');
			struct str found = str_cut(&value, '=');

			if (value.at && str_eq(str_trim(found), str_of(name)))
				return str_trim(value);
		}
	}
	return (struct str){ .at = NULL, .len = 0 };
}

struct str http_request_body(const struct http_request *request)
{
	return buf_str(&request->message.body);
}

bool http_request_is_json(const struct http_request *request)
{
	struct str type = http_request_header(request, "content-type");

	return str_eq_nocase(str_trim(str_cut(&type, ';')), STR("application/json"));
}

/* True when a media range has q=0, q=0.0 and so on. */
static bool is_unwanted(struct str parameters)
{
	while (parameters.at) {
		struct str value = str_cut(&parameters, ';');
		struct str name = str_trim(str_cut(&value, '='));
		size_t zeros = 0;

		if (!value.at || !str_eq_nocase(name, STR("q")))
			continue;
		value = str_trim(value);
		while (zeros < value.len && (value.at[zeros] == '0' || value.at[zeros] == '.'))
			zeros++;
		return zeros == value.len;
	}
	return false;
}

static bool range_fits(struct str range, struct str type)
{
	struct str range_kind = str_cut(&range, '/');
	struct str kind = str_cut(&type, '/');

	if (str_is(range, "*") && str_is(range_kind, "*"))
		return true;
	return str_eq_nocase(range_kind, kind) &&
	       (str_is(range, "*") || str_eq_nocase(range, type));
}

bool http_request_takes(const struct http_request *request, const char *type)
{
	struct str ranges = http_request_header(request, "accept");

	if (!ranges.at)
		return true;
	while (ranges.at) {
		struct str parameters = str_cut(&ranges, ',');
		struct str range = str_trim(str_cut(&parameters, ';'));

		if (range_fits(range, str_of(type)) && !is_unwanted(parameters))
			return true;
	}
	return false;
}

bool http_request_takes_coding(const struct http_request *request, const char *coding)
{
	struct str codings = http_request_header(request, "accept-encoding");
	bool takes_any = false;

	while (codings.at) {
		struct str parameters = str_cut(&codings, ',');
		struct str name = str_trim(str_cut(&parameters, ';'));

		if (str_eq_nocase(name, str_of(coding)))
			return !is_unwanted(parameters);
		if (str_is(name, "*"))
			takes_any = !is_unwanted(parameters);
	}
	return takes_any;
}

bool http_request_takes_chunks(const struct http_request *request)
{
	return !request->message.is_http10;
}

const char *http_request_id(const struct http_request *request)
{
	return request->id;
}

struct identity *http_request_identity(struct http_request *request)
{
	return &request->identity;
}
