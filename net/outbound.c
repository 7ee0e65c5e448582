/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Outgoing HTTP: one libcurl easy handle per call, on a shared multi handle. A handle whose request
 * was answered serves later calls.
 *
 * Happy path: outbound_send() sets up the call's easy handle and adds it, the loop drives it, the
 * answer is collected, the owner gets it, and the call is freed when its timer has closed.
 * Failure: every end has one name of enum answer_fault. The deadline is a timer of ours; a
 * cancelled call ends by it on the next loop turn. We search libcurl's error texts for what OpenSSL
 * said, but never show them, because they may hold a URL.
 */
#include "net/outbound.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/list.h"
#include "core/metrics.h"
#include "net/curl_loop.h"
#include "net/outbound_answer.h"
#include "net/outbound_fault.h"
#include "net/outbound_request.h"
#include "net/outbound_shortage.h"

#define NUDGE_MS 250
#define IDLE_MAX 64 /* easy handles for later calls */

struct outbound {
	struct curl_loop curl;
	struct list calls;
	CURL *idle[IDLE_MAX];
	size_t idle_count;
	struct metric *shortages;
	char *user_agent;
	char *ca_file;
	int64_t trusts_since_ms; /* certificates that were read earlier are read again */
	unsigned ca_changes;     /* changes of ca_file, to notice easy handles with the old one */
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
	struct outbound_guard guard;
	struct outbound_answer answer;
	outbound_done_fn on_done;
	void *owner;
	int64_t started_us;
	uint64_t end_ms;               /* on the loop's clock */
	uint64_t nudge_ms;             /* when to nudge libcurl next, until it is connected */
	char trouble[CURL_ERROR_SIZE]; /* libcurl's words: searched, never shown */
	bool is_cancelled;
	bool is_answered;    /* its easy handle can be used again */
	unsigned ca_changes; /* when it began */
	bool is_finished;    /* on_done has been called or is being called */
};

/* ---- easy handles ------------------------------------------------------------------------ */

static CURL *take_easy(struct outbound *outbound)
{
	CURL *easy;

	if (outbound->idle_count > 0)
		return outbound->idle[--outbound->idle_count];
	easy = curl_easy_init();
	if (easy)
		outbound_request_set_policy(easy, outbound->user_agent, outbound->ca_file);
	return easy;
}

/* A transfer that failed may leave a resolver's thread or half an answer in its handle. */
static void give_back_easy(struct outbound_call *call)
{
	struct outbound *outbound = call->outbound;

	if (!call->is_answered || outbound->closing || outbound->idle_count == IDLE_MAX ||
	    call->ca_changes != outbound->ca_changes) {
		curl_easy_cleanup(call->easy);
		return;
	}
	outbound_request_unset(call->easy);
	outbound->idle[outbound->idle_count++] = call->easy;
}

static void drop_idle(struct outbound *outbound)
{
	while (outbound->idle_count > 0)
		curl_easy_cleanup(outbound->idle[--outbound->idle_count]);
}

/* ---- the end of a call ------------------------------------------------------------------- */

static enum answer_fault fault_of(const struct outbound_call *call, CURLcode result)
{
	if (result == CURLE_OK)
		return ANSWER_OK;
	if (call->guard.is_refused)
		return ANSWER_REFUSED;
	if (call->answer.is_too_large)
		return ANSWER_TOO_LARGE;
	if (outbound_is_our_shortage(result, &call->guard)) {
		metric_add(call->outbound->shortages, 1);
		return ANSWER_CANCELLED;
	}
	return outbound_fault(result, call->trouble);
}

/* A constant for the owner, or NULL when there is nothing to add to the fault. */
static const char *explain(const struct outbound_call *call, enum answer_fault fault)
{
	if (outbound_answer_is_unasked(&call->answer))
		return "the destination answered with a 1xx status that nothing was asked for";
	return fault == ANSWER_TLS ? outbound_explain_tls(call->easy, call->trouble) : NULL;
}

static void free_call(struct outbound_call *call)
{
	give_back_easy(call);
	curl_slist_free_all(call->headers);
	outgoing_done(&call->request);
	outbound_answer_done(&call->answer);
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

/* The caller has removed the easy handle from the multi handle. */
static void finish_call(struct outbound_call *call, enum answer_fault fault)
{
	struct answer answer = {
		.fault = fault,
		.body = buf_str(&call->answer.body),
		.headers = buf_str(&call->answer.head),
		.duration_us = clock_mono_us() - call->started_us,
	};

	call->is_finished = true;
	/* The status of an incomplete answer counts, too: it shows whether the destination accepted
	 * the request. */
	if (fault != ANSWER_REFUSED && fault != ANSWER_CANCELLED &&
	    !outbound_answer_is_interim(&call->answer))
		answer.status = call->answer.status;
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
	call->is_answered = result == CURLE_OK;
	finish_call(call, call->is_cancelled ? ANSWER_CANCELLED : fault_of(call, result));
}

static void on_deadline(uv_timer_t *timer);

/* The deadline, or sooner when the call may need a nudge. */
static void set_deadline(struct outbound_call *call)
{
	uint64_t now_ms = uv_now(call->outbound->curl.loop);
	uint64_t next_ms = call->nudge_ms > now_ms ? call->nudge_ms : now_ms + NUDGE_MS;

	if (call->guard.is_connected || next_ms > call->end_ms)
		next_ms = call->end_ms;
	uv_timer_start(&call->deadline, on_deadline, next_ms > now_ms ? next_ms - now_ms : 0, 0);
}

/* libcurl 7.88 gives up an address whose time is over, but connects to the next one only when it
 * looks at the transfer again. By itself it does so only after the next one's time is over, too. A
 * pause that ends at once makes it look. */
static void nudge(struct outbound_call *call)
{
	if (!call->guard.is_connected) {
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

/* libcurl gives the first of several addresses half of its time for connecting, and the next half
 * of the rest. Its default of five minutes exceeds the time of any request. We leave a quarter of
 * that time for the answer. */
static void limit_connecting(struct outbound_call *call, unsigned timeout_ms)
{
	uint64_t now_ms = uv_now(call->outbound->curl.loop);
	unsigned connect_ms = timeout_ms < 4 ? 1 : timeout_ms / 4 * 3;

	curl_easy_setopt(call->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
	call->nudge_ms = now_ms + connect_ms / 2;
	call->end_ms = now_ms + timeout_ms;
}

static int set_up(struct outbound_call *call)
{
	const struct outbound *outbound = call->outbound;

	call->easy = take_easy(call->outbound);
	if (!call->easy)
		return -ENOMEM;
	curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, call->trouble);
	outbound_request_set_trust(call->easy, clock_mono_ms() - outbound->trusts_since_ms);
	outbound_guard_watch(&call->guard, call->easy);
	outbound_answer_collect(&call->answer, call->easy);
	return outbound_request_set(call->easy, &call->request, &call->headers);
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
	call->ca_changes = outbound->ca_changes;
	list_init(&call->link);
	outbound_answer_init(&call->answer);
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
	call->guard = (struct outbound_guard){ .allow = allow, .argument = guard };
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

/* ---- opening and closing ----------------------------------------------------------------- */

static int copy_options(struct outbound *outbound, const struct outbound_options *options)
{
	outbound->user_agent = strdup(options->user_agent ? options->user_agent : "");
	if (options->ca_file)
		outbound->ca_file = strdup(options->ca_file);
	if (!outbound->user_agent || (options->ca_file && !outbound->ca_file))
		return -ENOMEM;
	return curl_loop_init(&outbound->curl, options->loop, on_transfer_done, outbound);
}

int outbound_set_ca_file(struct outbound *outbound, const char *ca_file)
{
	char *copy = ca_file ? strdup(ca_file) : NULL;

	if (ca_file && !copy)
		return -ENOMEM;
	free(outbound->ca_file);
	outbound->ca_file = copy;
	outbound->trusts_since_ms = clock_mono_ms();
	outbound->ca_changes++;
	drop_idle(outbound);
	return 0;
}

/* With CURLOPT_NOSIGNAL libcurl leaves SIGPIPE to us, and a TLS peer that is gone raises it. */
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
	if (!outbound) {
		if (on_closed)
			on_closed(owner);
		return;
	}
	assert(!outbound->closing);
	outbound->closing = true;
	outbound->on_closed = on_closed;
	outbound->owner = owner;
	drop_idle(outbound);
	LIST_EACH (link, &outbound->calls)
		outbound_cancel(list_item(link, struct outbound_call, link));
	close_when_empty(outbound);
}
