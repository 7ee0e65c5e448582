/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Two atomic numbers and a name per worker. No reader needs both numbers of one moment. A name
 * changes only while its `heard_at_ms` is 0, for at least a second. So a reader that finds
 * `heard_at_ms` set before and after its copy has a complete name.
 */
#include "app/vitals.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

struct vital {
	_Atomic unsigned condition;
	_Atomic int64_t heard_at_ms;
	_Atomic char name[WORKER_NAME_SIZE];
};

struct vitals {
	unsigned workers;
	struct vital rows[];
};

static size_t size_for(unsigned workers)
{
	return sizeof(struct vitals) + workers * sizeof(struct vital);
}

struct vitals *vitals_open(unsigned workers)
{
	const int flags = MAP_SHARED | MAP_ANONYMOUS;
	// cppcheck-suppress invalidFunctionArg ; an anonymous mapping has no file
	void *mapping = mmap(NULL, size_for(workers), PROT_READ | PROT_WRITE, flags, -1, 0);
	struct vitals *vitals = mapping;

	if (mapping == MAP_FAILED)
		return NULL;
	vitals->workers = workers;
	for (unsigned i = 0; i < workers; i++)
		vitals_forget(vitals, i);
	return vitals;
}

void vitals_close(struct vitals *vitals)
{
	if (vitals)
		munmap(vitals, size_for(vitals->workers));
}

void vitals_forget(struct vitals *vitals, unsigned worker)
{
	vitals_tell(vitals, worker, CONDITION_STARTING, 0);
}

void vitals_tell(struct vitals *vitals, unsigned worker, enum condition condition, int64_t now_ms)
{
	atomic_store(&vitals->rows[worker].condition, condition);
	atomic_store(&vitals->rows[worker].heard_at_ms, now_ms);
}

void vitals_set_name(struct vitals *vitals, unsigned worker, const char *text)
{
	struct vital *row = &vitals->rows[worker];
	size_t i = 0;

	for (; i < WORKER_NAME_SIZE - 1 && text[i]; i++)
		atomic_store(&row->name[i], text[i]);
	atomic_store(&row->name[i], '\0');
}

unsigned vitals_count(const struct vitals *vitals)
{
	return vitals->workers;
}

bool vitals_get_name(const struct vitals *vitals, unsigned worker, char out[WORKER_NAME_SIZE])
{
	const struct vital *row = &vitals->rows[worker];
	bool is_named = atomic_load(&row->heard_at_ms) != 0;

	for (size_t i = 0; i < WORKER_NAME_SIZE; i++)
		out[i] = atomic_load(&row->name[i]);
	return is_named && atomic_load(&row->heard_at_ms) != 0;
}

enum condition vitals_worst(const struct vitals *vitals)
{
	unsigned worst = CONDITION_READY;

	for (unsigned i = 0; i < vitals->workers; i++) {
		unsigned condition = atomic_load(&vitals->rows[i].condition);

		worst = condition > worst ? condition : worst;
	}
	return (enum condition)worst;
}

int64_t vitals_heard_at_ms(const struct vitals *vitals, unsigned worker)
{
	return atomic_load(&vitals->rows[worker].heard_at_ms);
}
