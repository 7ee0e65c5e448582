/* SPDX-License-Identifier: Apache-2.0 */

/*
 * For LD_PRELOAD: a network in a bad state.
 *
 *   names below silent.test   hang as long as a test has locked the file SILENT_WHILE, which gets a
 *                             byte for each look-up; then they have no address
 *   names below quick.test    have a public address, to which no test connects
 *   names below deaf.test     have two addresses, of which a test lets the first swallow packets
 *   127.1.0.13                cannot be connected to, for a reason that libuv has no words for
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define KEYLESS 0x7f01000d

static bool is_below(const char *name, const char *domain)
{
	size_t len = strlen(name);
	size_t domain_len = strlen(domain);

	return len > domain_len && strcmp(name + len - domain_len, domain) == 0;
}

static void hang(const char *file)
{
	int fd = open(file, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, ".", 1);
	flock(fd, LOCK_SH);
	close(fd);
}

static int resolve(const char *node, const char *service, const struct addrinfo *hints,
		   struct addrinfo **out)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, out);
}

static int resolve_both(const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	struct addrinfo *last;
	int rc = resolve("127.0.0.9", service, hints, out);

	if (rc)
		return rc;
	for (last = *out; last->ai_next; last = last->ai_next)
		;
	return resolve("127.0.0.1", service, hints, &last->ai_next);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **out)
{
	if (node && is_below(node, ".silent.test")) {
		hang(getenv("SILENT_WHILE"));
		return EAI_NONAME;
	}
	if (node && is_below(node, ".deaf.test"))
		return resolve_both(service, hints, out);
	return resolve(node && is_below(node, ".quick.test") ? "93.184.215.14" : node, service,
		       hints, out);
}

/* A tunnel without a key of its peer says so. */
int connect(int fd, const struct sockaddr *address, socklen_t len)
{
	static int (*real)(int, const struct sockaddr *, socklen_t);
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "connect");
	if (address->sa_family == AF_INET && v4->sin_addr.s_addr == htonl(KEYLESS)) {
		errno = ENOKEY;
		return -1;
	}
	return real(fd, address, len);
}
