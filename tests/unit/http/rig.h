/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A real server on loopback with a few routes, and raw client sockets, all on one loop in one
 * thread. Waiting means turning the loop until a condition holds; a test that waits too long fails.
 */
#ifndef TESTS_UNIT_HTTP_RIG_H
#define TESTS_UNIT_HTTP_RIG_H

#include <criterion/criterion.h>
#include <uv.h>

#include "core/buf.h"
#include "http/http.h"

#define RIG_PENDING  8
#define RIG_BIG_BODY (16 * 1024 * 1024)

enum rig_auth { AUTH_ALLOWS, AUTH_REFUSES, AUTH_WAITS };

struct connection;

struct rig {
	uv_loop_t loop;
	uv_timer_t tick; /* ends a turn when only a client has an event */
	struct http_server *server;
	int server_closed;

	enum rig_auth auth;
	struct http_request *unauthenticated;

	/* GET /later leaves its requests here. */
	struct http_request *pending[RIG_PENDING];
	int pending_count;
	int aborts;
	bool answer_on_abort;

	/* GET /stream */
	struct http_stream *stream;
	int stream_rc;
	int writables;
	int streams_closed;
	bool closed_before_the_end; /* on_closed ran before the memory was due to go */
	struct str endless;         /* written again from on_writable */

	struct buf big;
	int calls; /* of any handler */
};

/* Listens on a free port of 127.0.0.1 with the routes below; options' zeroes get defaults. */
void rig_open(struct rig *rig, struct http_options options);

/* Closes the server, waits for it, and checks that the loop is empty. */
void rig_close(struct rig *rig);

/* One turn of the loop; fails the test after a minute of turns. */
void rig_turn(struct rig *rig);

#define RIG_UNTIL(rig, condition)        \
	do {                             \
		while (!(condition))     \
			rig_turn((rig)); \
	} while (0)

/* The connection of the open stream, which starts with it. */
const struct connection *rig_connection(const struct rig *rig);

struct client {
	int fd;
	struct buf in;
	bool ended; /* the server closed or reset the connection */
	bool reset;
};

/* One answer. The text lives in `bytes` until reply_done(). */
struct reply {
	int status;
	struct buf bytes;
	struct str head;
	struct str body;
};

void client_open(struct client *client, struct rig *rig);
void client_close(struct client *client);
void client_send(struct client *client, struct str text);
void client_send_text(struct client *client, const char *text);
/* Reads the bytes that have arrived. */
void client_pump(struct client *client);
bool client_has(struct client *client, const char *text);
bool client_has_ended(struct client *client);

/* Waits for one whole answer with a Content-Length; `bodyless`: without the body. */
struct reply client_reply(struct client *client, struct rig *rig, bool bodyless);
void reply_done(struct reply *reply);
/* The field's value, or the empty slice with at == NULL. */
struct str reply_field(const struct reply *reply, const char *name);

/* Sends a request and checks status and body of the answer; body NULL: any. */
void client_expect(struct client *client, struct rig *rig, const char *request, int status,
		   const char *body);

#endif
