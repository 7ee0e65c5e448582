/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Accepts connections, keeps their limit, and starts and ends the parts of a server.
 *
 * Happy path: every turn accepts the clients that wait, up to ACCEPTS_PER_TURN.
 * Failure: over the limit, clients get a 503. When the process or the machine has no socket left,
 * accepting pauses, and clients wait in the kernel's queue.
 */
#include "http/server.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/errno_text.h"
#include "core/log.h"
#include "http/connection.h"
#include "http/exchange.h"
#include "http/listen.h"
#include "http/server_state.h"

#define ACCEPTS_AT_END   16384 /* as many as the kernel's queue can hold */
#define ACCEPTS_PER_TURN 2048  /* clients come in crowds, and the kernel's queue is bounded */
#define ACCEPT_PAUSE_MS  100
/* A 503 costs a socket for a moment. This many clients may get one at a time; others are just
 * closed. */
#define MAX_REFUSED      64

#define HEAD_TIMEOUT_MS  10000
#define BODY_TIMEOUT_MS  30000
#define IDLE_TIMEOUT_MS  75000
#define WRITE_TIMEOUT_MS 20000
#define LINGER_MS        2000
#define SOON_MS          1

/* A client may vanish without a FIN. Probe it after a minute of silence, then give up soon. */
#define KEEPALIVE_IDLE_S     60
#define KEEPALIVE_INTERVAL_S 10
#define KEEPALIVE_PROBES     3

/* ---- listening --------------------------------------------------------------------------- */

/* Accepted sockets inherit these. They end connections to vanished clients, whether or not bytes of
 * ours are on their way. */
static void set_limits(int fd, unsigned write_timeout_ms)
{
	const int on = 1;
	const int idle_s = KEEPALIVE_IDLE_S;
	const int interval_s = KEEPALIVE_INTERVAL_S;
	const int probes = KEEPALIVE_PROBES;

	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &write_timeout_ms,
			 sizeof(write_timeout_ms));
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage name = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(name);
	char port[8] = "0";

	if (getsockname(fd, (struct sockaddr *)&name, &len) < 0 ||
	    getnameinfo((struct sockaddr *)&name, len, NULL, 0, port, sizeof(port),
			NI_NUMERICSERV) != 0)
		return 0;
	return (uint16_t)strtoul(port, NULL, 10);
}

/* ---- accepting --------------------------------------------------------------------------- */

static void on_listener(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *timer)
{
	struct http_server *server = timer->data;

	if (server->listen_fd >= 0)
		uv_poll_start(&server->listener, UV_READABLE, on_listener);
}

static void pause_accepting(struct http_server *server, int error)
{
	metric_add(server->accept_faults, 1);
	log_warn("cannot accept connections; trying again soon",
		 log_str("error", errno_text(-error)), log_int("open", server->pool.count));
	uv_poll_stop(&server->listener);
	uv_timer_start(&server->pause, on_pause_over, ACCEPT_PAUSE_MS, 0);
}

static int room_of(const struct http_server *server)
{
	return (int)server->max_connections - (int)server->pool.open_count;
}

static void take_socket(struct http_server *server, int fd)
{
	int room = room_of(server);

	if (room <= 0)
		metric_add(server->refused, 1);
	if (room > -MAX_REFUSED)
		exchange_open(&server->pool, fd, room <= 0);
	else
		close(fd);
}

static void accept_waiting(struct http_server *server, int most)
{
	for (int i = 0; i < most; i++) {
		int fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			take_socket(server, fd);
			continue;
		}
		if (errno == EAGAIN)
			return;
		/* Other errors belong to that connection alone (accept(2), "Error handling"). */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			pause_accepting(server, errno);
			return;
		}
	}
}

/* In a reconnect storm we may not have noticed the disconnects yet. Process pending events before
 * refusing anyone; new clients wait in the kernel's queue. */
static void accept_turn(struct http_server *server)
{
	int room;

	if (room_of(server) <= 0 && poller_take(&server->pool.poller))
		return;
	room = room_of(server);
	accept_waiting(server, room > 0 && room < ACCEPTS_PER_TURN ? room : ACCEPTS_PER_TURN);
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
	struct http_server *server = poll->data;

	(void)events;
	if (status < 0)
		pause_accepting(server, -status);
	else
		accept_turn(server);
}

/* ---- opening ----------------------------------------------------------------------------- */

static unsigned length_or(unsigned length_ms, unsigned otherwise_ms)
{
	return length_ms ? length_ms : otherwise_ms;
}

static void start_pool(struct http_server *server, const struct http_options *options)
{
	const unsigned lengths_ms[WAITS] = {
		[WAIT_HEAD] = length_or(options->head_timeout_ms, HEAD_TIMEOUT_MS),
		[WAIT_BODY] = length_or(options->body_timeout_ms, BODY_TIMEOUT_MS),
		[WAIT_IDLE] = length_or(options->idle_timeout_ms, IDLE_TIMEOUT_MS),
		[WAIT_WRITE] = length_or(options->write_timeout_ms, WRITE_TIMEOUT_MS),
		[WAIT_LINGER] = LINGER_MS,
		[WAIT_SOON] = SOON_MS,
	};

	server->pool.on_request = dispatch_request;
	server->pool.request_owner = &server->dispatch;
	pool_start(&server->pool, server->loop, lengths_ms, connection_on_due);
}

/* Steps that can fail come first: a started handle could only be closed on the loop. */
static int start(struct http_server *server, const struct http_options *options)
{
	int rc = pool_init(&server->pool, connection_on_ready);

	if (rc < 0)
		return rc;
	rc = uv_poll_init(server->loop, &server->listener, server->listen_fd);
	if (rc < 0) {
		pool_done(&server->pool);
		return rc;
	}
	start_pool(server, options);
	server->listener.data = server;
	uv_timer_init(server->loop, &server->pause);
	server->pause.data = server;
	server->open_handles = 3;
	rc = uv_poll_start(&server->listener, UV_READABLE, on_listener);
	assert(rc == 0); /* it fails only for bad handles */
	return 0;
}

static void register_metrics(struct http_server *server)
{
	server->refused = metric_counter("wrenn_events_http_refused_total", NULL,
					 "Connections refused over the limit");
	server->accept_faults = metric_counter("wrenn_events_http_accept_faults_total", NULL,
					       "Pauses of accepting because no socket was left");
}

int http_server_open(const struct http_options *options, struct http_server **out,
		     struct reason *why)
{
	struct http_server *server;
	int rc;

	if (options->max_connections == 0)
		return reason_set(why, -EINVAL, NULL, "max_connections must be at least 1");
	server = calloc(1, sizeof(*server));
	if (!server)
		return reason_set(why, -ENOMEM, NULL, "out of memory");
	server->loop = options->loop;
	server->max_connections = options->max_connections;
	server->is_kept = options->is_kept;
	server->dispatch.authenticate = options->authenticate;
	server->dispatch.authenticate_owner = options->authenticate_owner;
	server->dispatch.cors_origins = options->cors_origins;
	server->dispatch.unknown_path = options->unknown_path;
	register_metrics(server);
	rc = options->listener;
	if (rc == 0)
		rc = http_listen(options->host, options->port, false, why);
	if (rc < 0)
		goto fail;
	server->listen_fd = rc;
	set_limits(server->listen_fd, length_or(options->write_timeout_ms, WRITE_TIMEOUT_MS));
	server->port = port_of(server->listen_fd);
	rc = start(server, options);
	if (rc < 0) {
		if (server->listen_fd != options->listener)
			close(server->listen_fd);
		(void)reason_set(why, rc, NULL, "%s", errno_text(rc));
		goto fail;
	}
	*out = server;
	return 0;

fail:
	free(server);
	return rc;
}

int http_server_add_routes(struct http_server *server, const struct http_route *routes,
			   size_t count)
{
	return router_add(&server->dispatch.router, routes, count);
}

int http_server_add_streams(struct http_server *server, const struct http_route *routes,
			    size_t count)
{
	return router_add_streams(&server->dispatch.router, routes, count);
}

void http_server_set_limits(struct http_server *server, unsigned max_connections,
			    const char *cors_origins)
{
	server->max_connections = max_connections;
	server->dispatch.cors_origins = cors_origins;
}

uint16_t http_server_port(const struct http_server *server)
{
	return server->port;
}

/* ---- closing ------------------------------------------------------------------------------- */

static void drop_handle(struct http_server *server)
{
	if (--server->open_handles > 0 || !server->closing)
		return;
	if (server->on_closed)
		server->on_closed(server->owner);
	router_done(&server->dispatch.router);
	free(server);
}

static void on_handle_closed(uv_handle_t *handle)
{
	drop_handle(handle->data);
}

static void on_pool_closed(struct pool *pool)
{
	drop_handle(container_of(pool, struct http_server, pool));
}

void http_server_stop_listening(struct http_server *server)
{
	if (server->listen_fd < 0)
		return;
	/* Clients in the queue would be reset, even when another worker listens. A queue that is
	 * kept loses nobody, and its clients have more time there to send their request. */
	if (!server->is_kept)
		accept_waiting(server, ACCEPTS_AT_END);
	uv_close((uv_handle_t *)&server->listener, on_handle_closed);
	uv_close((uv_handle_t *)&server->pause, on_handle_closed);
	close(server->listen_fd);
	server->listen_fd = -1;
	server->pool.is_ending = true;
}

bool http_server_expects_requests(const struct http_server *server)
{
	LIST_EACH (link, &server->pool.connections)
		if (exchange_expects_request(list_item(link, struct connection, link)))
			return true;
	return false;
}

void http_server_close(struct http_server *server, void (*on_closed)(void *owner), void *owner)
{
	if (!server) {
		if (on_closed)
			on_closed(owner);
		return;
	}
	assert(!server->closing);
	server->closing = true;
	server->on_closed = on_closed;
	server->owner = owner;
	http_server_stop_listening(server);
	/* Connections leave the list in later callbacks, so the walk is safe. */
	LIST_EACH (link, &server->pool.connections)
		connection_lose(list_item(link, struct connection, link));
	pool_close(&server->pool, on_pool_closed);
}
