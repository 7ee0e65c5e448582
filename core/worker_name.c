/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Names of workers. The place is the start of SHA-256 over the kernel's boot id and the inode of
 * our PID namespace; when either cannot be read, the place is random, so no other process shares
 * it.
 */
#include "core/worker_name.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/crypto.h"

#define DIGITS    8
#define HOST_SIZE 64

struct worker_name {
	struct str host;
	struct str place;
	pid_t pid;
};

/* ---- making -------------------------------------------------------------------------------- */

static bool read_boot_id(char *out, size_t size)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, out, size - 1);
	close(fd);
	if (n <= 0)
		return false;
	out[n] = '\0';
	return true;
}

static void add_random(char out[DIGITS + 1])
{
	uint8_t noise[DIGITS / 2];

	random_bytes(noise, sizeof(noise));
	hex_encode(noise, sizeof(noise), out);
}

static void add_place(char out[DIGITS + 1])
{
	char boot_id[64];
	char text[96];
	uint8_t hash[SHA256_SIZE];
	struct stat pids;

	if (!read_boot_id(boot_id, sizeof(boot_id)) || stat("/proc/self/ns/pid", &pids) < 0) {
		add_random(out);
		return;
	}
	snprintf(text, sizeof(text), "%s %" PRIu64, boot_id, (uint64_t)pids.st_ino);
	crypto_sha256(str_of(text), hash);
	hex_encode(hash, DIGITS / 2, out);
}

void worker_name_make(char out[WORKER_NAME_SIZE])
{
	char host[HOST_SIZE];
	char place[DIGITS + 1];
	char noise[DIGITS + 1];

	if (gethostname(host, sizeof(host)) < 0)
		snprintf(host, sizeof(host), "host");
	host[sizeof(host) - 1] = '\0';
	add_place(place);
	add_random(noise);
	snprintf(out, WORKER_NAME_SIZE, "%s-%s-%d-%s", host, place, (int)getpid(), noise);
}

/* ---- reading ------------------------------------------------------------------------------- */

static bool are_digits(struct str text)
{
	uint8_t bytes[DIGITS / 2];

	return hex_decode(text, bytes, sizeof(bytes));
}

/* Cuts the last piece off `*rest`, because a host name may have hyphens, too. */
static bool cut_last(struct str *rest, struct str *piece)
{
	const char *hyphen = memrchr(rest->at, '-', rest->len);

	if (!hyphen)
		return false;
	*piece = str_from(*rest, (size_t)(hyphen - rest->at) + 1);
	rest->len = (size_t)(hyphen - rest->at);
	return true;
}

static bool read_name(struct str text, struct worker_name *out)
{
	struct str pid;
	struct str noise;
	unsigned long long number;

	if (text.len >= WORKER_NAME_SIZE || !cut_last(&text, &noise) || !cut_last(&text, &pid) ||
	    !cut_last(&text, &out->place))
		return false;
	out->host = text;
	if (!are_digits(noise) || !are_digits(out->place) || !str_to_u64(pid, &number) ||
	    number == 0 || number > INT32_MAX)
		return false;
	out->pid = (pid_t)number;
	return true;
}

bool worker_name_is_gone(struct str name, struct str ours)
{
	struct worker_name theirs;
	struct worker_name we;

	if (!read_name(name, &theirs) || !read_name(ours, &we) || !str_eq(theirs.host, we.host) ||
	    !str_eq(theirs.place, we.place))
		return false;
	return kill(theirs.pid, 0) < 0 && errno == ESRCH;
}
