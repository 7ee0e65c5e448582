/* SPDX-License-Identifier: Apache-2.0 */

/* Services start with a soft limit of 1,024 open files and a far higher hard one. The low default
 * protects programs that use select(2). Nothing in this program uses it. */
#include "app/open_files.h"

#include <sys/resource.h>

#include "core/log.h"
#include "delivery/delivery.h"

/* Redis, the database, the loop, name look-ups, and clients that get a 503 at the limit. */
#define OTHER_FILES       256
#define FILES_PER_REQUEST 2 /* for the name look-up; its connections are counted apart */

/* Returns the new limit, or 0 if it is unknown. */
static uint64_t open_files_allow(uint64_t wanted)
{
	struct rlimit limit;
	struct rlimit raised;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_cur >= wanted)
		return limit.rlim_cur;
	raised = limit;
	raised.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	return setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

void open_files_fit(struct config *config)
{
	const uint64_t each = ROUTE_KEPT + FILES_PER_REQUEST;
	uint64_t wanted =
		config->max_connections + config->max_inflight * each + (uint64_t)OTHER_FILES;
	uint64_t allowed = open_files_allow(wanted);
	uint64_t room = allowed > OTHER_FILES ? allowed - OTHER_FILES : 0;
	uint64_t requests = room / 2 / each;

	if (allowed >= wanted)
		return;
	requests = requests < config->max_inflight ? requests : config->max_inflight;
	config->max_inflight = requests > 0 ? (unsigned)requests : 1;
	room = room > config->max_inflight * each ? room - config->max_inflight * each : 1;
	config->max_connections =
		room < config->max_connections ? (unsigned)room : config->max_connections;
	log_warn("the limit of open files is too low for the settings; raise it or "
		 "serve fewer connections",
		 log_int("allowed", (int64_t)allowed), log_int("wanted", (int64_t)wanted),
		 log_int("connections", config->max_connections),
		 log_int("requests", config->max_inflight));
}
