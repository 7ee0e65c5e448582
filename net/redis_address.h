/* SPDX-License-Identifier: Apache-2.0 */

/* Where Redis is, and what we need to log in, from the settings. */
#ifndef NET_REDIS_ADDRESS_H
#define NET_REDIS_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/attributes.h"
#include "core/reason.h"
#include "core/secret.h"
#include "core/str.h"

#define REDIS_MAX_HOSTS 8

struct redis_host {
	char name[256]; /* or an IP address */
	int port;
};

bool redis_host_is_same(const struct redis_host *a, const struct redis_host *b);

struct redis_tls;

/*
 * From REDIS_URL:
 *
 *   redis[s]://[user[:password]@]host[:port][/db]
 *   redis[s]+sentinel://[user:password@]host[:port],host[:port].../master-name[/db]
 *   unix:///path
 *
 * each with ?db=n instead of /db. Without a password we send no AUTH. With Sentinel, user and
 * password are those of the master. rediss is TLS, also to the sentinels.
 */
struct redis_address {
	struct redis_host hosts[REDIS_MAX_HOSTS]; /* the server, or the sentinels */
	size_t host_count;                        /* 0: a Unix socket */
	char master_name[128];                    /* as the sentinels know it; empty: no Sentinel */
	char path[108];                           /* of the Unix socket */
	int db;
	char user[128];
	struct secret password;
	struct secret sentinel_password; /* of their default user; empty: they require none */
	bool is_tls;
	struct redis_tls *tls; /* owned; NULL when not is_tls */
};

/* Parses only the URL. With TLS the result cannot be used to connect, because the files are
 * missing. */
int redis_address_parse(struct str url, struct redis_address *out, struct reason *why) must_check;

/* A member is NULL if it is not set. The URL must be set. */
struct redis_settings {
	const char *url;
	const char *ca_file; /* with TLS; NULL: the system's certificates */
	const char *cert_file;
	const char *key_file;
	const char *sentinel_password;
};

/* The URL and, with TLS, the content of the files. -EINVAL with the setting and its fault in *why,
 * or -ENOMEM. */
int redis_address_read(const struct redis_settings *settings, struct redis_address *out,
		       struct reason *why) must_check;
void redis_address_done(struct redis_address *address);

#endif
