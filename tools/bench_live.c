/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The load client of `make bench`.
 *
 *   bench_live server=ours|raw|nchan port=N teams=FILE [redis=SOCKET stream=KEY] subscribers=N
 *              [slow=N] [events=N rate=R window=N] [crowd=N] [replay=N]
 *
 * FILE has a line per team: its id, an API key, and the cursor to resume from, or "-". Opens the
 * streams, spread over the teams, reports how long that took, and waits for a line on standard
 * input. Then it publishes the events, spread over the teams, and measures how long each takes to
 * every subscriber. It reports, and holds the streams until standard input ends. With `replay` it
 * publishes nothing, and every stream must get that many events after its cursor.
 *
 * Each report is one line of JSON. The exit code is 1 if a stream broke or an event went missing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "tools/bench_live.h"

#define GIVE_UP_US   (60 * 1000000LL)
#define BATCH_EVENTS 64

void die(const char *what)
{
	fprintf(stderr, "bench_live: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void give_up(const struct bench *b)
{
	fprintf(stderr, "bench_live: %zu streams received %llu of %llu events\n", b->opened,
		(unsigned long long)b->received, (unsigned long long)b->expected);
	exit(1);
}

/* ---- the load ------------------------------------------------------------------------------ */

static bool has_room(const struct bench *b)
{
	uint64_t per_event = b->stream_count / b->team_count;

	return b->published < b->event_count && b->published - b->received / per_event < b->window;
}

/* Microseconds until the next event is due; 0: now. */
static int64_t wait_for_next(const struct bench *b, int64_t started_us)
{
	int64_t due_us;

	if (!has_room(b))
		return 100000;
	if (b->rate <= 0)
		return 0;
	due_us = started_us + (int64_t)((double)b->published * 1e6 / b->rate) - clock_mono_us();
	return due_us > 0 ? due_us : 0;
}

static void run_load(struct bench *b)
{
	int64_t started_us = clock_mono_us();

	while (b->received < b->expected) {
		unsigned burst = 0;

		while (burst++ < BATCH_EVENTS && wait_for_next(b, started_us) == 0)
			publish_one(b);
		publisher_flush(b);
		streams_turn(b, wait_for_next(b, started_us));
		if (clock_mono_us() - started_us > GIVE_UP_US)
			give_up(b);
	}
}

static void run_replay(struct bench *b)
{
	int64_t started_us = clock_mono_us();

	while (b->received < b->expected || b->opened < b->stream_count) {
		streams_open_some(b);
		streams_turn(b, b->next < b->stream_count ? 0 : 1000000);
		if (clock_mono_us() - started_us > GIVE_UP_US)
			give_up(b);
	}
}

/* ---- reports ------------------------------------------------------------------------------- */

static int compare_ages(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void report_load(struct bench *b, int64_t elapsed_us)
{
	size_t n = (size_t)b->expected;

	printf("{\"deliveries\":%zu,\"seconds\":%.4f,\"per_second\":%.0f,", n,
	       (double)elapsed_us / 1e6, (double)n * 1e6 / (double)elapsed_us);
	fflush(stdout);
	qsort(b->ages_us, n, sizeof(*b->ages_us), compare_ages);
	printf("\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n", b->ages_us[n / 2] / 1e3,
	       b->ages_us[n * 99 / 100] / 1e3);
	fflush(stdout);
}

static void report_open(const struct bench *b, int64_t elapsed_us)
{
	printf("{\"streams\":%zu,\"seconds\":%.4f,\"failures\":%zu,\"received\":%llu}\n", b->opened,
	       (double)elapsed_us / 1e6, b->failures, (unsigned long long)b->received);
	fflush(stdout);
}

/* ---- arguments ----------------------------------------------------------------------------- */

static void read_teams(struct bench *b, const char *path)
{
	FILE *file = fopen(path, "re");
	struct team team;

	if (!file)
		die(path);
	while (fscanf(file, "%39s %39s %47s", team.id, team.key, team.cursor) == 3) {
		b->teams = realloc(b->teams, (b->team_count + 1) * sizeof(*b->teams));
		if (!b->teams)
			die("memory");
		b->teams[b->team_count++] = team;
	}
	fclose(file);
	if (b->team_count == 0)
		die("no teams");
}

static enum server_kind server_of(const char *name)
{
	if (strcmp(name, "nchan") == 0)
		return SERVER_NCHAN;
	return strcmp(name, "raw") == 0 ? SERVER_RAW : SERVER_OURS;
}

/* The arguments with a whole number. */
static size_t *find_number(struct bench *b, const char *name, size_t len)
{
	const struct {
		const char *name;
		size_t *value;
	} numbers[] = {
		{ "subscribers", &b->stream_count },
		{ "slow", &b->slow_count },
		{ "events", &b->event_count },
		{ "window", &b->window },
		{ "crowd", &b->crowd },
		{ "replay", &b->replay },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (strlen(numbers[i].name) == len && memcmp(numbers[i].name, name, len) == 0)
			return numbers[i].value;
	return NULL;
}

static void read_argument(struct bench *b, const char *argument)
{
	const char *equals = strchr(argument, '=');
	const char *value = equals ? equals + 1 : "";
	size_t len = equals ? (size_t)(equals - argument) : 0;
	size_t *number = find_number(b, argument, len);

	if (number)
		*number = strtoul(value, NULL, 10);
	else if (strncmp(argument, "server=", len + 1) == 0 && len)
		b->server = server_of(value);
	else if (strncmp(argument, "port=", len + 1) == 0 && len)
		b->port = (int)strtol(value, NULL, 10);
	else if (strncmp(argument, "teams=", len + 1) == 0 && len)
		read_teams(b, value);
	else if (strncmp(argument, "redis=", len + 1) == 0 && len)
		b->redis_socket = value;
	else if (strncmp(argument, "stream=", len + 1) == 0 && len)
		b->redis_stream = value;
	else if (strncmp(argument, "rate=", len + 1) == 0 && len)
		b->rate = strtod(value, NULL);
	else
		die(argument);
}

static void set_up(struct bench *b)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (b->team_count == 0)
		die("no teams");
	b->expected = b->replay ? (uint64_t)b->stream_count * b->replay
				: (uint64_t)b->event_count * (b->stream_count / b->team_count);
	b->epoll = epoll_create1(EPOLL_CLOEXEC);
	b->streams = calloc(b->stream_count + b->slow_count, sizeof(*b->streams));
	b->ages_us = calloc(b->expected + 1, sizeof(*b->ages_us));
	if (b->epoll < 0 || !b->streams || !b->ages_us || !b->stream_count ||
	    b->stream_count % b->team_count != 0)
		die("set-up");
}

int main(int argc, char **argv)
{
	struct bench b = { .window = 200, .crowd = 500, .redis_stream = "wrenn:events" };
	int64_t started_us;

	for (int i = 1; i < argc; i++)
		read_argument(&b, argv[i]);
	set_up(&b);
	started_us = clock_mono_us();
	if (b.replay)
		run_replay(&b);
	else
		streams_open(&b);
	report_open(&b, clock_mono_us() - started_us);
	streams_open_slow(&b);
	if (b.event_count > 0 && getchar() != EOF) {
		publisher_start(&b);
		started_us = clock_mono_us();
		run_load(&b);
		report_load(&b, clock_mono_us() - started_us);
	}
	while (getchar() != EOF)
		;
	return 0;
}
