/* SPDX-License-Identifier: Apache-2.0 */

/* Members that every step of the consumer needs. The consumer sets them once. Private to bus/. */
#ifndef BUS_STEP_H
#define BUS_STEP_H

#include <hiredis/hiredis.h>

struct redis;

struct step {
	struct redis *redis;
	const char *group;
	/* Redis answered with an error; the step is over. */
	void (*on_error)(struct redis *redis, const redisReply *error, void *owner);
	void *owner; /* of every callback of the step */
};

static inline void step_fail(const struct step *step, const redisReply *error)
{
	step->on_error(step->redis, error, step->owner);
}

#endif
