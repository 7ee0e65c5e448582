/* SPDX-License-Identifier: Apache-2.0 */

/*
 * TLS to Redis, without a socket: what a connection receives goes in, what it must send comes out.
 * TLS 1.2 at least. The server's certificate must chain to a trusted one and be valid for the
 * requested host, a name or an IP address.
 */
#ifndef NET_REDIS_TLS_H
#define NET_REDIS_TLS_H

#include <sys/types.h>

#include "core/attributes.h"
#include "core/reason.h"
#include "core/str.h"

/* Shared by all connections of a process: the certificates we trust, and our own. */
struct redis_tls;

struct redis_tls_files {
	const char *ca_file;   /* NULL: the system's certificates */
	const char *cert_file; /* ours, with the chain; NULL: none */
	const char *key_file;  /* NULL exactly when cert_file is */
};

/* -EINVAL with the setting and its fault in *why, or -ENOMEM. */
int redis_tls_open(const struct redis_tls_files *files, struct redis_tls **out,
		   struct reason *why) must_check;
void redis_tls_close(struct redis_tls *tls);

/* The TLS state of one connection. */
struct tls_session;

int tls_session_open(struct redis_tls *tls, const char *host, struct tls_session **out) must_check;
void tls_session_close(struct tls_session *session);

/* Bytes from the socket. 0, -ENOMEM, or -EPROTO when this is not TLS at all. */
int tls_session_feed(struct tls_session *session, struct str bytes) must_check;

/* Continues the handshake with the bytes received so far. 1 when it is complete, 0 when more bytes
 * are needed, -EPROTO. */
int tls_session_shake_hands(struct tls_session *session) must_check;

/* After the handshake: decrypts received bytes. Returns the length; 0 when more bytes are needed;
 * -EPIPE when the server has ended the session; -EPROTO. */
ssize_t tls_session_read(struct tls_session *session, char *out, size_t size) must_check;

/* After the handshake: encrypts bytes. 0 or -ENOMEM or -EPROTO. */
int tls_session_write(struct tls_session *session, struct str bytes) must_check;

/* The bytes that must go to the socket now. Valid until the next call; tls_session_sent() drops
 * them. Check after every other call, even after failures, which tell the server why. */
struct str tls_session_pending(const struct tls_session *session);
void tls_session_sent(struct tls_session *session);

/* After -EPROTO: what is wrong, in words. */
const char *tls_session_fault(const struct tls_session *session);

#endif
