/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The registry of metrics (private to the process) and their values (one shared mapping, one row of
 * slots per worker). Each worker registers its metrics by itself, perhaps in another order. So the
 * mapping begins with a directory that all share: the place of a metric's hash is the place of its
 * slots. A counter or gauge uses one slot of its place, a histogram one per bucket and one for its
 * sum. Running out of places is a bug of ours and aborts.
 */
#include "core/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct metric {
	enum metric_type type;
	const char *name;
	const char *labels;
	const char *help;
	size_t slot; /* the first of its place */
};

static const struct bucket {
	int64_t limit_us;
	const char *label;
} buckets[] = {
	{ 1000, "0.001" },     { 2500, "0.0025" }, { 5000, "0.005" },  { 10000, "0.01" },
	{ 25000, "0.025" },    { 50000, "0.05" },  { 100000, "0.1" },  { 250000, "0.25" },
	{ 500000, "0.5" },     { 1000000, "1" },   { 2500000, "2.5" }, { 5000000, "5" },
	{ 10000000, "10" },    { 25000000, "25" }, { 50000000, "50" }, { 60000000, "60" },
	{ INT64_MAX, "+Inf" },
};

#define BUCKET_COUNT (sizeof(buckets) / sizeof(buckets[0]))
#define PLACE_SLOTS  (BUCKET_COUNT + 1)
#define ROW_SLOTS    (METRICS_MAX * PLACE_SLOTS)

static struct {
	size_t count;
	size_t workers;
	size_t worker;               /* ours */
	_Atomic uint64_t *directory; /* METRICS_MAX hashes; 0: free */
	_Atomic int64_t *values;     /* right after the directory */
	struct metric metrics[METRICS_MAX];
} registry;

static size_t mapping_size(void)
{
	return METRICS_MAX * sizeof(*registry.directory) +
	       registry.workers * ROW_SLOTS * sizeof(*registry.values);
}

void metrics_setup(int workers)
{
	assert(workers >= 1);
	if (registry.directory)
		munmap(registry.directory, mapping_size());
	memset(&registry, 0, sizeof(registry));
	registry.workers = (size_t)workers;

	const int flags = MAP_SHARED | MAP_ANONYMOUS;
	// cppcheck-suppress invalidFunctionArg ; an anonymous mapping has no file
	void *mapping = mmap(NULL, mapping_size(), PROT_READ | PROT_WRITE, flags, -1, 0);
	if (mapping == MAP_FAILED)
		abort();
	registry.directory = mapping;
	registry.values = (_Atomic int64_t *)(registry.directory + METRICS_MAX);
}

static _Atomic int64_t *slot_at(size_t worker, size_t slot)
{
	return &registry.values[worker * ROW_SLOTS + slot];
}

static int64_t slot_sum(size_t slot)
{
	int64_t sum = 0;

	for (size_t worker = 0; worker < registry.workers; worker++)
		sum += atomic_load_explicit(slot_at(worker, slot), memory_order_relaxed);
	return sum;
}

void metrics_select(int worker)
{
	assert(worker >= 0 && (size_t)worker < registry.workers);
	registry.worker = (size_t)worker;
	for (size_t i = 0; i < registry.count; i++) {
		if (registry.metrics[i].type == METRIC_GAUGE)
			metric_set(&registry.metrics[i], 0);
	}
}

/* FNV-1a; never 0. */
static uint64_t hash_of(const char *name, const char *labels)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (const char *at = name; *at; at++)
		hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
	hash = (hash ^ '{') * UINT64_C(1099511628211);
	for (const char *at = labels; *at; at++)
		hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
	return hash ? hash : 1;
}

/* A metric has the same place in every worker, whichever worker registers it first. */
static size_t find_place(uint64_t hash)
{
	for (size_t i = 0; i < METRICS_MAX; i++) {
		size_t place = (hash + i) % METRICS_MAX;
		uint64_t found = 0;

		if (atomic_compare_exchange_strong(&registry.directory[place], &found, hash) ||
		    found == hash)
			return place;
	}
	abort();
}

static struct metric *find_or_register(enum metric_type type, const char *name, const char *labels,
				       const char *help)
{
	labels = labels ? labels : "";
	if (!registry.directory)
		metrics_setup(1);
	for (size_t i = 0; i < registry.count; i++) {
		struct metric *metric = &registry.metrics[i];

		if (strcmp(metric->name, name) != 0)
			continue;
		assert(metric->type == type);
		if (strcmp(metric->labels, labels) == 0)
			return metric;
	}
	if (registry.count == METRICS_MAX)
		abort();

	struct metric *metric = &registry.metrics[registry.count++];
	*metric = (struct metric){ .type = type,
				   .name = name,
				   .labels = labels,
				   .help = help,
				   .slot = find_place(hash_of(name, labels)) * PLACE_SLOTS };
	/* An earlier owner of our row may have died with gauges above zero, such as open
	 * connections. */
	if (type == METRIC_GAUGE)
		metric_set(metric, 0);
	return metric;
}

struct metric *metric_counter(const char *name, const char *labels, const char *help)
{
	return find_or_register(METRIC_COUNTER, name, labels, help);
}

struct metric *metric_gauge(const char *name, const char *labels, const char *help)
{
	return find_or_register(METRIC_GAUGE, name, labels, help);
}

struct metric *metric_histogram(const char *name, const char *labels, const char *help)
{
	return find_or_register(METRIC_HISTOGRAM, name, labels, help);
}

static void slot_add(size_t slot, int64_t n)
{
	atomic_fetch_add_explicit(slot_at(registry.worker, slot), n, memory_order_relaxed);
}

void metric_add(struct metric *metric, int64_t n)
{
	if (!metric)
		return;
	assert(metric->type == METRIC_GAUGE || (metric->type == METRIC_COUNTER && n >= 0));
	slot_add(metric->slot, n);
}

void metric_set(struct metric *metric, int64_t n)
{
	if (!metric)
		return;
	assert(metric->type == METRIC_GAUGE);
	atomic_store_explicit(slot_at(registry.worker, metric->slot), n, memory_order_relaxed);
}

void metric_observe_us(struct metric *metric, int64_t us)
{
	size_t bucket = 0;

	if (!metric)
		return;
	assert(metric->type == METRIC_HISTOGRAM);
	if (us < 0) /* a clock stepped back */
		us = 0;
	while (us > buckets[bucket].limit_us)
		bucket++;
	slot_add(metric->slot + bucket, 1);
	slot_add(metric->slot + BUCKET_COUNT, us);
}

int64_t metric_value(const struct metric *metric)
{
	if (!metric)
		return 0;
	if (metric->type != METRIC_HISTOGRAM)
		return slot_sum(metric->slot);

	int64_t count = 0;
	for (size_t bucket = 0; bucket < BUCKET_COUNT; bucket++)
		count += slot_sum(metric->slot + bucket);
	return count;
}

/* `name_suffix{labels,extra} value`, the braces only when there is something in them. */
static void render_sample(struct buf *out, const struct metric *metric, const char *suffix,
			  const char *le, int64_t value)
{
	bool has_labels = metric->labels[0] != '\0';

	buf_add_text(out, metric->name);
	buf_add_text(out, suffix);
	if (has_labels || le)
		buf_add_char(out, '{');
	buf_add_text(out, metric->labels);
	if (le)
		buf_addf(out, "%sle=\"%s\"", has_labels ? "," : "", le);
	if (has_labels || le)
		buf_add_char(out, '}');
	if (strcmp(suffix, "_sum") == 0)
		buf_addf(out, " %" PRId64 ".%06" PRId64 "\n", value / 1000000, value % 1000000);
	else
		buf_addf(out, " %" PRId64 "\n", value);
}

static void render_metric(struct buf *out, const struct metric *metric)
{
	int64_t count = 0;

	if (metric->type != METRIC_HISTOGRAM) {
		render_sample(out, metric, "", NULL, slot_sum(metric->slot));
		return;
	}
	for (size_t bucket = 0; bucket < BUCKET_COUNT; bucket++) {
		count += slot_sum(metric->slot + bucket);
		render_sample(out, metric, "_bucket", buckets[bucket].label, count);
	}
	render_sample(out, metric, "_sum", NULL, slot_sum(metric->slot + BUCKET_COUNT));
	render_sample(out, metric, "_count", NULL, count);
}

static bool is_first_of_its_name(size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (strcmp(registry.metrics[i].name, registry.metrics[index].name) == 0)
			return false;
	}
	return true;
}

void metrics_render(struct buf *out)
{
	static const char *const types[] = {
		[METRIC_COUNTER] = "counter",
		[METRIC_GAUGE] = "gauge",
		[METRIC_HISTOGRAM] = "histogram",
	};

	for (size_t i = 0; i < registry.count; i++) {
		const struct metric *first = &registry.metrics[i];

		if (!is_first_of_its_name(i))
			continue;
		buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", first->name, first->help, first->name,
			 types[first->type]);
		/* The format requires all samples of a name together. */
		for (size_t k = i; k < registry.count; k++) {
			if (strcmp(registry.metrics[k].name, first->name) == 0)
				render_metric(out, &registry.metrics[k]);
		}
	}
}
