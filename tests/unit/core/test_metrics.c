/* SPDX-License-Identifier: Apache-2.0 */

/* Values add up over workers that are real processes, and the text is what Prometheus reads. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/attributes.h"
#include "core/metrics.h"

static void expect_rendered(const char *expected)
{
	struct buf out;

	buf_init(&out, 65536);
	metrics_render(&out);
	cr_expect_str_eq(buf_text(&out), expected);
	buf_done(&out);
}

Test(metrics_render, groups_samples_by_name)
{
	metrics_setup(1);
	struct metric *good =
		metric_counter("wrenn_events_sent_total", "verdict=\"good\"", "Sent.");
	struct metric *open = metric_gauge("wrenn_events_open", NULL, "Open now.");
	struct metric *bad = metric_counter("wrenn_events_sent_total", "verdict=\"bad\"", "Sent.");

	metric_add(good, 2);
	metric_add(bad, 1);
	metric_set(open, 9);
	metric_add(open, -11);
	expect_rendered("# HELP wrenn_events_sent_total Sent.\n"
			"# TYPE wrenn_events_sent_total counter\n"
			"wrenn_events_sent_total{verdict=\"good\"} 2\n"
			"wrenn_events_sent_total{verdict=\"bad\"} 1\n"
			"# HELP wrenn_events_open Open now.\n"
			"# TYPE wrenn_events_open gauge\n"
			"wrenn_events_open -2\n");
}

Test(metrics_render, writes_cumulative_buckets_in_seconds)
{
	metrics_setup(1);
	struct metric *took = metric_histogram("wrenn_events_took_seconds", "job=\"a\"", "Time.");

	metric_observe_us(took, -5);
	metric_observe_us(took, 1000);
	metric_observe_us(took, 1001);
	metric_observe_us(took, 60000000);
	metric_observe_us(took, 60000001);
	cr_expect_eq(metric_value(took), 5);
	expect_rendered("# HELP wrenn_events_took_seconds Time.\n"
			"# TYPE wrenn_events_took_seconds histogram\n"
			"wrenn_events_took_seconds_bucket{job=\"a\",le=\"0.001\"} 2\n"
			"wrenn_events_took_seconds_bucket{job=\"a\",le=\"0.0025\"} 3\n"
			"wrenn_events_took_seconds_bucket{job=\"a\",le=\"0.005\"} 3\n"
			"wrenn_events_took_seconds_bucket{job=\"a\",le=\"0.01\"} 3\n"
			"wrenn_events_took_seconds_bucket{job=\"a\",le=\"0.025\"} 3\n"
			"wrenn_events_took_seconds_bucket{job=\"a\",le=\"0.05\"} 3\n"
			"wrenn_events_took_seconds_bucket{job=\"a\",le=\"0.1\"} 3\n"
			"wrenn_events_took_seconds_bucket{job=\"a\",le=\"0.25\"} 3\n"
			"wrenn_events_took_seconds_bucket{job=\"a\",le=\"0.5\"} 3\n"
			"wrenn_events_took_seconds_bucket{job=\"a\",le=\"1\"} 3\n"
			"wrenn_events_took_seconds_bucket{job=\"a\",le=\"2.5\"} 3\n"
			"wrenn_events_took_seconds_bucket{job=\"a\",le=\"5\"} 3\n"
			"wrenn_events_took_seconds_bucket{job=\"a\",le=\"10\"} 3\n"
			"wrenn_events_took_seconds_bucket{job=\"a\",le=\"25\"} 3\n"
			"wrenn_events_took_seconds_bucket{job=\"a\",le=\"50\"} 3\n"
			"wrenn_events_took_seconds_bucket{job=\"a\",le=\"60\"} 4\n"
			"wrenn_events_took_seconds_bucket{job=\"a\",le=\"+Inf\"} 5\n"
			"wrenn_events_took_seconds_sum{job=\"a\"} 120.002002\n"
			"wrenn_events_took_seconds_count{job=\"a\"} 5\n");
}

Test(metrics_render, gives_a_histogram_without_labels_only_its_bounds)
{
	struct buf out;

	metrics_setup(1);
	metric_observe_us(metric_histogram("h_seconds", NULL, "Time."), 7);
	buf_init(&out, 65536);
	metrics_render(&out);
	cr_expect_not_null(strstr(buf_text(&out), "\nh_seconds_bucket{le=\"0.001\"} 1\n"));
	cr_expect_not_null(strstr(buf_text(&out), "\nh_seconds_sum 0.000007\n"));
	cr_expect_not_null(strstr(buf_text(&out), "\nh_seconds_count 1\n"));
	buf_done(&out);
}

Test(metric_counter, gives_the_same_metric_for_the_same_name_and_labels)
{
	metrics_setup(1);
	struct metric *first = metric_counter("a_total", NULL, "A.");

	cr_expect_eq(metric_counter("a_total", NULL, "A."), first);
	cr_expect_eq(metric_counter("a_total", "", "A."), first);
	cr_expect_neq(metric_counter("a_total", "b=\"1\"", "A."), first);
	cr_expect_neq(metric_counter("b_total", NULL, "B."), first);
}

Test(metric_value, adds_up_what_forked_workers_counted)
{
	metrics_setup(4);
	struct metric *counted = metric_counter("a_total", NULL, "A.");
	struct metric *open = metric_gauge("open", NULL, "Open.");
	struct metric *took = metric_histogram("took_seconds", NULL, "Took.");

	for (int worker = 1; worker < 4; worker++) {
		pid_t child = fork();

		if (child == 0) {
			metrics_select(worker);
			metric_add(counted, worker);
			metric_set(open, 10 * worker);
			metric_observe_us(took, 500);
			_exit(0);
		}
		cr_assert_eq(waitpid(child, NULL, 0), child);
	}
	metric_add(counted, 100);
	cr_expect_eq(metric_value(counted), 106);
	cr_expect_eq(metric_value(open), 60);
	cr_expect_eq(metric_value(took), 3);
}

Test(metric_value, adds_up_what_workers_registered_in_other_orders)
{
	metrics_setup(2);
	pid_t child = fork();

	if (child == 0) {
		metrics_select(1);
		metric_observe_us(metric_histogram("took_seconds", NULL, "Took."), 500);
		metric_add(metric_counter("b_total", "x=\"1\"", "B."), 7);
		metric_add(metric_counter("a_total", NULL, "A."), 1);
		_exit(0);
	}
	cr_assert_eq(waitpid(child, NULL, 0), child);
	cr_expect_eq(metric_value(metric_counter("a_total", NULL, "A.")), 1);
	cr_expect_eq(metric_value(metric_counter("b_total", "x=\"1\"", "B.")), 7);
	cr_expect_eq(metric_value(metric_counter("b_total", "x=\"2\"", "B.")), 0);
	cr_expect_eq(metric_value(metric_histogram("took_seconds", NULL, "Took.")), 1);
}

Test(metrics_select, forgets_a_dead_predecessors_gauge_that_is_registered_late)
{
	metrics_setup(2);
	pid_t child = fork();

	if (child == 0) {
		metrics_select(1);
		metric_set(metric_gauge("open", NULL, "Open."), 5);
		_exit(0);
	}
	cr_assert_eq(waitpid(child, NULL, 0), child);
	metrics_select(1);
	cr_expect_eq(metric_value(metric_gauge("open", NULL, "Open.")), 0);
}

Test(metrics_select, clears_the_gauges_of_a_dead_predecessor_and_keeps_its_counters)
{
	metrics_setup(3);
	struct metric *counted = metric_counter("a_total", NULL, "A.");
	struct metric *open = metric_gauge("open", NULL, "Open.");

	for (int worker = 1; worker <= 2; worker++) {
		metrics_select(worker);
		metric_add(counted, 5);
		metric_set(open, 3);
	}
	metrics_select(2);
	cr_expect_eq(metric_value(counted), 10);
	cr_expect_eq(metric_value(open), 3, "only the gauge of worker 1 is left");
}

Test(metrics_setup, forgets_everything)
{
	metrics_setup(1);
	metric_add(metric_counter("a_total", NULL, "A."), 1);
	metrics_setup(2);
	expect_rendered("");
	cr_expect_eq(metric_value(metric_counter("a_total", NULL, "A.")), 0);
}

Test(metric, works_without_setup_and_without_a_metric)
{
	metric_add(NULL, 1);
	metric_set(NULL, 1);
	metric_observe_us(NULL, 1);
	cr_expect_eq(metric_value(NULL), 0);

	struct metric *counted = metric_counter("a_total", NULL, "A.");
	metric_add(counted, 1);
	cr_expect_eq(metric_value(counted), 1);
}

static void *count_much(void *metric)
{
	for (int i = 0; i < 100000; i++)
		metric_add(metric, 1);
	return NULL;
}

Test(metric_add, loses_nothing_between_threads)
{
	pthread_t threads[4];

	metrics_setup(1);
	struct metric *counted = metric_counter("a_total", NULL, "A.");
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, count_much, counted), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	cr_expect_eq(metric_value(counted), 400000);
}

Test(metric_counter, aborts_past_the_maximum, .signal = SIGABRT)
{
	static char names[METRICS_MAX + 1][16];

	metrics_setup(1);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(names[i], sizeof(names[i]), "m%zu_total", i);
		metric_counter(names[i], NULL, "M.");
	}
}
