/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Making a request's text and reading an answer's. A header value with a line end would become
 * a second header on the wire, so it spoils the whole request instead.
 */
#include "core/exchange.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#define OUTGOING_MAX_URL    8192
#define OUTGOING_MAX_HEADER 8192

void outgoing_init(struct outgoing *out)
{
	out->method = "POST";
	buf_init(&out->url, OUTGOING_MAX_URL);
	buf_init(&out->body, OUTGOING_MAX_BODY);
	out->header_count = 0;
}

void outgoing_done(struct outgoing *out)
{
	buf_done(&out->url);
	buf_done(&out->body);
	for (size_t i = 0; i < out->header_count; i++)
		buf_done(&out->headers[i]);
	out->header_count = 0;
}

static bool ends_line(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] == '\r' || value.at[i] == '\n' || value.at[i] == '\0')
			return true;
	}
	return false;
}

void outgoing_header(struct outgoing *out, const char *name, struct str value)
{
	assert(out->header_count < OUTGOING_MAX_HEADERS);
	if (ends_line(value)) {
		out->url.err = -EINVAL;
		return;
	}

	struct buf *header = &out->headers[out->header_count++];
	buf_init(header, OUTGOING_MAX_HEADER);
	buf_add_text(header, name);
	buf_add_text(header, ": ");
	buf_add_str(header, value);
}

int outgoing_error(const struct outgoing *out)
{
	if (out->url.err)
		return out->url.err;
	if (out->body.err)
		return out->body.err;
	for (size_t i = 0; i < out->header_count; i++) {
		if (out->headers[i].err)
			return out->headers[i].err;
	}
	return 0;
}

struct str answer_header(const struct answer *answer, const char *name)
{
	struct str rest = answer->headers;
	struct str wanted = str_of(name);

	while (rest.at && rest.len) {
		struct str line = str_cut(&rest, '\n');

		if (line.len > wanted.len && line.at[wanted.len] == ':' &&
		    str_eq_nocase((struct str){ .at = line.at, .len = wanted.len }, wanted))
			return str_trim(str_from(line, wanted.len + 1));
	}
	return STR("");
}

void answer_describe(const struct answer *answer, char out[ANSWER_TEXT_SIZE])
{
	static const char *const faults[] = {
		[ANSWER_REFUSED] = "address not allowed",
		[ANSWER_UNRESOLVED] = "name has no address",
		[ANSWER_UNREACHED] = "connection refused, reset or not possible",
		[ANSWER_TLS] = "certificate not trusted or handshake failed",
		[ANSWER_TIMEOUT] = "timed out",
		[ANSWER_TOO_LARGE] = "answer too large",
		[ANSWER_CANCELLED] = "cancelled",
		[ANSWER_BROKEN] = "answer was not valid HTTP",
	};
	static const char *const endings[] = {
		[ANSWER_UNREACHED] = "and closed the connection before the answer was complete",
		[ANSWER_TLS] = "and broke off in the middle of the answer",
		[ANSWER_TIMEOUT] = "and did not finish the answer in time",
		[ANSWER_TOO_LARGE] = "with more bytes than we read",
		[ANSWER_BROKEN] = "and broke off in the middle of the answer",
	};

	if (answer->fault == ANSWER_OK)
		snprintf(out, ANSWER_TEXT_SIZE, "destination answered %d", answer->status);
	else if (answer->status)
		snprintf(out, ANSWER_TEXT_SIZE, "destination answered %d %s", answer->status,
			 endings[answer->fault]);
	else
		snprintf(out, ANSWER_TEXT_SIZE, "%s",
			 answer->why ? answer->why : faults[answer->fault]);
}
