/* SPDX-License-Identifier: Apache-2.0 */

/* An outbound on a loop of its own and a receiver on loopback. Faults of the set-up fail the
 * test. */
#ifndef TESTS_UNIT_NET_OUTBOUND_RIG_H
#define TESTS_UNIT_NET_OUTBOUND_RIG_H

#include <netinet/in.h>
#include <uv.h>

#include "net/net.h"
#include "tests/support/patience.h"
#include "tests/support/receiver.h"

/* What came back, copied out of the callback. */
struct result {
	unsigned calls;
	enum answer_fault fault;
	int status;
	size_t body_len;
	char body[64];
	char retry_after[64];
	char content_type[64];
	const char *why;
	int64_t duration_us;
};

struct bench {
	uv_loop_t loop;
	uv_timer_t tick; /* wakes the loop, so that a condition elsewhere is seen */
	struct outbound *outbound;
	struct receiver *receiver;
	bool is_closed;
};

extern struct bench bench;
extern bool guard_allows;
extern unsigned guard_calls;
extern struct sockaddr_storage guard_saw;

bool guard(const struct sockaddr *address, const void *arg);
void on_answer(const struct answer *answer, void *owner);
void on_bench_closed(void *owner); /* sets the bool */

/* With a receiver that answers so, unless it is NULL. */
void open_bench(receiver_fn answer, const char *ca_file);
void close_bench(void);

/* Turns the loop until the flag is set, or fails. */
void turn_until(const bool *condition);
void wait_for_result(const struct result *result);

struct outbound_call *send_to(const char *url, const char *method, unsigned timeout_ms,
			      struct result *result);
/* POSTs to the receiver and waits for the end. */
void exchange(const char *path, struct result *result);

#endif
