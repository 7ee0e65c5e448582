/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Happy path: a line is copied into the ring, the thread takes it out and writes it in one
 * write(2), so lines of processes that share standard error do not mix. Failure: what does not fit
 * is counted, and the count is a line of its own once the ring is empty again. When standard error
 * is closed, lines are lost silently.
 *
 * A forked child has no thread and begins with an empty ring: what is in it is the parent's to
 * write.
 */
#include "core/log_writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	pthread_cond_t emptied;
	pthread_t thread;
	log_lost_fn describe_lost;
	bool has_fork_handlers;
	bool is_running; /* the thread */
	bool is_stopping;
	bool is_stuck; /* it could not be stopped: nothing more is written */
	uint64_t lost;
	size_t first;
	size_t used;
	char ring[LOG_RING_SIZE];
} writer = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.filled = PTHREAD_COND_INITIALIZER,
	.emptied = PTHREAD_COND_INITIALIZER,
};

/* ---- writing ------------------------------------------------------------------------------ */

/* Another process that shares the descriptor may have made it non-blocking. */
static void wait_for_room(void)
{
	struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };

	(void)poll(&room, 1, -1);
}

static void write_all(const char *text, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(STDERR_FILENO, text + done, len - done);

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno == EAGAIN)
			wait_for_room();
		else if (n == 0 || errno != EINTR)
			return;
	}
}

/* ---- the ring, under the lock ------------------------------------------------------------- */

static void ring_add(const char *line, size_t len)
{
	size_t at = (writer.first + writer.used) % LOG_RING_SIZE;
	size_t until_end = LOG_RING_SIZE - at;
	size_t front = len < until_end ? len : until_end;

	memcpy(writer.ring + at, line, front);
	memcpy(writer.ring, line + front, len - front);
	writer.used += len;
}

/* A line has one line feed, at its end. */
static size_t ring_take_line(char out[LOG_LINE_SIZE])
{
	size_t len = 0;

	while (len < LOG_LINE_SIZE && len < writer.used) {
		out[len] = writer.ring[(writer.first + len) % LOG_RING_SIZE];
		if (out[len++] == '\n')
			break;
	}
	writer.first = (writer.first + len) % LOG_RING_SIZE;
	writer.used -= len;
	return len;
}

/* The next line, or the line that counts the lost ones; 0: there is nothing to write. */
static size_t take_next(char out[LOG_LINE_SIZE])
{
	uint64_t lost = writer.lost;

	if (writer.used > 0)
		return ring_take_line(out);
	writer.lost = 0;
	return lost > 0 ? writer.describe_lost(lost, out) : 0;
}

/* ---- the thread --------------------------------------------------------------------------- */

static void *run(void *nothing)
{
	char line[LOG_LINE_SIZE];
	size_t len;

	(void)nothing;
	pthread_mutex_lock(&writer.lock);
	for (;;) {
		while ((len = take_next(line)) > 0) {
			pthread_mutex_unlock(&writer.lock);
			write_all(line, len);
			pthread_mutex_lock(&writer.lock);
		}
		if (writer.is_stopping)
			break;
		pthread_cond_wait(&writer.filled, &writer.lock);
	}
	writer.is_running = false;
	pthread_cond_signal(&writer.emptied);
	pthread_mutex_unlock(&writer.lock);
	return NULL;
}

/* ---- forking ------------------------------------------------------------------------------ */

static void before_fork(void)
{
	pthread_mutex_lock(&writer.lock);
}

static void after_fork_in_parent(void)
{
	pthread_mutex_unlock(&writer.lock);
}

static void after_fork_in_child(void)
{
	writer.is_running = false;
	writer.is_stopping = false;
	writer.is_stuck = false;
	writer.lost = 0;
	writer.used = 0;
	/* After the fork they may still refer to the parent's thread. */
	writer.filled = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	writer.emptied = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	pthread_mutex_unlock(&writer.lock);
}

/* ---- writing a line, start and stop ------------------------------------------------------- */

void log_writer_put(const char *line, size_t len)
{
	bool is_direct;

	pthread_mutex_lock(&writer.lock);
	is_direct = !writer.is_running && !writer.is_stuck;
	if (!is_direct && !writer.is_stuck) {
		if (len <= LOG_RING_SIZE - writer.used)
			ring_add(line, len);
		else
			writer.lost++;
		pthread_cond_signal(&writer.filled);
	}
	pthread_mutex_unlock(&writer.lock);
	if (is_direct)
		write_all(line, len);
}

/* This thread handles no signals. */
static int create_thread(void)
{
	sigset_t all;
	sigset_t before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	error = pthread_create(&writer.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

int log_writer_start(log_lost_fn describe_lost)
{
	int rc = 0;

	if (!writer.has_fork_handlers)
		rc = -pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
	if (rc < 0)
		return rc;
	writer.has_fork_handlers = true;
	pthread_mutex_lock(&writer.lock);
	writer.describe_lost = describe_lost;
	/* The last stop may have timed out. Then that thread still runs and goes on writing. */
	writer.is_stopping = false;
	writer.is_stuck = false;
	if (!writer.is_running) {
		rc = create_thread();
		writer.is_running = rc == 0;
	}
	pthread_mutex_unlock(&writer.lock);
	return rc;
}

static struct timespec time_in(unsigned ms)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_sec += ms / 1000;
	time.tv_nsec += (long)(ms % 1000) * 1000000;
	if (time.tv_nsec >= 1000000000) {
		time.tv_sec++;
		time.tv_nsec -= 1000000000;
	}
	return time;
}

void log_writer_stop(unsigned limit_ms)
{
	const struct timespec limit = time_in(limit_ms);
	bool was_running;
	int error = 0;

	pthread_mutex_lock(&writer.lock);
	was_running = writer.is_running;
	writer.is_stopping = true;
	pthread_cond_signal(&writer.filled);
	while (writer.is_running && error == 0)
		error = pthread_cond_clockwait(&writer.emptied, &writer.lock, CLOCK_MONOTONIC,
					       &limit);
	writer.is_stuck = writer.is_running;
	pthread_mutex_unlock(&writer.lock);
	if (was_running && !writer.is_stuck)
		pthread_join(writer.thread, NULL);
}
