/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds in /proc who listens on a port: first the inodes of the port's sockets, then the processes
 * that have one of them open. Only root sees the files of other users' processes and of this
 * program's. If no process matches, name the running processes of this program as likely.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/port_owner.h"
#include "core/utf8.h"

#define MAX_SOCKETS 64
#define MAX_NAMED   3
#define LISTENS     0x0a
#define OUR_NAME    "wrenn-events"

struct sockets {
	unsigned long inodes[MAX_SOCKETS];
	size_t count;
};

/* A line is "sl: local:port remote:port state queues timer retransmits uid timeout inode ...". */
static void take_line(char *line, uint16_t port, struct sockets *sockets)
{
	char *colon = strchr(line, ':');
	char *field;
	char *rest = NULL;
	unsigned long numbers[9] = { 0 };
	size_t n = 0;

	for (field = colon ? strtok_r(colon + 1, " ", &rest) : NULL; field && n < 9;
	     field = strtok_r(NULL, " ", &rest), n++) {
		const char *separator = strchr(field, ':');

		numbers[n] = strtoul(separator ? separator + 1 : field, NULL, n < 3 ? 16 : 10);
	}
	if (n == 9 && numbers[0] == port && numbers[2] == LISTENS && sockets->count < MAX_SOCKETS)
		sockets->inodes[sockets->count++] = numbers[8];
}

static void find_sockets(const char *table, uint16_t port, struct sockets *sockets)
{
	char line[512];
	FILE *file = fopen(table, "re");

	if (!file)
		return;
	while (fgets(line, sizeof(line), file))
		take_line(line, port, sockets);
	fclose(file);
}

static bool is_listed(const struct sockets *sockets, const char *link)
{
	unsigned long inode;

	if (strncmp(link, "socket:[", 8) != 0)
		return false;
	inode = strtoul(link + 8, NULL, 10);
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->inodes[i] == inode)
			return true;
	return false;
}

enum sight { HAS_IT, HAS_IT_NOT, KEEPS_IT_SECRET };

static enum sight look_at(const char *pid, const struct sockets *sockets)
{
	char path[300];
	char link[64];
	enum sight sight = HAS_IT_NOT;
	DIR *files;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	files = opendir(path);
	if (!files)
		return errno == EACCES || errno == EPERM ? KEEPS_IT_SECRET : HAS_IT_NOT;
	for (const struct dirent *file = readdir(files); file && sight == HAS_IT_NOT;
	     file = readdir(files)) {
		ssize_t n = readlinkat(dirfd(files), file->d_name, link, sizeof(link) - 1);

		link[n > 0 ? n : 0] = '\0';
		if (is_listed(sockets, link))
			sight = HAS_IT;
	}
	closedir(files);
	return sight;
}

static void read_name(const char *pid, char name[32])
{
	char path[300];
	FILE *file;

	name[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(name, 32, file))
		name[strcspn(name, "\n")] = '\0';
	fclose(file);
}

/* Appends the processes that match and returns their number. */
static size_t name_those(enum sight wanted, const struct sockets *sockets, struct buf *out)
{
	DIR *processes = opendir("/proc");
	size_t named = 0;
	char name[32];

	if (!processes)
		return 0;
	for (const struct dirent *entry = readdir(processes); entry && named < MAX_NAMED;
	     entry = readdir(processes)) {
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid <= 0 || pid == getpid() || look_at(entry->d_name, sockets) != wanted)
			continue;
		read_name(entry->d_name, name);
		if (wanted == KEEPS_IT_SECRET && strcmp(name, OUR_NAME) != 0)
			continue;
		buf_add_text(out, named ? ", or " : "");
		utf8_clean(out, str_of(name), sizeof(name), false);
		buf_addf(out, " (pid %ld)", pid);
		named++;
	}
	closedir(processes);
	return named;
}

void port_name_owners(uint16_t port, struct buf *out)
{
	struct sockets sockets = { .count = 0 };

	find_sockets("/proc/net/tcp", port, &sockets);
	find_sockets("/proc/net/tcp6", port, &sockets);
	if (sockets.count > 0 && name_those(HAS_IT, &sockets, out) == 0)
		name_those(KEEPS_IT_SECRET, &sockets, out);
}
