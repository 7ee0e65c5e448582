/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Forks the workers and supervises them. It restarts a worker that died after a second, passes on
 * SIGTERM and SIGINT, and kills workers that do not end within twenty seconds.
 */
#include "app/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/reload.h"
#include "app/wiring.h"
#include "cli/command.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"

#define STOP_LIMIT_MS 20000
#define RESTART_MS    1000
#define FORK_LIMIT_MS 100 /* so a stalled reader of the log delays no worker for longer */

struct supervisor {
	struct config *config;
	const char *file;
	struct port *port;
	struct vitals *vitals;
	struct reporter *reporter;
	pid_t *pids;            /* one per worker; 0: not running */
	int64_t *restart_at_ms; /* when to restart a worker that died */
	bool stopping;
	int64_t stop_by_ms;
};

void supervisor_log(const struct config *config, int worker)
{
	reload_log(config, worker);
	log_start();
}

/* The rest of a forked worker's life. */
static int run_forked_worker(const struct supervisor *all, int index)
{
	int code;

	supervisor_log(all->config, index);
	metrics_select(index);
	code = worker_run(&(struct worker_options){ .config = all->config,
						    .file = all->file,
						    .listener = all->port->listener,
						    .listener_is_kept = all->port->is_given,
						    .index = (unsigned)index,
						    .vitals = all->vitals });
	log_stop(LOG_LAST_LINES_MS);
	return code;
}

static void start_worker(struct supervisor *all, unsigned index, const sigset_t *old_mask)
{
	pid_t parent = getpid();
	pid_t pid;
	int error;

	/* Ends the log's thread: a fork copies only one, and a leak checker in the worker would
	 * look for the others. */
	log_stop(FORK_LIMIT_MS);
	vitals_forget(all->vitals, index);
	pid = fork();
	error = errno;
	if (pid != 0)
		log_start();
	if (pid < 0) {
		log_error("cannot fork a worker", log_str("error", strerror(error)));
		all->restart_at_ms[index] = clock_mono_ms() + RESTART_MS;
		return;
	}
	if (pid > 0) {
		all->pids[index] = pid;
		port_drop_listener(all->port);
		return;
	}
	/* The worker must not outlive its parent: nobody would restart or stop it. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_FAILED);
	sigprocmask(SIG_SETMASK, old_mask, NULL);
	exit(run_forked_worker(all, (int)index));
}

static void start_missing_workers(struct supervisor *all, const sigset_t *old_mask)
{
	int64_t now_ms = clock_mono_ms();

	for (unsigned i = 0; i < all->config->workers; i++)
		if (all->pids[i] == 0 && now_ms >= all->restart_at_ms[i])
			start_worker(all, i, old_mask);
}

static void reap_workers(struct supervisor *all)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < all->config->workers; i++) {
			if (all->pids[i] != pid)
				continue;
			all->pids[i] = 0;
			all->restart_at_ms[i] = clock_mono_ms() + RESTART_MS;
			if (!all->stopping)
				log_error("a worker ended; restarting it",
					  log_int("index", (int64_t)i), log_int("pid", pid),
					  log_int("signal",
						  WIFSIGNALED(status) ? WTERMSIG(status) : 0));
		}
}

static unsigned signal_workers(const struct supervisor *all, int number)
{
	unsigned running = 0;

	for (unsigned i = 0; i < all->config->workers; i++)
		if (all->pids[i] > 0) {
			kill(all->pids[i], number);
			running++;
		}
	return running;
}

/* systemd watches only this process. So this process ends a worker whose loop is blocked. */
static void kill_silent_workers(const struct supervisor *all)
{
	int64_t limit_ms = all->reporter->watchdog_ms;
	int64_t now_ms = clock_mono_ms();

	for (unsigned i = 0; i < all->config->workers && limit_ms > 0; i++) {
		int64_t heard_at_ms = vitals_heard_at_ms(all->vitals, i);

		if (all->pids[i] <= 0 || heard_at_ms == 0 || now_ms - heard_at_ms < limit_ms)
			continue;
		log_error("the loop of a worker is blocked; ending the worker",
			  log_int("index", (int64_t)i), log_int("pid", all->pids[i]),
			  log_int("silent_ms", now_ms - heard_at_ms));
		kill(all->pids[i], SIGKILL);
	}
}

static void begin_stop(struct supervisor *all)
{
	if (all->stopping)
		return;
	all->stopping = true;
	reporter_stopping(all->reporter);
	all->stop_by_ms = clock_mono_ms() + STOP_LIMIT_MS;
	signal_workers(all, SIGTERM);
}

/* A worker that starts later gets the new settings from this process. */
static void reload_all(struct supervisor *all)
{
	const struct reload reload = { .config = all->config, .file = all->file, .worker = -1 };

	reporter_reloading(all->reporter, clock_mono_us());
	reload_settings(&reload);
	signal_workers(all, SIGHUP);
	reporter_reloaded(all->reporter);
}

static void watch_workers(struct supervisor *all, const sigset_t *waited, const sigset_t *old_mask)
{
	const struct timespec pause = { .tv_nsec = 250 * 1000 * 1000 };

	for (;;) {
		if (!all->stopping)
			start_missing_workers(all, old_mask);

		int number = sigtimedwait(waited, NULL, &pause);

		reap_workers(all);
		reporter_turn(all->reporter, clock_mono_ms());
		if (number == SIGTERM || number == SIGINT)
			begin_stop(all);
		if (number == SIGHUP)
			reload_all(all);
		if (!all->stopping) {
			kill_silent_workers(all);
			continue;
		}
		if (signal_workers(all, 0) == 0)
			return;
		if (clock_mono_ms() > all->stop_by_ms)
			signal_workers(all, SIGKILL);
	}
}

int supervise(struct config *config, const char *file, struct port *port, struct reporter *reporter)
{
	struct supervisor all = { .config = config,
				  .file = file,
				  .port = port,
				  .vitals = reporter->vitals,
				  .reporter = reporter };
	sigset_t waited;
	sigset_t old_mask;
	int code = EXIT_FAILED;

	all.pids = calloc(config->workers, sizeof(*all.pids));
	all.restart_at_ms = calloc(config->workers, sizeof(*all.restart_at_ms));
	if (all.pids && all.restart_at_ms) {
		sigemptyset(&waited);
		sigaddset(&waited, SIGTERM);
		sigaddset(&waited, SIGINT);
		sigaddset(&waited, SIGHUP);
		sigaddset(&waited, SIGCHLD);
		sigprocmask(SIG_BLOCK, &waited, &old_mask);
		watch_workers(&all, &waited, &old_mask);
		code = EXIT_GOOD;
	}
	free(all.pids);
	free(all.restart_at_ms);
	return code;
}
