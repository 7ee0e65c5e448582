/* SPDX-License-Identifier: Apache-2.0 */

/* libcurl's result does not name the cause. The guard's errno, or a test of our own, does. */
#include "net/outbound_shortage.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

static bool lacks_descriptors(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	if (fd < 0)
		return is_shortage(errno);
	close(fd);
	return false;
}

bool outbound_is_our_shortage(CURLcode result, const struct outbound_guard *guard)
{
	/* Once connected, libcurl reports "out of memory" also for an answer that exceeds one of
	 * its limits, such as an endless header line. */
	if (result == CURLE_OUT_OF_MEMORY)
		return !guard->is_connected;
	/* The resolver does not say why it failed. It needs a descriptor, as this check does. */
	if (result == CURLE_COULDNT_RESOLVE_HOST)
		return lacks_descriptors();
	return result == CURLE_COULDNT_CONNECT && is_shortage(guard->socket_error);
}
