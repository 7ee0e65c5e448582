/* SPDX-License-Identifier: Apache-2.0 */

/* TLS to a real Redis: which servers are trusted, and what the errors say. */
#include <criterion/criterion.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/net.h"
#include "tests/support/redis_server.h"
#include "tests/unit/net/redis_fixture.h"

static char dir[256];

/* Keys and certificates: two authorities; of the first a server's (good), one for another name
 * (wrong), one that has expired (old) and a client's (client); of the second a client's
 * (stranger). */
static void make_certificates(void)
{
	static const char script[] =
		"cd '%s' && exec >log 2>&1 && set -e\n"
		"ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n"
		"for ca in ca other; do\n"
		"  openssl req -x509 $ec -days 30 -subj /CN=$ca -keyout $ca.key -out $ca.pem\n"
		"done\n"
		"make() {\n"
		"  openssl req $ec -subj /CN=$1 -keyout $1.key -out $1.csr\n"
		"  echo subjectAltName=$3 >$1.ext\n"
		"  openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days 30 "
		"-extfile $1.ext -out $1.pem\n"
		"}\n"
		"make good ca IP:127.0.0.1,DNS:localhost\n"
		"make wrong ca DNS:other.example.com,IP:127.0.0.9\n"
		"make client ca DNS:client\n"
		"make stranger other DNS:client\n"
		"export LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1) FAKETIME=-40d\n"
		"make old ca IP:127.0.0.1,DNS:localhost\n";
	char command[2048];
	char *arguments[] = { "sh", "-c", command, NULL };
	int status = 0;
	pid_t child;

	snprintf(dir, sizeof(dir), "%s/redis-tls-XXXXXX", getenv("TEST_DIR"));
	cr_assert(mkdtemp(dir));
	snprintf(command, sizeof(command), script, dir);
	cr_assert_eq(posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environ), 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0, "openssl failed, see %s/log", dir);
}

static const char *path_of(const char *name, const char *ending, char out[300])
{
	snprintf(out, 300, "%s/%s.%s", dir, name, ending);
	return out;
}

/* ---- the server ------------------------------------------------------------------------ */

struct tls_server {
	struct redis_server redis;
	char paths[3][300];
	const char *arguments[16];
	int port;
};

static void start_server(struct tls_server *server, const char *certificate, const char *clients,
			 const char *const more[4])
{
	const char *arguments[] = {
		"--tls-cert-file",    path_of(certificate, "pem", server->paths[0]),
		"--tls-key-file",     path_of(certificate, "key", server->paths[1]),
		"--tls-ca-cert-file", path_of("ca", "pem", server->paths[2]),
		"--tls-auth-clients", clients,
	};
	size_t count = ARRAY_LEN(arguments);

	memcpy(server->arguments, arguments, sizeof(arguments));
	for (size_t i = 0; more && i < 4; i++)
		server->arguments[count++] = more[i];
	server->arguments[count] = NULL;
	redis_server_start_with(&server->redis, "geheim", server->arguments);
	server->port = redis_server_listen(&server->redis, "tls-port");
}

/* ---- the connection -------------------------------------------------------------------- */

struct files {
	const char *ca; /* NULL: the system's */
	const char *client;
};

static void open_tls(struct fixture *f, const char *url, const struct files *files)
{
	char ca[300];
	char cert[300];
	char key[300];
	struct reason why = { .text = "" };
	struct redis_settings settings = { .url = url, .sentinel_password = "wache" };

	if (files->ca)
		settings.ca_file = path_of(files->ca, "pem", ca);
	if (files->client) {
		settings.cert_file = path_of(files->client, "pem", cert);
		settings.key_file = path_of(files->client, "key", key);
	}
	*f = (struct fixture){ 0 };
	cr_assert_eq(uv_loop_init(&f->loop), 0);
	cr_assert_eq(redis_address_read(&settings, &f->address, &why), 0, "%s", why.text);
	open_connection(f);
}

static bool is_decided(void *owner)
{
	struct fixture *f = owner;

	return f->ups + f->downs > 0;
}

static void expect(const char *what, const char *url, const struct files *files, const char *words)
{
	struct fixture f;

	open_tls(&f, url, files);
	wait_for(&f, is_decided, 0, what);
	if (words) {
		cr_expect_eq(f.ups, 0, "%s", what);
		cr_expect_neq(strstr(redis_fault(f.redis), words), NULL, "%s: %s", what,
			      redis_fault(f.redis));
	} else {
		cr_expect_eq(f.downs, 0, "%s: %s", what, redis_fault(f.redis));
	}
	close_fixture(&f);
}

Test(redis_tls, trusts_a_verified_certificate_for_the_host_and_says_what_is_wrong_with_others)
{
	static const char *const old_protocol[] = { "--tls-protocols", "TLSv1.1", "--tls-ciphers",
						    "DEFAULT:@SECLEVEL=0" };
	static const struct {
		const char *certificate;
		const char *clients; /* whether the server wants their certificates */
		const char *host;
		struct files files;
		const char *words; /* NULL: it comes up */
		const char *const *more;
	} cases[] = {
		{ "good", "no", "localhost", { .ca = "ca" }, NULL, NULL },
		{ "good", "no", "127.0.0.1", { .ca = "ca" }, NULL, NULL },
		{ "good", "no", "localhost", { .ca = "other" }, "not trusted", NULL },
		{ "good", "no", "localhost", { .ca = NULL }, "not trusted", NULL },
		{ "wrong", "no", "localhost", { .ca = "ca" }, "another name than localhost", NULL },
		{ "wrong", "no", "127.0.0.1", { .ca = "ca" }, "another name than 127.0.0.1", NULL },
		{ "old", "no", "localhost", { .ca = "ca" }, "has expired", NULL },
		{ "good", "yes", "localhost", { "ca", "client" }, NULL, NULL },
		{ "good",
		  "yes",
		  "localhost",
		  { .ca = "ca" },
		  "requires a client certificate",
		  NULL },
		{ "good",
		  "yes",
		  "localhost",
		  { "ca", "stranger" },
		  "refused our certificate",
		  NULL },
		{ "good", "no", "localhost", { .ca = "ca" }, "protocol version", old_protocol },
	};

	make_certificates();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tls_server server;
		char url[128];
		char what[128];

		start_server(&server, cases[i].certificate, cases[i].clients, cases[i].more);
		snprintf(url, sizeof(url), "rediss://:geheim@%s:%d/3", cases[i].host, server.port);
		snprintf(what, sizeof(what), "case %zu, %s", i,
			 cases[i].words ? cases[i].words : "good");
		expect(what, url, &cases[i].files, cases[i].words);
		redis_server_stop(&server.redis);
	}
}

Test(redis_tls, says_when_one_side_speaks_it_and_the_other_does_not)
{
	const struct files files = { .ca = "ca" };
	struct tls_server server;
	char url[128];

	make_certificates();
	start_server(&server, "good", "no", NULL);
	snprintf(url, sizeof(url), "redis://:geheim@localhost:%d", server.port);
	expect("plain to a TLS port", url, &files, "rediss://");
	snprintf(url, sizeof(url), "rediss://:geheim@localhost:%d",
		 redis_server_listen(&server.redis, "port"));
	/* Redis takes a ClientHello for half a line, or for one it does not know. */
	expect("TLS to a plain port", url, &files, "TLS: ");
	redis_server_stop(&server.redis);
}

Test(redis_tls, carries_commands_of_any_size_and_messages_and_comes_back)
{
	const struct files files = { .ca = "ca" };
	struct tls_server server;
	struct fixture f;
	char url[128];
	char *large = malloc(1000001);

	memset(large, 'x', 1000000);
	large[1000000] = '\0';
	make_certificates();
	start_server(&server, "good", "no", NULL);
	snprintf(url, sizeof(url), "rediss://:geheim@localhost:%d", server.port);
	open_tls(&f, url, &files);
	for (int round = 1; round <= 2; round++) {
		wait_for(&f, is_up, round, "the connection");
		for (int i = 0; i < 20; i++)
			cr_assert_eq(
				redis_send_text(f.redis, 20000, on_reply, &f, "ECHO", large, NULL),
				0);
		wait_for(&f, all_answered, 20 * round, "the answers");
		cr_expect_eq(strncmp(f.last, "xxxxxxxx", 8), 0);
		cr_assert_eq(redis_subscribe(f.redis, "c", on_message, &f), 0);
		while (redis_server_number(&server.redis, "PUBLISH c hello") == 0)
			run_turns(&f.loop, 1);
		wait_for(&f, has_messages, round, "the message");
		redis_server_do(&server.redis, "CLIENT KILL TYPE pubsub");
		wait_for(&f, is_down, round, "the loss");
	}
	cr_expect_eq(f.losses, 0);
	close_fixture(&f);
	redis_server_stop(&server.redis);
	free(large);
}

Test(redis_tls, goes_to_sentinels_and_to_the_master_they_name)
{
	const struct files files = { .ca = "ca" };
	struct tls_server server;
	struct redis_server sentinel;
	char lines[1024];
	char url[128];
	int port;

	make_certificates();
	start_server(&server, "good", "no", NULL);
	snprintf(lines, sizeof(lines),
		 "tls-cert-file %s\ntls-key-file %s\ntls-ca-cert-file %s\ntls-auth-clients no\n",
		 server.paths[0], server.paths[1], server.paths[2]);
	redis_server_start_sentinel(&sentinel, "wache", server.port, lines, &port);
	snprintf(url, sizeof(url), "rediss+sentinel://:geheim@localhost:%d/events", port);
	expect("a sentinel with TLS", url, &files, NULL);
	snprintf(url, sizeof(url), "redis+sentinel://:geheim@localhost:%d/events", port);
	expect("plain words to it", url, &files, "no sentinel has named the master: ");
	redis_server_stop(&sentinel);
	redis_server_stop(&server.redis);
}

static void count_answer(const redisReply *reply, void *owner)
{
	*(int *)owner += reply->type == REDIS_REPLY_STATUS;
}

Test(redis_tls, serves_the_command_line_too)
{
	struct tls_server server;
	struct redis_address address;
	struct redis_blocking *redis;
	struct reason why = { .text = "" };
	const struct str argv[] = { STR("PING") };
	char url[128];
	char ca[300];
	int answers = 0;

	make_certificates();
	start_server(&server, "good", "no", NULL);
	snprintf(url, sizeof(url), "rediss://:geheim@localhost:%d", server.port);
	cr_assert_eq(
		redis_address_read(
			&(struct redis_settings){ .url = url, .ca_file = path_of("ca", "pem", ca) },
			&address, &why),
		0);
	cr_assert_eq(redis_blocking_open(&address, &redis, &why), 0, "%s", why.text);
	cr_expect_eq(redis_blocking_send(redis,
					 &(struct redis_blocking_command){ .argc = 1,
									   .argv = argv,
									   .on_reply = count_answer,
									   .owner = &answers },
					 &why),
		     0);
	cr_expect_eq(answers, 1);
	cr_expect(redis_blocking_close(redis));
	redis_address_done(&address);
	redis_server_stop(&server.redis);
}

Test(redis_tls, names_the_setting_whose_file_cannot_be_used)
{
	static const struct {
		const char *ca, *cert, *key; /* without the folder; NULL: not set */
		const char *field;
	} cases[] = {
		{ "nowhere.pem", NULL, NULL, "WRENN_EVENTS_REDIS_CA_FILE" },
		{ "good.key", NULL, NULL, "WRENN_EVENTS_REDIS_CA_FILE" },
		{ "ca.pem", "client.pem", NULL, "WRENN_EVENTS_REDIS_KEY_FILE" },
		{ "ca.pem", NULL, "client.key", "WRENN_EVENTS_REDIS_CERT_FILE" },
		{ "ca.pem", "client.key", "client.key", "WRENN_EVENTS_REDIS_CERT_FILE" },
		{ "ca.pem", "client.pem", "client.pem", "WRENN_EVENTS_REDIS_KEY_FILE" },
		{ "ca.pem", "client.pem", "good.key", "WRENN_EVENTS_REDIS_KEY_FILE" },
	};

	make_certificates();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *names[] = { cases[i].ca, cases[i].cert, cases[i].key };
		char paths[3][300];
		struct redis_settings settings = { .url = "rediss://h" };
		struct redis_address address;
		struct reason why = { .text = "" };

		for (int n = 0; n < 3; n++)
			snprintf(paths[n], sizeof(paths[n]), "%s/%s", dir,
				 names[n] ? names[n] : "");
		settings.ca_file = paths[0];
		settings.cert_file = names[1] ? paths[1] : NULL;
		settings.key_file = names[2] ? paths[2] : NULL;
		cr_expect_eq(redis_address_read(&settings, &address, &why), -EINVAL, "case %zu", i);
		cr_expect_str_eq(why.field, cases[i].field, "case %zu: %s", i, why.text);
		cr_expect_neq(why.text[0], '\0', "case %zu", i);
	}
}
