/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Outgoing HTTP, one libcurl easy handle per call on a shared multi handle.
 *
 * Happy path: the call's handle is set up and added, the loop drives it, the answer is
 * collected up to its bounds, the owner is called, and the call dies when its timer has closed.
 * Failure: every end has one name of enum answer_fault. The deadline is a timer of ours, which also
 * carries out a cancellation on the next turn. libcurl's own error texts are only searched for what
 * OpenSSL said: they may hold a URL.
 */
#include "net/outbound.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/list.h"
#include "core/metrics.h"
#include "net/curl_loop.h"
#include "net/outbound_fault.h"

#define HEAD_MAX_BYTES 16384
#define NUDGE_MS       250

struct outbound {
	struct curl_loop curl;
	struct list calls;
	struct metric *shortages;
	char *user_agent;
	char *ca_file;
	bool closing;
	void (*on_closed)(void *owner);
	void *owner;
};

struct outbound_call {
	struct outbound *outbound;
	struct list link;
	uv_timer_t deadline;
	CURL *easy;
	struct curl_slist *headers;
	struct outgoing request;
	outbound_guard_fn allow;
	const void *guard;
	outbound_done_fn on_done;
	void *owner;
	struct buf head;
	struct buf body;
	int64_t started_us;
	uint64_t end_ms;   /* on the loop's clock */
	uint64_t nudge_ms; /* when to nudge it first, while it is not connected */
	bool is_connected;
	bool is_refused;               /* by the guard, at least once */
	bool is_too_large;             /* the answer's body */
	bool is_starved;               /* there was no descriptor for its last socket */
	int status;                    /* of the last status line, interim ones included */
	bool head_is_over;             /* what comes of header lines now are trailers */
	char trouble[CURL_ERROR_SIZE]; /* libcurl's words: looked through, never shown */
	bool is_cancelled;
	bool is_finished; /* on_done has been called or is being called */
};

/* ---- the answer, as it comes in -------------------------------------------------------- */

static size_t on_body(const char *bytes, size_t size, size_t count, void *owner)
{
	struct outbound_call *call = owner;
	size_t n = size * count;

	buf_add(&call->body, bytes, n);
	if (!call->body.err)
		return n;
	call->is_too_large = call->body.err == -E2BIG;
	return CURL_WRITEFUNC_ERROR;
}

/* "HTTP/1.1 103 Early Hints": 103; 0 when the line is none of this kind. */
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

static bool is_interim(int status)
{
	return status >= 100 && status <= 199;
}

/* One header line per call. What does not fit any more is left out: the bound is on what we
 * keep, the deadline on what we read. Nothing is kept of trailers: they come from whoever wrote the
 * body. */
static size_t on_head(const char *bytes, size_t size, size_t count, void *owner)
{
	struct outbound_call *call = owner;
	const struct str line = { .at = bytes, .len = size * count };
	int status = status_of_line(line);

	if (call->head_is_over && !is_interim(call->status))
		return line.len;
	/* An interim answer is followed by another one, but a switch of protocols by nothing, and
	 * nobody asked for the others: the rest of the time would be waited for in vain. */
	if (status) {
		buf_reset(&call->head);
		call->status = status;
		call->head_is_over = false;
		if (is_interim(status) && status != 100 && status != 103)
			return 0;
	}
	if (str_trim(line).len == 0)
		call->head_is_over = true;
	if (line.len <= HEAD_MAX_BYTES - call->head.len)
		buf_add_str(&call->head, line);
	return line.len;
}

/* ---- the guard ------------------------------------------------------------------------- */

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

static curl_socket_t open_socket(void *owner, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct outbound_call *call = owner;

	if (purpose != CURLSOCKTYPE_IPCXN || !call->allow(&address->addr, call->guard)) {
		call->is_refused = true;
		return CURL_SOCKET_BAD;
	}

	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
			address->protocol);

	call->is_starved = fd < 0 && is_shortage(errno);
	return fd;
}

static bool address_from_text(const char *text, int port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		return true;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		return true;
	}
	return false;
}

/* Right before the request goes out, also on a connection that was opened for an earlier call,
 * perhaps under another guard. An address we cannot read is refused. */
/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl gives the signature */
static int before_request(void *owner, char *remote_ip, char *local_ip, int remote_port,
			  int local_port)
{
	struct outbound_call *call = owner;
	struct sockaddr_storage address;

	(void)local_ip;
	(void)local_port;
	call->is_connected = true;
	if (remote_ip && address_from_text(remote_ip, remote_port, &address) &&
	    call->allow((const struct sockaddr *)&address, call->guard))
		return CURL_PREREQFUNC_OK;
	call->is_refused = true;
	return CURL_PREREQFUNC_ABORT;
}

/* ---- the end of a call ------------------------------------------------------------------- */

/* The resolver does not say what it failed for; it needs a descriptor, as this does. */
static bool lacks_descriptors(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	if (fd < 0)
		return is_shortage(errno);
	close(fd);
	return false;
}

/* What we ran out of is nobody else's failure. But libcurl says "out of memory", too, of an answer that
 * is past one of its limits, such as an endless header line. */
static bool is_our_shortage(const struct outbound_call *call, CURLcode result)
{
	if (result == CURLE_OUT_OF_MEMORY)
		return !call->is_connected;
	if (result == CURLE_COULDNT_RESOLVE_HOST)
		return lacks_descriptors();
	return result == CURLE_COULDNT_CONNECT && call->is_starved;
}

static enum answer_fault fault_of(const struct outbound_call *call, CURLcode result)
{
	if (result == CURLE_OK)
		return ANSWER_OK;
	if (call->is_refused)
		return ANSWER_REFUSED;
	if (call->is_too_large)
		return ANSWER_TOO_LARGE;
	if (is_our_shortage(call, result)) {
		metric_add(call->outbound->shortages, 1);
		return ANSWER_CANCELLED;
	}
	return outbound_fault(result, call->trouble);
}

/* A constant for the owner, or NULL when the fault says all we know. */
static const char *explain(const struct outbound_call *call, enum answer_fault fault)
{
	if (is_interim(call->status) && call->status != 100 && call->status != 103)
		return "the destination answered with a 1xx status that nothing was asked for";
	return fault == ANSWER_TLS ? outbound_explain_tls(call->easy, call->trouble) : NULL;
}

static void free_call(struct outbound_call *call)
{
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	outgoing_done(&call->request);
	buf_done(&call->head);
	buf_done(&call->body);
	free(call);
}

static void on_curl_closed(void *owner)
{
	struct outbound *outbound = owner;
	void (*on_closed)(void *) = outbound->on_closed;
	void *closed_owner = outbound->owner;

	free(outbound->user_agent);
	free(outbound->ca_file);
	free(outbound);
	curl_global_cleanup();
	if (on_closed)
		on_closed(closed_owner);
}

static void close_when_empty(struct outbound *outbound)
{
	if (outbound->closing && list_is_empty(&outbound->calls))
		curl_loop_close(&outbound->curl, on_curl_closed);
}

static void on_call_closed(uv_handle_t *handle)
{
	struct outbound_call *call = handle->data;
	struct outbound *outbound = call->outbound;

	list_remove(&call->link);
	free_call(call);
	close_when_empty(outbound);
}

/* The easy handle has left the multi handle. */
static void finish_call(struct outbound_call *call, enum answer_fault fault)
{
	struct answer answer = {
		.fault = fault,
		.body = buf_str(&call->body),
		.headers = buf_str(&call->head),
		.duration_us = clock_mono_us() - call->started_us,
	};

	call->is_finished = true;
	/* An answer that began counts, however it ended: its status said what became of the request. */
	if (fault != ANSWER_REFUSED && fault != ANSWER_CANCELLED && !is_interim(call->status))
		answer.status = call->status;
	if (fault == ANSWER_OK && answer.status == 0)
		answer.fault = ANSWER_BROKEN;
	answer.why = explain(call, answer.fault);
	call->on_done(&answer, call->owner);
	uv_close((uv_handle_t *)&call->deadline, on_call_closed);
}

static void on_transfer_done(CURL *easy, CURLcode result, void *owner)
{
	struct outbound_call *call = NULL;

	(void)owner;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
	finish_call(call, call->is_cancelled ? ANSWER_CANCELLED : fault_of(call, result));
}

static void on_deadline(uv_timer_t *timer);

/* The deadline, or sooner when the call may need a nudge. */
static void set_deadline(struct outbound_call *call)
{
	uint64_t now_ms = uv_now(call->outbound->curl.loop);
	uint64_t next_ms = call->nudge_ms > now_ms ? call->nudge_ms : now_ms + NUDGE_MS;

	if (call->is_connected || next_ms > call->end_ms)
		next_ms = call->end_ms;
	uv_timer_start(&call->deadline, on_deadline, next_ms > now_ms ? next_ms - now_ms : 0, 0);
}

/* When an address has used up its time, libcurl 7.88 gives it up but opens a socket to the next one only
 * when the transfer is looked at again, and by itself that is when the time of this one, too, is over.
 * A pause that ends at once has the transfer looked at. */
static void nudge(struct outbound_call *call)
{
	if (!call->is_connected) {
		curl_easy_pause(call->easy, CURLPAUSE_SEND);
		curl_easy_pause(call->easy, CURLPAUSE_CONT);
	}
	set_deadline(call);
}

static void on_deadline(uv_timer_t *timer)
{
	struct outbound_call *call = timer->data;

	if (!call->is_cancelled && uv_now(timer->loop) < call->end_ms) {
		nudge(call);
		return;
	}
	curl_multi_remove_handle(call->outbound->curl.multi, call->easy);
	finish_call(call, call->is_cancelled ? ANSWER_CANCELLED : ANSWER_TIMEOUT);
}

void outbound_cancel(struct outbound_call *call)
{
	if (call->is_finished)
		return;
	call->is_cancelled = true;
	uv_timer_start(&call->deadline, on_deadline, 0, 0);
}

/* ---- the start of a call ----------------------------------------------------------------- */

static int add_header(struct outbound_call *call, const char *line)
{
	struct curl_slist *longer = line ? curl_slist_append(call->headers, line) : NULL;

	if (!longer)
		return -ENOMEM;
	call->headers = longer;
	return 0;
}

static int set_headers(struct outbound_call *call)
{
	/* An empty value removes what libcurl would send by itself. */
	int rc = add_header(call, "Expect:");

	for (size_t i = 0; rc == 0 && i < call->request.header_count; i++)
		rc = add_header(call, buf_text(&call->request.headers[i]));
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
	return rc;
}

static void set_method(struct outbound_call *call)
{
	struct outgoing *request = &call->request;
	const char *method = request->method ? request->method : "POST";

	if (strcmp(method, "GET") == 0) {
		curl_easy_setopt(call->easy, CURLOPT_HTTPGET, 1L);
		return;
	}
	curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
	curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS,
			 request->body.bytes ? request->body.bytes : "");
	if (strcmp(method, "POST") != 0)
		curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, method);
}

/* What holds for every request, whoever built it. */
static void set_policy(struct outbound_call *call)
{
	const struct outbound *outbound = call->outbound;
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, outbound->user_agent);
	if (outbound->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, outbound->ca_file);
	/* With a folder of issuers beside the file libcurl reads all of them for every handshake, ten
	 * milliseconds of the loop and more; the file alone is read once in an hour. */
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 3600L);
	/* A connection kept is no new name to look up, and a new one must not go by an old
	 * address; libcurl would also look through all it remembers after each request. */
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	/* Without this, removing a handle whose name is still being resolved would wait for
	 * the resolver's thread, and the loop with it. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}

/* libcurl gives the first of several addresses half of the time it has for connecting, the next half of what
 * is left; by itself it takes five minutes for that, far more than any request has. Of the time of a
 * request a quarter is left for its answer. */
static void limit_connecting(struct outbound_call *call, unsigned timeout_ms)
{
	uint64_t now_ms = uv_now(call->outbound->curl.loop);
	unsigned connect_ms = timeout_ms < 4 ? 1 : timeout_ms / 4 * 3;

	curl_easy_setopt(call->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
	call->nudge_ms = now_ms + connect_ms / 2;
	call->end_ms = now_ms + timeout_ms;
}

static void set_callbacks(struct outbound_call *call)
{
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->trouble);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
}

static int set_up(struct outbound_call *call)
{
	int rc = outgoing_error(&call->request);

	if (rc < 0)
		return rc == -ENOMEM ? -ENOMEM : -EINVAL;
	call->easy = curl_easy_init();
	if (!call->easy)
		return -ENOMEM;
	set_policy(call);
	set_callbacks(call);
	set_method(call);
	if (curl_easy_setopt(call->easy, CURLOPT_URL, buf_text(&call->request.url)) != CURLE_OK)
		return -ENOMEM;
	return set_headers(call);
}

static struct outbound_call *new_call(struct outbound *outbound, struct outgoing *request)
{
	struct outbound_call *call = calloc(1, sizeof(*call));

	if (!call) {
		outgoing_done(request);
		outgoing_init(request);
		return NULL;
	}
	call->outbound = outbound;
	list_init(&call->link);
	buf_init(&call->head, HEAD_MAX_BYTES);
	buf_init(&call->body, ANSWER_MAX_BODY);
	call->request = *request;
	outgoing_init(request);
	return call;
}

int outbound_send(struct outbound *outbound, struct outgoing *request, unsigned timeout_ms,
		  outbound_guard_fn allow, const void *guard, outbound_done_fn on_done, void *owner,
		  struct outbound_call **out)
{
	struct outbound_call *call;
	int rc;

	assert(!outbound->closing && allow && on_done);
	call = new_call(outbound, request);
	if (!call)
		return -ENOMEM;
	call->allow = allow;
	call->guard = guard;
	call->on_done = on_done;
	call->owner = owner;
	call->started_us = clock_mono_us();
	rc = set_up(call);
	if (rc == 0)
		limit_connecting(call, timeout_ms);
	if (rc == 0 && curl_multi_add_handle(outbound->curl.multi, call->easy) != CURLM_OK)
		rc = -ENOMEM;
	if (rc < 0) {
		free_call(call);
		return rc;
	}
	uv_timer_init(outbound->curl.loop, &call->deadline);
	call->deadline.data = call;
	set_deadline(call);
	list_add_tail(&outbound->calls, &call->link);
	*out = call;
	return 0;
}

/* ---- the whole --------------------------------------------------------------------------- */

static int copy_options(struct outbound *outbound, const struct outbound_options *options)
{
	outbound->user_agent = strdup(options->user_agent ? options->user_agent : "");
	if (options->ca_file)
		outbound->ca_file = strdup(options->ca_file);
	if (!outbound->user_agent || (options->ca_file && !outbound->ca_file))
		return -ENOMEM;
	return curl_loop_init(&outbound->curl, options->loop, on_transfer_done, outbound);
}

/* With CURLOPT_NOSIGNAL libcurl leaves SIGPIPE to us, and a TLS peer that has gone raises it. */
static void ignore_sigpipe(void)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGPIPE, &ignore, NULL);
}

int outbound_open(const struct outbound_options *options, struct outbound **out)
{
	struct outbound *outbound = calloc(1, sizeof(*outbound));

	if (!outbound)
		return -ENOMEM;
	ignore_sigpipe();
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(outbound);
		return -ENOMEM;
	}
	list_init(&outbound->calls);
	outbound->shortages =
		metric_counter("wrenn_events_outbound_shortages_total", NULL,
			       "Requests put off because we had no descriptor or memory for them");
	if (copy_options(outbound, options) < 0) {
		free(outbound->user_agent);
		free(outbound->ca_file);
		free(outbound);
		curl_global_cleanup();
		return -ENOMEM;
	}
	curl_multi_setopt(outbound->curl.multi, CURLMOPT_MAXCONNECTS,
			  (long)options->max_connections);
	*out = outbound;
	return 0;
}

void outbound_close(struct outbound *outbound, void (*on_closed)(void *owner), void *owner)
{
	if (!outbound)
		return;
	assert(!outbound->closing);
	outbound->closing = true;
	outbound->on_closed = on_closed;
	outbound->owner = owner;
	LIST_EACH (link, &outbound->calls)
		outbound_cancel(list_item(link, struct outbound_call, link));
	close_when_empty(outbound);
}
