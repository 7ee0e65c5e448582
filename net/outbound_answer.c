/* SPDX-License-Identifier: Apache-2.0 */

/* Takes header lines and body bytes from libcurl. */
#include "net/outbound_answer.h"

#include <errno.h>

#include "core/exchange.h"
#include "core/str.h"

#define HEAD_MAX_BYTES 16384

void outbound_answer_init(struct outbound_answer *answer)
{
	*answer = (struct outbound_answer){ .status = 0 };
	buf_init(&answer->head, HEAD_MAX_BYTES);
	buf_init(&answer->body, ANSWER_MAX_BODY);
}

void outbound_answer_done(struct outbound_answer *answer)
{
	buf_done(&answer->head);
	buf_done(&answer->body);
}

bool outbound_answer_is_interim(const struct outbound_answer *answer)
{
	return answer->status >= 100 && answer->status <= 199;
}

/* 100 and 103 precede the final answer. Nothing follows a switch of protocols. */
bool outbound_answer_is_unasked(const struct outbound_answer *answer)
{
	return outbound_answer_is_interim(answer) && answer->status != 100 && answer->status != 103;
}

static size_t on_body(const char *bytes, size_t size, size_t count, void *owner)
{
	struct outbound_answer *answer = owner;
	size_t n = size * count;

	buf_add(&answer->body, bytes, n);
	if (!answer->body.err)
		return n;
	answer->is_too_large = answer->body.err == -E2BIG;
	return CURL_WRITEFUNC_ERROR;
}

/* "HTTP/1.1 103 Early Hints": 103; 0 for any other kind of line. */
static int status_of_line(struct str line)
{
	unsigned long long status;
	struct str rest = line;
	struct str number;

	if (!str_starts(line, STR("HTTP/")))
		return 0;
	(void)str_cut(&rest, ' ');
	number = str_trim(str_cut(&rest, ' '));
	return number.len == 3 && str_to_u64(number, &status) ? (int)status : 0;
}

/* libcurl calls this once for each header line. A line that exceeds the bound is skipped, because
 * the bound limits what we keep; the deadline limits what we read. Trailers are skipped, because
 * whoever wrote the body wrote them. */
static size_t on_head(const char *bytes, size_t size, size_t count, void *owner)
{
	struct outbound_answer *answer = owner;
	const struct str line = { .at = bytes, .len = size * count };
	int status = status_of_line(line);

	if (answer->head_is_over && !outbound_answer_is_interim(answer))
		return line.len;
	if (status) {
		buf_reset(&answer->head);
		answer->status = status;
		answer->head_is_over = false;
		if (outbound_answer_is_unasked(answer))
			return 0;
	}
	if (str_trim(line).len == 0)
		answer->head_is_over = true;
	if (line.len <= HEAD_MAX_BYTES - answer->head.len)
		buf_add_str(&answer->head, line);
	return line.len;
}

void outbound_answer_collect(struct outbound_answer *answer, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, answer);
}
