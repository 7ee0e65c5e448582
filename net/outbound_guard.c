/* SPDX-License-Identifier: Apache-2.0 */

/* Opens the sockets of outgoing requests, and notes why one could not be made. */
#include "net/outbound_guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static curl_socket_t open_socket(void *owner, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct outbound_guard *guard = owner;

	if (purpose != CURLSOCKTYPE_IPCXN || !guard->allow(&address->addr, guard->argument)) {
		guard->is_refused = true;
		return CURL_SOCKET_BAD;
	}

	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
			address->protocol);

	guard->socket_error = fd < 0 ? errno : 0;
	return fd;
}

static bool address_from_text(const char *text, int port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		return true;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		return true;
	}
	return false;
}

/* Refuses an address that it cannot read. */
/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl defines the signature */
static int before_request(void *owner, char *remote_ip, char *local_ip, int remote_port,
			  int local_port)
{
	struct outbound_guard *guard = owner;
	struct sockaddr_storage address;

	(void)local_ip;
	(void)local_port;
	guard->is_connected = true;
	if (remote_ip && address_from_text(remote_ip, remote_port, &address) &&
	    guard->allow((const struct sockaddr *)&address, guard->argument))
		return CURL_PREREQFUNC_OK;
	guard->is_refused = true;
	return CURL_PREREQFUNC_ABORT;
}

void outbound_guard_watch(struct outbound_guard *guard, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, guard);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, guard);
}
