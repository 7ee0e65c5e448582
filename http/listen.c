/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A shared socket has SO_REUSEPORT from the start: the kernel lets other such sockets of the same
 * user join it. An exclusive socket gets the option after listen(2). Until then the kernel refuses
 * it when another socket has the port, and refuses one of two that bind at the same time. Shared
 * sockets may join it afterwards.
 */
#include "http/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/errno_text.h"

#define BACKLOG 16384 /* the kernel's net.core.somaxconn may be lower */

static void turn_on(int fd, int level, int option)
{
	const int on = 1;

	(void)setsockopt(fd, level, option, &on, sizeof(on));
}

static void set_options(int fd)
{
	const int off = 0;

	turn_on(fd, SOL_SOCKET, SO_REUSEADDR);
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	/* Accepted sockets inherit this, which saves a system call for each. */
	turn_on(fd, IPPROTO_TCP, TCP_NODELAY);
}

/* A listening socket, or a negative errno. */
static int listen_on(const struct addrinfo *address, bool exclusive)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -errno;
	set_options(fd);
	if (!exclusive)
		turn_on(fd, SOL_SOCKET, SO_REUSEPORT);
	if (bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	turn_on(fd, SOL_SOCKET, SO_REUSEPORT);
	return fd;
}

int http_listen(const char *host, uint16_t port, bool exclusive, struct reason *why)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
					.ai_socktype = SOCK_STREAM,
					.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	char service[8];
	int fd = -EADDRNOTAVAIL;
	int rc;

	snprintf(service, sizeof(service), "%u", (unsigned)port);
	rc = getaddrinfo(host, service, &hints, &found);
	if (rc != 0)
		return reason_set(why, -EADDRNOTAVAIL, NULL, "%s", gai_strerror(rc));
	/* Skip an address that the machine does not have. Stop at one that is in use. */
	for (const struct addrinfo *a = found; a && fd < 0 && fd != -EADDRINUSE; a = a->ai_next)
		fd = listen_on(a, exclusive);
	freeaddrinfo(found);
	if (fd < 0)
		return reason_set(why, fd, NULL, "%s", errno_text(fd));
	return fd;
}

int http_adopt(int listener, struct reason *why)
{
	int flags = fcntl(listener, F_GETFL);

	if (flags < 0 || fcntl(listener, F_SETFL, flags | O_NONBLOCK) < 0)
		return reason_set(why, -errno, NULL, "%s", errno_text(-errno));
	turn_on(listener, IPPROTO_TCP, TCP_NODELAY);
	return 0;
}
