/* SPDX-License-Identifier: Apache-2.0 */

/*
 * For LD_PRELOAD: a name server that answers nothing. Names below silent.test hang as long as a
 * test has locked the file SILENT_WHILE, which gets a byte for each look-up. Then they have no
 * address. Names below quick.test have a public one. No test connects to it.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

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

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **out)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (node && is_below(node, ".silent.test")) {
		hang(getenv("SILENT_WHILE"));
		return EAI_NONAME;
	}
	return real(node && is_below(node, ".quick.test") ? "93.184.215.14" : node, service, hints,
		    out);
}
