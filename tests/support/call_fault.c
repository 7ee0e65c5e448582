/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/call_fault.h"

#include <errno.h>

#include "net/redis_commands.h"
#include "store/store.h"

/* The linker's names. The real functions are weak, because tests of lower folders lack them. */
#define WEAK __attribute__((weak))
WEAK int __real_store_write(struct store *store, struct store_job *job);
WEAK int __real_store_read(struct store *store, struct store_job *job);
WEAK int __real_redis_commands_send(struct redis_commands *commands, unsigned timeout_ms,
				    redis_reply_fn on_reply, void *owner, int argc,
				    const struct str *argv);
int __wrap_store_write(struct store *store, struct store_job *job);
int __wrap_store_read(struct store *store, struct store_job *job);
int __wrap_redis_commands_send(struct redis_commands *commands, unsigned timeout_ms,
			       redis_reply_fn on_reply, void *owner, int argc,
			       const struct str *argv);

static bool is_armed;
static enum faulty_call failing;
static unsigned left;

static bool fails(enum faulty_call call)
{
	if (!is_armed || call != failing || left-- > 0)
		return false;
	is_armed = false;
	return true;
}

int __wrap_store_write(struct store *store, struct store_job *job)
{
	return fails(FAULT_STORE) ? -ENOBUFS : __real_store_write(store, job);
}

int __wrap_store_read(struct store *store, struct store_job *job)
{
	return fails(FAULT_STORE) ? -ENOBUFS : __real_store_read(store, job);
}

int __wrap_redis_commands_send(struct redis_commands *commands, unsigned timeout_ms,
			       redis_reply_fn on_reply, void *owner, int argc,
			       const struct str *argv)
{
	return fails(FAULT_REDIS) ? -ENOMEM
				  : __real_redis_commands_send(commands, timeout_ms, on_reply,
							       owner, argc, argv);
}

void call_fail_after(enum faulty_call call, unsigned count)
{
	failing = call;
	left = count;
	is_armed = true;
}

bool call_recover(void)
{
	bool was_met = !is_armed;

	is_armed = false;
	return was_met;
}
