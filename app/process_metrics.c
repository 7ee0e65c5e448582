/* SPDX-License-Identifier: Apache-2.0 */

/* The names are those of Prometheus' client libraries. Nothing here can fail: values that /proc
 * does not show stay 0. */
#include "app/process_metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/version.h"

#define PERIOD_MS INT64_C(15000)

static int64_t count_files(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int64_t count = 0;

	if (!folder)
		return 0;
	while (readdir(folder))
		count++;
	closedir(folder);
	return count > 3 ? count - 3 : 0; /* ".", ".." and the folder itself */
}

static int64_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long pages = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%*s %ld", &pages) != 1)
		pages = 0;
	fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
}

static int64_t processor_seconds(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) < 0)
		return 0;
	return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec;
}

void process_metrics_start(struct process_metrics *metrics, unsigned worker)
{
	struct metric *build =
		metric_gauge("wrenn_events_build_info", "version=\"" WRENN_EVENTS_VERSION "\"",
			     "1, with the version of the program");
	struct metric *start = metric_gauge("process_start_time_seconds", NULL,
					    "When the first worker started, in seconds since 1970");

	*metrics = (struct process_metrics){ .is_first = worker == 0 };
	metrics->clock = metric_gauge("wrenn_events_clock_seconds", NULL,
				      "The clock of this machine, in seconds since 1970");
	if (metrics->is_first) {
		metric_set(build, 1);
		metric_set(start, clock_wall_ms() / 1000);
	}
	metrics->memory = metric_gauge("process_resident_memory_bytes", NULL,
				       "Memory of all workers, as the kernel counts it");
	metrics->files = metric_gauge("process_open_fds", NULL, "Open files of all workers");
	metrics->processor = metric_counter("process_cpu_seconds_total", NULL,
					    "Processor time of all workers, in whole seconds");
}

void process_metrics_turn(struct process_metrics *metrics, int64_t now_ms)
{
	int64_t processor_s;

	if (metrics->is_first)
		metric_set(metrics->clock, clock_wall_ms() / 1000);
	if (now_ms < metrics->due_ms)
		return;
	metrics->due_ms = now_ms + PERIOD_MS;
	processor_s = processor_seconds();
	metric_add(metrics->processor, processor_s - metrics->processor_s);
	metrics->processor_s = processor_s;
	metric_set(metrics->memory, resident_bytes());
	metric_set(metrics->files, count_files());
}
