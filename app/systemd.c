/* SPDX-License-Identifier: Apache-2.0 */

/* A message that cannot be sent is lost. systemd then acts as if this process were silent. */
#include "app/systemd.h"

#ifdef WITH_SYSTEMD

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

void systemd_notify(const char *lines)
{
	(void)sd_notify(0, lines);
}

int64_t systemd_watchdog_ms(void)
{
	uint64_t limit_us = 0;

	return sd_watchdog_enabled(0, &limit_us) > 0 ? (int64_t)(limit_us / 1000) : 0;
}

int systemd_listener(void)
{
	int count = sd_listen_fds(0);

	if (count <= 0)
		return count;
	if (count > 1 || (sd_is_socket_inet(SD_LISTEN_FDS_START, AF_INET, SOCK_STREAM, 1, 0) <= 0 &&
			  sd_is_socket_inet(SD_LISTEN_FDS_START, AF_INET6, SOCK_STREAM, 1, 0) <= 0))
		return -EINVAL;
	return SD_LISTEN_FDS_START;
}

#else

void systemd_notify(const char *lines)
{
	(void)lines;
}

int64_t systemd_watchdog_ms(void)
{
	return 0;
}

int systemd_listener(void)
{
	return 0;
}

#endif
