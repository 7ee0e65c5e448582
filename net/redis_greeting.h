/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The first commands on a new connection to Redis: AUTH, SELECT, CLIENT SETNAME, INFO, ROLE and
 * PING, sent at once, and CLUSTER INFO when the server is a node of a cluster. They show that the
 * server accepts our login, has the right role, and has loaded its data. Part of net/redis.c.
 */
#ifndef NET_REDIS_GREETING_H
#define NET_REDIS_GREETING_H

#include "core/attributes.h"
#include "core/secret.h"
#include "net/redis_commands.h"
#include "net/redis_identity.h"

struct redis_hello {
	const char *name;              /* for CLIENT SETNAME */
	const char *role;              /* "master" or "sentinel" */
	const char *user;              /* empty: the default user */
	const struct secret *password; /* an empty one: no AUTH */
	int db;
};

/* Exactly one of these callbacks comes for each greeting, unless the commands fail first. */
struct redis_greeting_events {
	void (*on_greeted)(void *owner);
	void (*on_refused)(const char *why, void *owner);
	/* Also after the greeting: the answer to redis_greeting_check_role(). */
	void (*on_wrong_role)(const char *why, void *owner);
};

struct redis_greeting {
	struct redis_commands *commands;
	struct redis_hello hello;
	const struct redis_greeting_events *events;
	void *owner;
	struct redis_identity identity; /* empty until the server says */
	bool is_cluster_node;
	bool role_is_asked;
};

/* The texts of *hello, *commands and *events must outlive the greeting. */
void redis_greeting_init(struct redis_greeting *greeting, struct redis_commands *commands,
			 const struct redis_hello *hello,
			 const struct redis_greeting_events *events, void *owner);

/* 0 or a negative errno. `commands` has a new link. */
int redis_greeting_start(struct redis_greeting *greeting) must_check;

/* Asks ROLE again, unless the last answer is still missing. */
void redis_greeting_check_role(struct redis_greeting *greeting);

#endif
