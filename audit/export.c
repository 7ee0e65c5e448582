/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Happy path: a job reads one page while the request is still open. Then the answer becomes a
 * stream: each page is one chunk, and the next page is read only when the client has taken the
 * last one. So an export needs the memory of one page, however long the trail is.
 *
 * A verifiable export (proof_page.h) starts with a job that makes the checkpoint it ends with.
 *
 * Failure: before the first byte the answer is an error like any other. After it the stream ends
 * without its last chunk, so the client sees that it is not whole. Every row carries the cursor to
 * continue from: its time with six digits, and its id; in a verifiable export, its index.
 */
#include "audit/export.h"

#include <errno.h>
#include <stdio.h>
#include <sys/uio.h>

#include "audit/csv.h"
#include "audit/ocsf.h"
#include "audit/page.h"
#include "audit/proof_page.h"
#include "core/clock.h"
#include "core/errno_text.h"
#include "core/list.h"
#include "core/log.h"
#include "core/uuid.h"

#define MAX_EXPORTS      16 /* per worker; each holds a page in memory */
#define MAX_TEAM_EXPORTS 2
/* A client that reads slowly must not keep its slot for ever, nor may a revoked credential. */
#define MAX_MINUTES 30
/* The size of a chunk in a fixed width, so that it can be filled in after the rows. */
#define FRAME      "00000000\r\n"
#define FRAME_LEN  (sizeof(FRAME) - 1)
#define LAST_CHUNK "0\r\n\r\n"

/* What `format` may be. */
struct format {
	const char *name;
	struct str content_type;
	struct str disposition;
	const char *head; /* before the first row */
	/* NULL: the export is verifiable. */
	void (*add_row)(struct page *page, const struct db_row *row);
};

struct export
{
	struct api_call call; /* its request is gone once there is a stream */
	struct list slot;
	int64_t started_ms;
	struct page page;
	struct proof_page proof;
	struct audit_checkpoint checkpoint;
	char origin[NOTE_MAX_NAME + ID_TEXT_SIZE + 8];
	const struct audit_signer *signer;
	struct outlet *outlet;
	struct http_stream *stream;
	size_t sent;
	const struct format *format;
	bool has_from;
	bool is_chunked;
	bool is_reading; /* the job runs */
	bool is_closed;
};

/* Per process, which has one loop. The last job of an export may outlive the endpoints. */
static struct list exports = { &exports, &exports };

static void end_export(struct api_call *call)
{
	struct export *export = container_of(call, struct export, call);

	page_done(&export->page);
	proof_page_done(&export->proof);
	list_remove(&export->slot);
}

/* A client that has received the last byte may ask again at once, so its slot must be free. */
static void close_export(struct export *export)
{
	list_remove(&export->slot);
	http_stream_close(export->stream, false); /* a complete answer has its last chunk already */
}

static void break_off(struct export *export, const char *error)
{
	log_warn("an export of the audit trail was cut off", log_str("error", error));
	close_export(export);
}

/* ---- sending ------------------------------------------------------------------------------- */

static void read_next(struct export *export)
{
	struct paging *paging = &export->page.query.paging;
	int rc;

	paging->before_us = export->page.last_us;
	paging->before_id = export->page.last_id;
	export->page.head = "";
	proof_page_advance(&export->proof);
	export->is_reading = true;
	rc = store_read_for_request(export->call.api.store, &export->call.job);
	if (rc < 0) {
		export->is_reading = false;
		close_export(export);
	}
}

static void send_page(struct export *export)
{
	const struct buf *page = &export->page.json;
	size_t left = page->len - export->sent;
	struct iovec piece = { .iov_base = page->bytes + export->sent, .iov_len = left };
	ssize_t taken;

	if (clock_mono_ms() - export->started_ms > MAX_MINUTES * 60000) {
		break_off(export, "it took too long");
		return;
	}
	taken = left ? http_stream_write(export->stream, &piece, 1) : 0;
	if (taken < 0) {
		close_export(export);
		return;
	}
	export->sent += (size_t)taken;
	if (export->sent < page->len)
		return; /* until on_writable */
	if (export->page.has_more)
		read_next(export);
	else
		close_export(export);
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
	struct export *export = container_of(job, struct export, call.job);

	return export->format->add_row ? page_read(db, &export->page)
				       : proof_page_read(db, &export->proof);
}

/* False when the client is gone, or sent HEAD. The request is over in either case. */
static bool open_stream(struct export *export)
{
	static const struct http_stream_events events = { on_writable, on_closed };
	struct http_request *request = export->call.request;

	export->is_chunked = http_request_takes_chunks(request);
	http_respond_header(request, "Content-Type", export->format->content_type);
	http_respond_header(request, "Content-Disposition", export->format->disposition);
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
		break_off(export, errno_text(rc));
		return;
	}
	frame_page(export);
	send_page(export);
}

/* ---- the checkpoint ------------------------------------------------------------------------- */

static int run_checkpoint(struct db *db, struct store_job *job)
{
	struct export *export = container_of(job, struct export, call.job);
	char team[ID_TEXT_SIZE];
	struct note_key key;
	int rc = audit_signer_public(db, export->signer, &key);

	if (rc < 0)
		return rc;
	id_format(ID_TEAM, &export->page.team, team);
	snprintf(export->origin, sizeof(export->origin), "%s/audit/%s", key.name, team);
	return audit_checkpoint_make(db, export->signer, &key, &export->page.team,
				     export->call.now_us, &export->checkpoint);
}

static int start_proof(struct export *export)
{
	struct proof_page *proof = &export->proof;

	proof->page = &export->page;
	proof->tree = export->checkpoint.tree;
	proof->size = (uint64_t) export->checkpoint.size;
	proof->note = export->checkpoint.note;
	proof->origin = export->origin;
	return proof_page_init(proof);
}

static void on_checkpoint(struct store_job *job, int rc)
{
	struct export *export = container_of(job, struct export, call.job);

	if (rc == 0 && export->checkpoint.is_new && export->outlet)
		outlet_publish(export->outlet, &export->checkpoint);
	if (rc == 0)
		rc = start_proof(export);
	if (rc < 0) {
		api_call_fail(&export->call, rc);
		return;
	}
	export->is_reading = true;
	export->call.job.run = run_page;
	export->call.job.on_done = on_page;
	api_call_submit(&export->call, store_read_for_request);
}

void export_forget_outlet(void)
{
	LIST_EACH (link, &exports)
		list_item(link, struct export, slot)->outlet = NULL;
}

/* ---- the request --------------------------------------------------------------------------- */

static const struct format formats[] = {
	{ "csv", STR("text/csv; charset=utf-8; header=present"),
	  STR("attachment; filename=\"audit-log.csv\""), csv_header, csv_add_row },
	{ "jsonl", STR("application/x-ndjson"), STR("attachment; filename=\"audit-log.jsonl\""), "",
	  NULL },
	{ "ocsf", STR("application/x-ndjson"), STR("attachment; filename=\"audit-log.ocsf.jsonl\""),
	  "", ocsf_add_row },
};

static const char formats_known[] = "format must be csv, jsonl or ocsf";

static int read_from(struct export *export, struct str value, struct reason *why)
{
	unsigned long long from;
	int rc = parameter_once(&export->has_from, "from", why);

	if (rc == 0 && (!str_to_u64(value, &from) || from > MERKLE_MAX_SIZE))
		rc = reason_set(why, -EINVAL, "from", "from must be the index of a row");
	if (rc == 0)
		export->proof.from = from;
	return rc;
}

static int read_pair(struct str name, struct str value, void *arg, struct reason *why)
{
	struct export *export = arg;
	bool has_format = export->format;
	int rc;

	if (str_is(name, "from"))
		return read_from(export, value, why);
	if (!str_is(name, "format"))
		return 0;
	rc = parameter_once(&has_format, "format", why);
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (str_is(value, formats[i].name))
			export->format = &formats[i];
	}
	if (rc == 0 && !export->format)
		rc = reason_set(why, -EINVAL, "format", formats_known);
	return rc;
}

/* Each kind of export continues by its own cursor. */
static int check_cursor(const struct export *export, struct reason *why)
{
	if (export->format->add_row && export->has_from)
		return reason_set(why, -EINVAL, "from", "from works only with format=jsonl");
	if (!export->format->add_row && export->page.query.paging.has_before)
		return reason_set(why, -EINVAL, "before",
				  "format=jsonl is ordered by index: continue with from");
	return 0;
}

static int read_query(struct export *export, struct str query, struct reason *why)
{
	int rc = http_query_each(query, read_pair, export, why);

	if (rc < 0)
		return rc;
	if (!export->format)
		return reason_set(why, -EINVAL, "format", formats_known);
	rc = page_query_parse(query, &export->page.query, why);
	if (rc == 0)
		rc = check_cursor(export, why);
	if (rc < 0)
		return rc;
	export->page.query.paging.limit = PAGING_MAX_ROWS;
	export->page.add_row = export->format->add_row;
	export->page.begin = FRAME;
	export->page.head = export->format->head;
	return 0;
}

/* The reason why this team may not start an export, or NULL. */
static const char *find_refusal(const struct uuid *team)
{
	unsigned of_all = 0;
	unsigned of_team = 0;

	LIST_EACH (link, &exports) {
		of_all++;
		of_team += uuid_eq(&list_item(link, struct export, slot)->page.team, team);
	}
	if (of_team >= MAX_TEAM_EXPORTS)
		return "two exports of this team are running; try again when one has ended";
	return of_all >= MAX_EXPORTS ? "too many exports are running; try again later" : NULL;
}

/* The first job: a checkpoint for a verifiable export, the first page for others. */
static void submit(struct export *export)
{
	struct api_call *call = &export->call;

	if (!export->format->add_row && !export->signer) {
		api_call_refuse_text(call, HTTP_INVALID_STATE, "format",
				     "this installation signs no checkpoints, so it cannot prove "
				     "the audit trail: use format=csv or ocsf, or set "
				     "WRENN_EVENTS_AUDIT_KEY_FILE");
		return;
	}
	if (!export->format->add_row) {
		call->job.run = run_checkpoint;
		call->job.on_done = on_checkpoint;
		api_call_submit(call, store_write);
		return;
	}
	export->is_reading = true;
	call->job.run = run_page;
	call->job.on_done = on_page;
	api_call_submit(call, store_read_for_request);
}

void export_start(const struct api *api, struct http_request *request,
		  const struct export_options *options)
{
	struct reason why = { .text = "" };
	struct export *export;
	struct api_call *call;
	const char *refusal = find_refusal(&http_request_identity(request)->team);
	int rc;

	if (refusal) {
		http_respond_fault(request, HTTP_RATE_LIMITED, NULL, refusal);
		return;
	}
	call = api_call_new(api, request, sizeof(struct export));
	if (!call)
		return;
	export = container_of(call, struct export, call);
	list_add_tail(&exports, &export->slot);
	export->started_ms = clock_mono_ms();
	export->signer = options->signer;
	export->outlet = options->outlet;
	export->page.team = call->who.team;
	export->page.with_admin_rows = options->with_admin_rows;
	export->page.with_stored_words = options->with_stored_words;
	page_init(&export->page);
	call->done = end_export;
	rc = read_query(export, http_request_query(request), &why);
	if (rc < 0)
		api_call_refuse_input(call, rc, &why);
	else
		submit(export);
}
