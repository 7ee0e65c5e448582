/* SPDX-License-Identifier: Apache-2.0 */

#include "net/redis_tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define CA_SETTING   "WRENN_EVENTS_REDIS_CA_FILE"
#define CERT_SETTING "WRENN_EVENTS_REDIS_CERT_FILE"
#define KEY_SETTING  "WRENN_EVENTS_REDIS_KEY_FILE"

struct redis_tls {
	SSL_CTX *context;
};

struct tls_session {
	SSL *ssl; /* owns both */
	BIO *received;
	BIO *to_send;
	bool was_fed;
	bool has_certificate;
	char host[256];
	char fault[200];
};

/* ---- what is shared -------------------------------------------------------------------- */

static int file_fault(struct reason *why, const char *setting)
{
	const char *words = ERR_reason_error_string(ERR_peek_last_error());

	return reason_set(why, -EINVAL, setting, "the file cannot be used: %s",
			  words ? words : "unknown reason");
}

/* Without this OpenSSL would ask for a passphrase on the terminal. */
static int give_no_password(char *out, int size, int is_writing, void *owner)
{
	(void)is_writing;
	(void)owner;
	if (size > 0)
		out[0] = '\0';
	return 0;
}

static int trust(SSL_CTX *context, const char *ca_file, struct reason *why)
{
	if (ca_file && SSL_CTX_load_verify_file(context, ca_file) != 1)
		return file_fault(why, CA_SETTING);
	if (!ca_file && SSL_CTX_set_default_verify_paths(context) != 1)
		return reason_set(why, -EINVAL, CA_SETTING,
				  "the system's certificates cannot be read; name a file");
	return 0;
}

static int show_certificate(SSL_CTX *context, const struct redis_tls_files *files,
			    struct reason *why)
{
	if (!files->cert_file != !files->key_file)
		return reason_set(why, -EINVAL, files->cert_file ? KEY_SETTING : CERT_SETTING,
				  "a client certificate needs both its file and that of its key");
	if (!files->cert_file)
		return 0;
	SSL_CTX_set_default_passwd_cb(context, give_no_password);
	if (SSL_CTX_use_certificate_chain_file(context, files->cert_file) != 1)
		return file_fault(why, CERT_SETTING);
	if (SSL_CTX_use_PrivateKey_file(context, files->key_file, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(context) != 1)
		return file_fault(why, KEY_SETTING);
	return 0;
}

int redis_tls_open(const struct redis_tls_files *files, struct redis_tls **out, struct reason *why)
{
	struct redis_tls *tls = calloc(1, sizeof(*tls));
	int rc = -ENOMEM;

	if (!tls)
		return rc;
	ERR_clear_error();
	tls->context = SSL_CTX_new(TLS_client_method());
	if (tls->context && SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION) == 1) {
		SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_options(tls->context, SSL_OP_NO_RENEGOTIATION);
		rc = trust(tls->context, files->ca_file, why);
	}
	if (rc == 0)
		rc = show_certificate(tls->context, files, why);
	if (rc) {
		redis_tls_close(tls);
		return rc;
	}
	*out = tls;
	return 0;
}

void redis_tls_close(struct redis_tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->context); /* accepts NULL */
	free(tls);
}

/* ---- one connection -------------------------------------------------------------------- */

static bool is_ip(const char *host)
{
	struct in6_addr address; /* the larger of the two */

	return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

/* Names are checked and sent (SNI); addresses are only checked (RFC 6066, section 3). */
static bool expect_host(SSL *ssl, const char *host)
{
	if (is_ip(host))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

int tls_session_open(struct redis_tls *tls, const char *host, struct tls_session **out)
{
	struct tls_session *session = calloc(1, sizeof(*session));

	if (!session)
		return -ENOMEM;
	ERR_clear_error();
	snprintf(session->host, sizeof(session->host), "%s", host);
	session->has_certificate = SSL_CTX_get0_certificate(tls->context) != NULL;
	session->ssl = SSL_new(tls->context);
	session->received = BIO_new(BIO_s_mem());
	session->to_send = BIO_new(BIO_s_mem());
	if (!session->ssl || !session->received || !session->to_send ||
	    !expect_host(session->ssl, host)) {
		SSL_free(session->ssl);
		BIO_free(session->received);
		BIO_free(session->to_send);
		free(session);
		return -ENOMEM;
	}
	SSL_set_bio(session->ssl, session->received, session->to_send);
	SSL_set_connect_state(session->ssl);
	*out = session;
	return 0;
}

void tls_session_close(struct tls_session *session)
{
	if (!session)
		return;
	SSL_free(session->ssl);
	free(session);
}

/* ---- faults in words ------------------------------------------------------------------- */

static void say_certificate(struct tls_session *session, long verdict)
{
	char *out = session->fault;
	size_t size = sizeof(session->fault);

	switch (verdict) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		snprintf(out, size, "TLS: a certificate of the server has expired");
		return;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		snprintf(out, size, "TLS: a certificate of the server is not valid yet");
		return;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		snprintf(out, size, "TLS: the server's certificate is for another name than %.100s",
			 session->host);
		return;
	default:
		snprintf(out, size, "TLS: the server's certificate is not trusted: %s",
			 X509_verify_cert_error_string(verdict));
	}
}

static bool is_alert_about_us(int reason)
{
	return reason == SSL_R_SSLV3_ALERT_BAD_CERTIFICATE ||
	       reason == SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED ||
	       reason == SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED ||
	       reason == SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN ||
	       reason == SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE ||
	       reason == SSL_R_TLSV1_ALERT_UNKNOWN_CA;
}

static int fail(struct tls_session *session)
{
	long verdict = SSL_get_verify_result(session->ssl);
	int reason = ERR_GET_REASON(ERR_peek_error());
	const char *words = ERR_reason_error_string(ERR_peek_error());
	const char *about = "";

	if (verdict != X509_V_OK) {
		say_certificate(session, verdict);
		return -EPROTO;
	}
	if (is_alert_about_us(reason))
		about = "the server refused our certificate: ";
	else if (!session->has_certificate && reason == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED)
		about = "the server requires a client certificate (" CERT_SETTING "): ";
	else if (!session->has_certificate && reason == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE)
		about = "the server may require a client certificate (" CERT_SETTING "): ";
	snprintf(session->fault, sizeof(session->fault), "TLS: %s%s", about,
		 words ? words : "the server closed the connection");
	return -EPROTO;
}

const char *tls_session_fault(const struct tls_session *session)
{
	return session->fault;
}

/* ---- handshake, reading and writing ---------------------------------------------------- */

/* The first byte of every record names its kind (RFC 8446, section 5.1). */
static bool looks_like_tls(char first)
{
	return first >= 20 && first <= 24;
}

int tls_session_feed(struct tls_session *session, struct str bytes)
{
	assert(bytes.len <= INT_MAX);
	if (bytes.len == 0)
		return 0;
	if (!session->was_fed && !looks_like_tls(bytes.at[0])) {
		snprintf(session->fault, sizeof(session->fault),
			 "TLS: the server does not speak TLS on this port; redis:// connects "
			 "without it");
		return -EPROTO;
	}
	session->was_fed = true;
	if (BIO_write(session->received, bytes.at, (int)bytes.len) != (int)bytes.len)
		return -ENOMEM;
	return 0;
}

int tls_session_shake_hands(struct tls_session *session)
{
	int rc;

	ERR_clear_error();
	rc = SSL_do_handshake(session->ssl);
	if (rc == 1)
		return 1;
	return SSL_get_error(session->ssl, rc) == SSL_ERROR_WANT_READ ? 0 : fail(session);
}

ssize_t tls_session_read(struct tls_session *session, char *out, size_t size)
{
	size_t len = 0;
	int error;

	ERR_clear_error();
	if (SSL_read_ex(session->ssl, out, size, &len) == 1)
		return (ssize_t)len;
	error = SSL_get_error(session->ssl, 0);
	if (error == SSL_ERROR_WANT_READ)
		return 0;
	return error == SSL_ERROR_ZERO_RETURN ? -EPIPE : fail(session);
}

/* Writes go to memory, so they are always complete. */
int tls_session_write(struct tls_session *session, struct str bytes)
{
	size_t len = 0;

	ERR_clear_error();
	if (SSL_write_ex(session->ssl, bytes.at, bytes.len, &len) == 1)
		return 0;
	return fail(session);
}

struct str tls_session_pending(const struct tls_session *session)
{
	char *bytes = NULL;
	long len = BIO_get_mem_data(session->to_send, &bytes);

	return (struct str){ bytes, len > 0 ? (size_t)len : 0 };
}

void tls_session_sent(struct tls_session *session)
{
	(void)BIO_reset(session->to_send);
}
