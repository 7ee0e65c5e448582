/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Happy path: a job reads one page while the request is still open. Then the answer becomes a
 * stream: each page is one chunk, and the next page is read only when the client has taken the
 * last one. So an export needs the memory of one page, however long the trail is.
 *
 * Failure: before the first byte the answer is an error like any other. After it the stream ends
 * without its last chunk, so the client sees that it is not whole. Every row carries the cursor to
 * go on from: its time with six digits, and its id.
 */
#include "audit/export.h"

#include <errno.h>
#include <stdio.h>
#include <sys/uio.h>

#include "audit/csv.h"
#include "audit/page.h"
#include "core/errno_text.h"
#include "core/log.h"

#define MAX_EXPORTS 16 /* of this worker; each holds a page */
/* The size of a chunk in a fixed width, so that it can be filled in after the rows. */
#define FRAME      "00000000\r\n"
#define FRAME_LEN  (sizeof(FRAME) - 1)
#define LAST_CHUNK "0\r\n\r\n"

struct export
{
	struct api_call call; /* its request is gone once there is a stream */
	struct page page;
	struct http_stream *stream;
	size_t sent;
	bool has_format;
	bool is_csv;
	bool is_chunked;
	bool is_reading; /* the job runs */
	bool is_closed;
};

/* Of this process, which has one loop. An export may outlive the endpoints by its last job. */
static unsigned exports;

static void end_export(struct api_call *call)
{
	page_done(&container_of(call, struct export, call)->page);
	exports--;
}

/* ---- sending ------------------------------------------------------------------------------- */

static void read_next(struct export *export)
{
	struct paging *paging = &export->page.query.paging;
	int rc;

	paging->before_us = export->page.last_us;
	paging->before_id = export->page.last_id;
	export->page.head = "";
	export->is_reading = true;
	rc = store_read_for_request(export->call.api.store, &export->call.job);
	if (rc < 0) {
		export->is_reading = false;
		http_stream_close(export->stream, false);
	}
}

static void send_page(struct export *export)
{
	const struct buf *page = &export->page.json;
	size_t left = page->len - export->sent;
	struct iovec piece = { .iov_base = page->bytes + export->sent, .iov_len = left };
	ssize_t taken = left ? http_stream_write(export->stream, &piece, 1) : 0;

	if (taken < 0) {
		http_stream_close(export->stream, false);
		return;
	}
	export->sent += (size_t)taken;
	if (export->sent < page->len)
		return; /* until on_writable */
	if (export->page.has_more)
		read_next(export);
	else
		http_stream_close(export->stream, false); /* the page had the last chunk */
}

/* A chunk without bytes ends the stream, so only the last page adds one: a slow client gets it with
 * the rows. Without chunks, the rows are sent as they are. */
static void frame_page(struct export *export)
{
	struct buf *page = &export->page.json;
	size_t len = page->len - FRAME_LEN;
	char size[32];

	export->sent = FRAME_LEN;
	if (!export->is_chunked)
		return;
	if (len > 0) {
		snprintf(size, sizeof(size), "%08zx\r\n", len);
		memcpy(page->bytes, size, FRAME_LEN);
		buf_add_text(page, "\r\n");
		export->sent = 0;
	}
	if (!export->page.has_more)
		buf_add_text(page, LAST_CHUNK);
}

static void on_writable(void *owner)
{
	send_page(owner);
}

static void on_closed(void *owner)
{
	struct export *export = owner;

	export->is_closed = true;
	if (!export->is_reading)
		api_call_free(&export->call);
}

/* ---- reading ------------------------------------------------------------------------------- */

static int run_page(struct db *db, struct store_job *job)
{
	return page_read(db, &container_of(job, struct export, call.job)->page);
}

/* False when the client has gone, or asked with HEAD. The request is dead in either case. */
static bool open_stream(struct export *export)
{
	static const struct http_stream_events events = { on_writable, on_closed };
	struct http_request *request = export->call.request;

	export->is_chunked = http_request_takes_chunks(request);
	http_respond_header(request, "Content-Type",
			    export->is_csv ? STR("text/csv; charset=utf-8; header=present")
					   : STR("application/x-ndjson"));
	http_respond_header(request, "Content-Disposition",
			    export->is_csv ? STR("attachment; filename=\"audit-log.csv\"")
					   : STR("attachment; filename=\"audit-log.jsonl\""));
	export->call.request = NULL;
	return http_stream_open(request, &events, export, STR(""), &export->stream) == 0;
}

static void on_page(struct store_job *job, int rc)
{
	struct export *export = container_of(job, struct export, call.job);

	export->is_reading = false;
	if (!export->stream && rc < 0) {
		api_call_fail(&export->call, rc);
		return;
	}
	if (export->is_closed || (!export->stream && !open_stream(export))) {
		api_call_free(&export->call);
		return;
	}
	if (rc < 0) {
		log_warn("an export of the audit trail broke off",
			 log_str("error", errno_text(rc)));
		http_stream_close(export->stream, false);
		return;
	}
	frame_page(export);
	send_page(export);
}

/* ---- the request --------------------------------------------------------------------------- */

static void add_line(struct page *page, const struct db_row *row)
{
	page_add_item(page, row, 6);
	buf_add_char(&page->json, '\n');
}

static int read_pair(struct str name, struct str value, void *arg, struct reason *why)
{
	struct export *export = arg;
	int rc;

	if (!str_is(name, "format"))
		return 0;
	rc = parameter_once(&export->has_format, "format", why);
	export->is_csv = str_is(value, "csv");
	if (rc == 0 && !export->is_csv && !str_is(value, "jsonl"))
		rc = reason_set(why, -EINVAL, "format", "format must be csv or jsonl");
	return rc;
}

static int read_query(struct export *export, struct str query, struct reason *why)
{
	int rc = http_query_each(query, read_pair, export, why);

	if (rc == 0 && !export->has_format)
		rc = reason_set(why, -EINVAL, "format", "format must be csv or jsonl");
	if (rc == 0)
		rc = page_query_parse(query, &export->page.query, why);
	export->page.query.paging.limit = PAGING_MAX_ROWS;
	export->page.add_row = export->is_csv ? csv_add_row : add_line;
	export->page.begin = FRAME;
	export->page.head = export->is_csv ? csv_header : "";
	return rc;
}

void export_start(const struct api *api, struct http_request *request, bool with_admin_rows,
		  bool with_stored_words)
{
	struct reason why = { .text = "" };
	struct export *export;
	struct api_call *call;
	int rc;

	if (exports >= MAX_EXPORTS) {
		http_respond_fault(request, HTTP_RATE_LIMITED, NULL,
				   "too many exports run already; try again later");
		return;
	}
	call = api_call_new(api, request, sizeof(struct export));
	if (!call)
		return;
	exports++;
	export = container_of(call, struct export, call);
	export->page.team = call->who.team;
	export->page.with_admin_rows = with_admin_rows;
	export->page.with_stored_words = with_stored_words;
	page_init(&export->page);
	call->done = end_export;
	call->job.run = run_page;
	call->job.on_done = on_page;
	rc = read_query(export, http_request_query(request), &why);
	if (rc < 0) {
		api_call_refuse_input(call, rc, &why);
		return;
	}
	export->is_reading = true;
	api_call_submit(call, store_read_for_request);
}
