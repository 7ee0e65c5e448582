/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any bytes as a settings file. Faults are whole lines without control characters; settings
 * that were taken come back the same through the environment.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/config.h"

#define CHECK(fact)              \
	do {                     \
		if (!(fact))     \
			abort(); \
	} while (0)

static void check_faults(const struct buf *faults)
{
	CHECK(faults->err == 0);
	CHECK(faults->len > 0 && faults->bytes[faults->len - 1] == '\n');
	for (size_t i = 0; i < faults->len; i++)
		CHECK((unsigned char)faults->bytes[i] >= 0x20 || faults->bytes[i] == '\n');
}

static void check_again(const struct config *config)
{
	char listen[400], workers[64], group[200];
	char *const environment[] = { listen, workers, group, NULL };
	struct buf faults;
	struct config again;

	snprintf(listen, sizeof(listen), "WRENN_EVENTS_LISTEN=%s%s%s:%u",
		 strchr(config->listen_host, ':') ? "[" : "", config->listen_host,
		 strchr(config->listen_host, ':') ? "]" : "", config->listen_port);
	snprintf(workers, sizeof(workers), "WRENN_EVENTS_WORKERS=%u", config->workers);
	snprintf(group, sizeof(group), "WRENN_EVENTS_GROUP=%s", config->group);
	buf_init(&faults, 65536);
	CHECK(config_load(environment, NULL, CONFIG_FOR_STORE, &again, &faults) == 0);
	CHECK(strcmp(again.listen_host, config->listen_host) == 0);
	CHECK(again.listen_port == config->listen_port);
	CHECK(again.workers == config->workers);
	CHECK(strcmp(again.group, config->group) == 0);
	config_done(&again);
	buf_done(&faults);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *const environment[] = { NULL };
	char path[64];
	struct config config;
	struct buf faults;
	int fd = memfd_create("settings", MFD_CLOEXEC);

	CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	buf_init(&faults, 16 * 1024 * 1024);
	int rc = config_load(environment, path, CONFIG_FOR_STORE, &config, &faults);
	if (rc < 0)
		check_faults(&faults);
	else
		check_again(&config);
	config_done(&config);
	buf_done(&faults);
	close(fd);
	return 0;
}
