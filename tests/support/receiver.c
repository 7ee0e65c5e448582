/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The test destination: one thread accepts, and one per connection reads and answers. One mutex
 * guards everything that threads share. Failures of the set-up abort.
 */
#include "tests/support/receiver.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/consume.h"

#define MAX_CONNECTIONS 512
#define MAX_REQUESTS    65536
#define MAX_REQUEST     (2 * 1024 * 1024)

struct peer {
	struct receiver *receiver;
	pthread_t thread;
	unsigned number;
	int fd;
	SSL *tls;
};

struct receiver {
	pthread_mutex_t mutex;
	pthread_t acceptor;
	int listener;
	int port;
	int wake[2]; /* the acceptor ends when this pipe closes */
	SSL_CTX *tls;
	receiver_fn answer;
	void *arg;
	unsigned peer_count;
	struct peer peers[MAX_CONNECTIONS];
	unsigned count;
	struct received *requests[MAX_REQUESTS];
};

static ssize_t peer_read(struct peer *peer, char *out, size_t n)
{
	return peer->tls ? SSL_read(peer->tls, out, (int)n) : recv(peer->fd, out, n, 0);
}

static bool peer_write(struct peer *peer, struct str bytes)
{
	while (bytes.len > 0) {
		ssize_t n = peer->tls ? SSL_write(peer->tls, bytes.at, (int)bytes.len)
				      : send(peer->fd, bytes.at, bytes.len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		bytes = str_from(bytes, (size_t)n);
	}
	return true;
}

struct str received_header(const struct received *request, const char *name)
{
	struct str rest = str_of(request->head);

	while (rest.at && rest.len) {
		struct str value = str_cut(&rest, '\n');
		struct str found = str_cut(&value, ':');

		if (str_eq_nocase(str_trim(found), str_of(name)))
			return str_trim(value);
	}
	return STR("");
}

static char *copy(const char *from, size_t n)
{
	char *text = malloc(n + 1);

	assert(text);
	memcpy(text, from, n);
	text[n] = '\0';
	return text;
}

/* Splits the head. Content-Length gives the length of the body. */
static struct received *parse_head(struct peer *peer, const struct buf *in, size_t head_len)
{
	struct received *request = calloc(1, sizeof(*request));
	struct str rest = { .at = in->bytes, .len = head_len };
	struct str line = str_cut(&rest, '\n');
	struct str method = str_cut(&line, ' ');
	struct str target = str_cut(&line, ' ');
	struct str length;
	unsigned long long body_len = 0;

	assert(request);
	request->connection = peer->number;
	request->method = copy(method.at, method.len);
	request->target = copy(target.at, target.len);
	request->head = copy(rest.at, rest.len);
	length = received_header(request, "Content-Length");
	if (length.len)
		assert(str_to_u64(length, &body_len) && body_len < MAX_REQUEST);
	request->body_len = (size_t)body_len;
	return request;
}

static void free_request(struct received *request)
{
	if (!request)
		return;
	free(request->method);
	free(request->target);
	free(request->head);
	free(request->body);
	free(request);
}

/* Returns the next complete request, or NULL after the peer has gone. */
static struct received *read_request(struct peer *peer, struct buf *in)
{
	struct received *request = NULL;
	size_t head_len = 0;

	for (;;) {
		char chunk[16384];
		const char *end = request ? NULL : memmem(buf_str(in).at, in->len, "\r\n\r\n", 4);
		ssize_t n;

		if (end) {
			head_len = (size_t)(end - in->bytes) + 4;
			request = parse_head(peer, in, head_len);
		}
		if (request && in->len >= head_len + request->body_len) {
			request->body = copy(in->bytes + head_len, request->body_len);
			buf_consume(in, head_len + request->body_len);
			return request;
		}
		n = peer_read(peer, chunk, sizeof(chunk));
		if (n <= 0) {
			free_request(request);
			return NULL;
		}
		buf_add(in, chunk, (size_t)n);
		assert(!in->err);
	}
}

/* Records the request and makes the answer. Returns false to close the connection. */
static bool answer_request(struct peer *peer, struct received *request)
{
	struct receiver *receiver = peer->receiver;
	enum receiver_reply reply = RECEIVER_ANSWER;
	bool goes_on;
	struct buf out;

	buf_init(&out, MAX_REQUEST);
	pthread_mutex_lock(&receiver->mutex);
	assert(receiver->count < MAX_REQUESTS);
	receiver->requests[receiver->count++] = request;
	if (receiver->answer)
		reply = receiver->answer(request, &out, receiver->arg);
	else
		receiver_answer(&out, 200, "", STR("ok"));
	pthread_mutex_unlock(&receiver->mutex);
	if (reply == RECEIVER_HOLD) {
		char byte;

		goes_on = peer_read(peer, &byte, 1) > 0; /* until either side closes */
	} else {
		goes_on = out.len > 0 && peer_write(peer, buf_str(&out)) && reply != RECEIVER_CLOSE;
	}
	buf_done(&out);
	return goes_on;
}

static void *serve_peer(void *arg)
{
	struct peer *peer = arg;
	struct received *request;
	struct buf in;

	buf_init(&in, MAX_REQUEST);
	if (!peer->tls || SSL_accept(peer->tls) == 1) {
		while ((request = read_request(peer, &in)) != NULL) {
			if (!answer_request(peer, request))
				break;
		}
	}
	buf_done(&in);
	SSL_free(peer->tls);
	shutdown(peer->fd, SHUT_RDWR); /* receiver_stop() may still use it, and closes it */
	return NULL;
}

static void accept_peer(struct receiver *receiver)
{
	int fd = accept(receiver->listener, NULL, NULL);
	struct peer *peer;

	if (fd < 0)
		return;
	pthread_mutex_lock(&receiver->mutex);
	assert(receiver->peer_count < MAX_CONNECTIONS);
	peer = &receiver->peers[receiver->peer_count++];
	peer->receiver = receiver;
	peer->number = receiver->peer_count;
	peer->fd = fd;
	if (receiver->tls) {
		peer->tls = SSL_new(receiver->tls);
		SSL_set_fd(peer->tls, fd);
	}
	assert(pthread_create(&peer->thread, NULL, serve_peer, peer) == 0);
	pthread_mutex_unlock(&receiver->mutex);
}

static void *accept_peers(void *arg)
{
	struct receiver *receiver = arg;
	struct pollfd fds[2] = { { .fd = receiver->listener, .events = POLLIN },
				 { .fd = receiver->wake[0], .events = POLLIN } };

	for (;;) {
		poll(fds, 2, -1);
		if (fds[1].revents)
			return NULL;
		if (fds[0].revents)
			accept_peer(receiver);
	}
}

void (*receiver_tune_tls)(SSL_CTX *context);

static SSL_CTX *open_tls(const char *certificate, const char *key)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	assert(tls);
	assert(SSL_CTX_use_certificate_chain_file(tls, certificate) == 1);
	assert(SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) == 1);
	if (receiver_tune_tls)
		receiver_tune_tls(tls);
	return tls;
}

struct receiver *receiver_start(receiver_fn answer, void *arg, const char *certificate,
				const char *key)
{
	struct receiver *receiver = calloc(1, sizeof(*receiver));
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	socklen_t len = sizeof(address);

	assert(receiver);
	sigaction(SIGPIPE, &ignore, NULL); /* OpenSSL writes without MSG_NOSIGNAL */
	pthread_mutex_init(&receiver->mutex, NULL);
	receiver->answer = answer;
	receiver->arg = arg;
	if (certificate)
		receiver->tls = open_tls(certificate, key);
	receiver->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(bind(receiver->listener, (struct sockaddr *)&address, sizeof(address)) == 0);
	assert(listen(receiver->listener, 1024) == 0);
	assert(getsockname(receiver->listener, (struct sockaddr *)&address, &len) == 0);
	receiver->port = ntohs(address.sin_port);
	assert(pipe(receiver->wake) == 0);
	assert(pthread_create(&receiver->acceptor, NULL, accept_peers, receiver) == 0);
	return receiver;
}

void receiver_stop(struct receiver *receiver)
{
	close(receiver->wake[1]);
	pthread_join(receiver->acceptor, NULL);
	close(receiver->wake[0]);
	close(receiver->listener);
	for (unsigned i = 0; i < receiver->peer_count; i++) {
		shutdown(receiver->peers[i].fd, SHUT_RDWR);
		pthread_join(receiver->peers[i].thread, NULL);
		close(receiver->peers[i].fd);
	}
	for (unsigned i = 0; i < receiver->count; i++)
		free_request(receiver->requests[i]);
	SSL_CTX_free(receiver->tls);
	pthread_mutex_destroy(&receiver->mutex);
	free(receiver);
}

int receiver_port(const struct receiver *receiver)
{
	return receiver->port;
}

unsigned receiver_count(struct receiver *receiver)
{
	unsigned count;

	pthread_mutex_lock(&receiver->mutex);
	count = receiver->count;
	pthread_mutex_unlock(&receiver->mutex);
	return count;
}

unsigned receiver_connections(struct receiver *receiver)
{
	unsigned count;

	pthread_mutex_lock(&receiver->mutex);
	count = receiver->peer_count;
	pthread_mutex_unlock(&receiver->mutex);
	return count;
}

const struct received *receiver_get(struct receiver *receiver, unsigned n)
{
	const struct received *request;

	pthread_mutex_lock(&receiver->mutex);
	request = n < receiver->count ? receiver->requests[n] : NULL;
	pthread_mutex_unlock(&receiver->mutex);
	return request;
}

void receiver_answer(struct buf *out, int status, const char *headers, struct str body)
{
	buf_addf(out, "HTTP/1.1 %d Whatever\r\nContent-Length: %zu\r\n%s\r\n", status, body.len,
		 headers);
	buf_add_str(out, body);
}

void receiver_answer_status(struct buf *out, int status)
{
	receiver_answer(out, status, "", STR("said by the destination"));
}
