/* SPDX-License-Identifier: Apache-2.0 */

/* Which entries of consumers of older versions are taken over. */
#include "bus/claim.h"
#include "bus/counters.h"
#include "tests/unit/bus/bus_fixture.h"

#define GROUP "g"

struct claimant {
	struct world world;
	struct redis *redis;
	size_t taken;
	bool is_finished;
};

static bool is_up(void *owner)
{
	return redis_is_up(((struct claimant *)owner)->redis);
}

static bool is_finished(void *owner)
{
	return ((struct claimant *)owner)->is_finished;
}

static void on_claimed(size_t taken, bool is_finished, void *owner)
{
	struct claimant *claimant = owner;

	claimant->taken += taken;
	claimant->is_finished = is_finished;
}

/* The entries of a consumer that got its first one just now and the others some time ago. */
static void leave_entries(struct redis_server *server)
{
	static const char *const idle_ms[] = { "30000", "61000", "90000" };

	redis_server_do(server, "XGROUP CREATE " BUS_STREAM " " GROUP " 0 MKSTREAM");
	for (int i = 0; i < 3; i++) {
		redis_server_do(server, "XADD " BUS_STREAM " %d-1 payload x", i + 1);
		redis_server_do(server, "XREADGROUP GROUP " GROUP " old STREAMS " BUS_STREAM " >");
		redis_server_do(server, "XCLAIM " BUS_STREAM " " GROUP " old 0 %d-1 IDLE %s", i + 1,
				idle_ms[i]);
	}
}

Test(claim, takes_over_what_was_idle_for_so_long_and_leaves_the_rest)
{
	struct claimant claimant = { .taken = 0 };
	struct claim claim = { .step = { .group = GROUP, .owner = &claimant },
			       .idle_ms = 60000,
			       .on_claimed = on_claimed };

	world_open(&claimant.world);
	bus_counters_register();
	leave_entries(&claimant.world.server);
	cr_assert_eq(redis_open(&(struct redis_options){ .loop = &claimant.world.loop,
							 .address = &claimant.world.address,
							 .name = "claimant" },
				&claimant.redis),
		     0);
	run_until(&claimant.world.loop, is_up, &claimant, "the connection");
	claim.step.redis = claimant.redis;
	claim_next(&claim);
	run_until(&claimant.world.loop, is_finished, &claimant, "the round");
	cr_expect_eq(claimant.taken, 2);
	redis_close(claimant.redis, world_on_closed, &claimant.world);
	world_close(&claimant.world);
}
