/* SPDX-License-Identifier: Apache-2.0 */

/* Names, labels and help of the metrics. */
#include "sse/metrics.h"

#include "sse/live.h"

/* 1, up to 9, up to 99, more. */
static struct metric *crowd_of(const struct sse_metrics *metrics, unsigned streams)
{
	size_t crowd = 0;

	if (streams == 0)
		return NULL;
	for (unsigned most = 1; streams > most && crowd < CROWDS - 1; crowd++)
		most = most == 1 ? 9 : most * 10 + 9;
	return metrics->crowds[crowd];
}

void topic_count(struct topic *topic, int n)
{
	const struct sse_metrics *metrics = &topic->sse->metrics;
	struct metric *before = crowd_of(metrics, topic->streams);
	struct metric *after;

	topic->streams += (unsigned)n;
	after = crowd_of(metrics, topic->streams);
	if (topic->chain != CHAIN_TEAM || before == after)
		return;
	metric_add(before, -1);
	metric_add(after, 1);
}

static void register_listeners(struct sse_metrics *metrics)
{
	static const char name[] = "wrenn_events_sse_subscribers";
	static const char help[] = "Open live streams and waits, by kind.";
	static const char crowd_name[] = "wrenn_events_sse_teams";
	static const char crowd_help[] = "Teams that listen, by how many listeners they have.";

	metrics->subscribers[LISTENER_TEAM] = metric_gauge(name, "kind=\"team\"", help);
	metrics->subscribers[LISTENER_ALL] = metric_gauge(name, "kind=\"all\"", help);
	metrics->subscribers[LISTENER_WAIT] = metric_gauge(name, "kind=\"wait\"", help);
	metrics->crowds[0] = metric_gauge(crowd_name, "listeners=\"1\"", crowd_help);
	metrics->crowds[1] = metric_gauge(crowd_name, "listeners=\"2-9\"", crowd_help);
	metrics->crowds[2] = metric_gauge(crowd_name, "listeners=\"10-99\"", crowd_help);
	metrics->crowds[3] = metric_gauge(crowd_name, "listeners=\"100+\"", crowd_help);
}

static void register_closes(struct metric **closes)
{
	static const char *const labels[CLOSE_REASONS] = {
		[CLOSE_CLIENT] = "reason=\"client\"",
		[CLOSE_SLOW] = "reason=\"slow\"",
		[CLOSE_STALLED] = "reason=\"stalled\"",
		[CLOSE_CREDENTIALS] = "reason=\"credentials\"",
		[CLOSE_GAP] = "reason=\"gap\"",
		[CLOSE_SHUTDOWN] = "reason=\"shutdown\"",
		[CLOSE_FAILED] = "reason=\"failed\"",
		[CLOSE_LOST] = "reason=\"failed\"",
	};

	for (size_t i = 0; i < CLOSE_REASONS; i++)
		closes[i] = metric_counter("wrenn_events_sse_closes_total", labels[i],
					   "Live streams that ended, by reason.");
}

static void register_lookups(struct metric **lookups)
{
	static const char *const labels[LOOKUP_RESULTS] = {
		[LOOKUP_ROW] = "result=\"row\"",
		[LOOKUP_NONE] = "result=\"none\"",
		[LOOKUP_FAILED] = "result=\"failed\"",
		[LOOKUP_LATE] = "result=\"late\"",
	};

	for (size_t i = 0; i < LOOKUP_RESULTS; i++)
		lookups[i] = metric_counter("wrenn_events_sse_lookups_total", labels[i],
					    "Capsules looked up for live events, by result.");
}

static void register_waits(struct metric **waits)
{
	static const char *const labels[WAIT_RESULTS] = {
		[WAIT_FOUND] = "result=\"found\"",
		[WAIT_TIMED_OUT] = "result=\"timed_out\"",
		[WAIT_REFUSED] = "result=\"refused\"",
		[WAIT_LEFT] = "result=\"left\"",
	};

	for (size_t i = 0; i < WAIT_RESULTS; i++)
		waits[i] = metric_counter("wrenn_events_sse_waits_total", labels[i],
					  "Waits for one event, by result.");
}

void sse_metrics_init(struct sse_metrics *metrics)
{
	static const char replays[] = "wrenn_events_sse_replays_total";
	static const char replays_help[] = "Streams and waits resumed from a cursor, by source.";

	register_listeners(metrics);
	metrics->history_bytes = metric_gauge("wrenn_events_sse_history_bytes", NULL,
					      "Recent events kept in memory.");
	metrics->stale = metric_gauge("wrenn_events_sse_source_stale", NULL,
				      "Workers whose live streams are behind the source.");
	metrics->high_water_frames =
		metric_gauge("wrenn_events_sse_backlog_high_water_frames", NULL,
			     "The most frames that ever waited for one listener.");
	metrics->high_water_bytes =
		metric_gauge("wrenn_events_sse_backlog_high_water_bytes", NULL,
			     "The most bytes that ever waited for one listener.");
	metrics->frames = metric_counter("wrenn_events_sse_frames_total", NULL,
					 "Frames written to live streams.");
	metrics->bytes = metric_counter("wrenn_events_sse_bytes_total", NULL,
					"Bytes written to live streams.");
	metrics->gaps = metric_counter("wrenn_events_sse_gaps_total", NULL,
				       "Listeners told that entries before their cursor are gone.");
	metrics->from_memory = metric_counter(replays, "source=\"memory\"", replays_help);
	metrics->from_redis = metric_counter(replays, "source=\"redis\"", replays_help);
	register_closes(metrics->closes);
	register_lookups(metrics->lookups);
	register_waits(metrics->waits);
}
