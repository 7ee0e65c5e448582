/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Claims the port for an installation.
 *
 * Happy path: the lock file shows whether a process of this installation has the port. If none
 * has, open an exclusive socket. If one has, the workers open shared sockets beside it.
 * Failure: another program or installation has the port, and the error names it.
 * Without a writable data directory there is no lock file: a free port still works, but no other
 * process can share it.
 */
#include "app/port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/systemd.h"
#include "cli/port_owner.h"
#include "core/errno_text.h"
#include "http/http.h"

/* Bytes of the lock file. A lock belongs to the open file: forked workers share it, and the kernel
 * drops it with the last process, however that ends. */
#define DECIDING     0 /* exclusive, held while a process decides whether it may have the port */
#define LISTENING    1 /* shared, held as long as the process may listen */

#define DECIDE_TRIES 500
#define DECIDE_PAUSE 10000000L /* ns */

static struct flock lock_of(short type, off_t byte)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
}

static int open_lock(const struct config *config)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s/port-%s-%u.lock", config->data_dir, config->listen_host,
		     (unsigned)config->listen_port) < 0)
		return -1;
	(void)mkdir(config->data_dir, 0700); /* it may exist; open() reports other errors */
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(path);
	return fd;
}

/* Others hold this lock for moments. Give up in the end, since one of them may be suspended. */
static int begin_to_decide(int fd)
{
	const struct timespec pause = { .tv_nsec = DECIDE_PAUSE };
	struct flock lock = lock_of(F_WRLCK, DECIDING);

	for (int i = 0; i < DECIDE_TRIES; i++) {
		if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
			return 0;
		if (errno != EAGAIN && errno != EACCES)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

static void end_deciding(int fd)
{
	struct flock lock = lock_of(F_UNLCK, DECIDING);

	(void)fcntl(fd, F_OFD_SETLK, &lock);
}

/* Returns 1, 0, or a negative errno. */
static int is_held_by_others(int fd)
{
	struct flock lock = lock_of(F_WRLCK, LISTENING);

	if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
		return -errno;
	return lock.l_type != F_UNLCK;
}

static int hold(int fd)
{
	struct flock lock = lock_of(F_RDLCK, LISTENING);

	return fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

static int explain_taken(const struct config *config, bool has_lock, struct reason *why)
{
	struct buf owners;

	buf_init(&owners, sizeof(why->text) / 2);
	port_name_owners(config->listen_port, &owners);
	if (owners.len == 0)
		buf_add_text(&owners, "another program");
	(void)reason_set(why, -EADDRINUSE, "WRENN_EVENTS_LISTEN", "%s:%u is in use by %s%s",
			 config->listen_host, (unsigned)config->listen_port,
			 owners.err ? "another program" : buf_text(&owners),
			 has_lock ? ""
				  : "; processes that share a port need one writable data "
				    "directory");
	buf_done(&owners);
	return -EADDRINUSE;
}

static int listen_alone(struct port *port, const struct config *config, struct reason *why)
{
	int fd = http_listen(config->listen_host, config->listen_port, true, why);

	if (fd == -EADDRINUSE)
		return explain_taken(config, port->lock >= 0, why);
	if (fd < 0)
		return fd;
	port->listener = fd;
	return 0;
}

/* Without locks in the file system we cannot tell whether this installation has the port. */
static int explain_lock(const struct config *config, int rc, struct reason *why)
{
	return reason_set(why, rc, "WRENN_EVENTS_DATA_DIR",
			  "cannot lock the port's file in %s: %s; use a data directory on a file "
			  "system with locks",
			  config->data_dir, errno_text(rc));
}

static int take(struct port *port, const struct config *config, struct reason *why)
{
	int rc = is_held_by_others(port->lock);

	if (rc < 0)
		return explain_lock(config, rc, why);
	rc = rc ? 0 : listen_alone(port, config, why);
	if (rc < 0)
		return rc;
	rc = hold(port->lock);
	return rc < 0 ? explain_lock(config, rc, why) : 0;
}

static int decide(struct port *port, const struct config *config, struct reason *why)
{
	int rc = begin_to_decide(port->lock);

	if (rc < 0)
		return reason_set(why, rc, "WRENN_EVENTS_DATA_DIR",
				  "cannot lock the port's file in %s: %s", config->data_dir,
				  rc == -EBUSY
					  ? "another starting process has held it for 5 s; end it"
					  : errno_text(rc));
	rc = take(port, config, why);
	end_deciding(port->lock);
	return rc;
}

/* Returns 1 if systemd passed a socket, 0 if not, or a negative errno. */
static int take_from_systemd(struct port *port, struct reason *why)
{
	int fd = systemd_listener();
	int rc;

	if (fd == 0)
		return 0;
	if (fd < 0)
		return reason_set(why, fd, "wrenn-events.socket",
				  "expected one listening TCP socket from systemd; give the "
				  "unit one ListenStream=host:port");
	rc = http_adopt(fd, why);
	if (rc < 0)
		return rc;
	port->listener = fd;
	port->is_given = true;
	return 1;
}

int port_claim(struct port *port, const struct config *config, struct reason *why)
{
	int rc;

	*port = (struct port){ .lock = -1 };
	rc = take_from_systemd(port, why);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (config->share_port == CONFIG_SHARE_ANY)
		return 0;
	port->lock = open_lock(config);
	rc = port->lock < 0 ? listen_alone(port, config, why) : decide(port, config, why);
	if (rc < 0)
		port_release(port);
	return rc;
}

void port_drop_listener(struct port *port)
{
	if (port->is_given)
		return;
	if (port->listener)
		close(port->listener);
	port->listener = 0;
}

void port_release(struct port *port)
{
	port_drop_listener(port);
	if (port->lock >= 0)
		close(port->lock);
	port->lock = -1;
}
