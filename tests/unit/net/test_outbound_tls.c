/* SPDX-License-Identifier: Apache-2.0 */

/* Certificates and handshakes of outgoing requests: what is refused, and how its owner is told. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "outbound_rig.h"
#include "tests/support/patience.h"

static char tls_dir[256];

static void run_shell(char *command)
{
	char *arguments[] = { "sh", "-c", command, NULL };
	int status = 0;
	pid_t child;

	cr_assert_eq(posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environ), 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0, "%s", command);
}

static void make_certificates(void)
{
	static const char *const commands[] = {
		"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 "
		"-subj /CN=test-ca -keyout ca.key -out ca.pem",
		"openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=good "
		"-keyout good.key -out good.csr",
		"printf 'subjectAltName=IP:127.0.0.1' > good.ext",
		"openssl x509 -req -in good.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 "
		"-extfile good.ext -out good.pem",
		"printf 'subjectAltName=DNS:other.example.com' > wrong.ext",
		"openssl x509 -req -in good.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 "
		"-extfile wrong.ext -out wrong.pem",
		"openssl req -x509 -key good.key -days 30 -subj /CN=self "
		"-addext subjectAltName=IP:127.0.0.1 -out self.pem",
	};
	char command[1024];

	snprintf(tls_dir, sizeof(tls_dir), "%s/tls-XXXXXX", getenv("TEST_DIR"));
	cr_assert(mkdtemp(tls_dir));
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		snprintf(command, sizeof(command), "cd '%s' && (%s) >log 2>&1", tls_dir,
			 commands[i]);
		run_shell(command);
	}
}

static const char *tls_why; /* of the last exchange */

static enum answer_fault tls_exchange(const char *certificate, bool with_ca)
{
	struct result result;
	char ca[300];
	char pem[300];
	char key[300];
	char url[128];

	snprintf(ca, sizeof(ca), "%s/ca.pem", tls_dir);
	snprintf(pem, sizeof(pem), "%s/%s", tls_dir, certificate);
	snprintf(key, sizeof(key), "%s/good.key", tls_dir);
	open_bench(NULL, with_ca ? ca : NULL);
	bench.receiver = receiver_start(NULL, NULL, pem, key);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", receiver_port(bench.receiver));
	send_to(url, "POST", PATIENCE_MS, &result);
	wait_for_result(&result);
	if (result.fault != ANSWER_OK)
		cr_expect_eq(receiver_count(bench.receiver), 0, "the request went out");
	close_bench();
	tls_why = result.why;
	return result.fault;
}

Test(outbound_tls, verifies_certificates)
{
	make_certificates();
	cr_expect_eq(tls_exchange("good.pem", true), ANSWER_OK);
	cr_expect_eq(tls_exchange("good.pem", false), ANSWER_TLS, "an unknown issuer was trusted");
	cr_expect_eq(tls_exchange("wrong.pem", true), ANSWER_TLS, "another name was trusted");
}

/* A connection for each receiver. The file is gone after the first. Naming it again, as SIGHUP
 * does, reads it again. */
Test(outbound_tls, reads_the_issuers_once_and_not_for_every_handshake)
{
	char ca[300];
	char pem[300];
	char key[300];

	make_certificates();
	snprintf(ca, sizeof(ca), "%s/ca.pem", tls_dir);
	snprintf(pem, sizeof(pem), "%s/good.pem", tls_dir);
	snprintf(key, sizeof(key), "%s/good.key", tls_dir);
	open_bench(NULL, ca);
	for (int i = 0; i < 3; i++) {
		struct receiver *receiver = receiver_start(NULL, NULL, pem, key);
		struct result result;
		char url[128];

		if (i == 2)
			cr_assert_eq(outbound_set_ca_file(bench.outbound, ca), 0);
		snprintf(url, sizeof(url), "https://127.0.0.1:%d/", receiver_port(receiver));
		send_to(url, "POST", PATIENCE_MS, &result);
		wait_for_result(&result);
		cr_expect_eq(result.fault, i < 2 ? ANSWER_OK : ANSWER_TLS, "handshake %d", i + 1);
		(void)unlink(ca);
		receiver_stop(receiver);
	}
	close_bench();
}

static FILE *open_pem(const char *name, const char *mode)
{
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", tls_dir, name);
	file = fopen(path, mode);
	cr_assert_not_null(file, "%s", path);
	return file;
}

/* Like good.pem, except that it expired yesterday. The openssl command makes no such one. */
static void make_expired(void)
{
	FILE *good = open_pem("good.pem", "r");
	FILE *ca = open_pem("ca.key", "r");
	FILE *expired = open_pem("expired.pem", "w");
	X509 *certificate = PEM_read_X509(good, NULL, NULL, NULL);
	EVP_PKEY *key = PEM_read_PrivateKey(ca, NULL, NULL, NULL);

	cr_assert(certificate && key);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -2 * 86400);
	X509_gmtime_adj(X509_getm_notAfter(certificate), -86400);
	cr_assert_gt(X509_sign(certificate, key, EVP_sha256()), 0);
	cr_assert_eq(PEM_write_X509(expired, certificate), 1);
	X509_free(certificate);
	EVP_PKEY_free(key);
	fclose(good);
	fclose(ca);
	fclose(expired);
}

static void speak_old_tls(SSL_CTX *context)
{
	SSL_CTX_set_security_level(context, 0);
	SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
}

static void want_certificate(SSL_CTX *context)
{
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
}

/* What an owner has to do is another thing each time. */
Test(outbound_tls, tells_the_faults_of_tls_apart)
{
	static const struct {
		const char *certificate;
		bool with_ca;
		void (*tune)(SSL_CTX *context);
		const char *why;
	} cases[] = {
		{ "expired.pem", true, NULL, "certificate not trusted: it has expired" },
		{ "self.pem", true, NULL, "certificate not trusted: it is self-signed" },
		{ "good.pem", false, NULL,
		  "certificate not trusted: its issuer is not one we know" },
		{ "wrong.pem", true, NULL, "certificate not trusted: it is for another name" },
		{ "good.pem", true, speak_old_tls,
		  "handshake failed: the destination speaks only TLS older than 1.2" },
		{ "good.pem", true, want_certificate,
		  "handshake failed: no cipher in common, or the destination wants a client "
		  "certificate" },
	};

	make_certificates();
	make_expired();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		receiver_tune_tls = cases[i].tune;
		cr_expect_eq(tls_exchange(cases[i].certificate, cases[i].with_ca), ANSWER_TLS, "%s",
			     cases[i].why);
		cr_expect(tls_why && strcmp(tls_why, cases[i].why) == 0, "%s: %s", cases[i].why,
			  tls_why);
	}
	receiver_tune_tls = NULL;
}

static void *answer_in_plain(void *listener)
{
	static const char words[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
	int peer = accept(*(int *)listener, NULL, NULL);

	if (write(peer, words, sizeof(words) - 1) < 0)
		perror("write");
	shutdown(peer, SHUT_WR);
	while (read(peer, (char[256]){ 0 }, 256) > 0)
		;
	close(peer);
	return NULL;
}

Test(outbound_tls, tells_a_port_of_plain_http)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(address);
	struct result result;
	pthread_t thread;
	char url[128];

	cr_assert_eq(bind(listener, (struct sockaddr *)&address, len), 0);
	cr_assert_eq(listen(listener, 1), 0);
	cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	cr_assert_eq(pthread_create(&thread, NULL, answer_in_plain, &listener), 0);
	open_bench(NULL, NULL);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", ntohs(address.sin_port));
	send_to(url, "POST", PATIENCE_MS, &result);
	wait_for_result(&result);
	cr_expect_eq(result.fault, ANSWER_TLS);
	cr_expect_str_eq(result.why, "handshake failed: the port speaks plain HTTP, not TLS");
	close_bench();
	pthread_join(thread, NULL);
	close(listener);
}
