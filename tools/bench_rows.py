# SPDX-License-Identifier: Apache-2.0
"""Lists at a million rows, for `make bench`. The rows are copies of real ones with ids and times of their own."""
import statistics
import time

from bench_deliver import Sink
from bench_stack import STORES, Stack
from bench_table import ratio, row

FEW, MANY = 10_000, 1_000_000
TRIES = 15
# An id of the time, as the program makes them: 48 bits of milliseconds, then anything.
IDS = {
    "sqlite": "printf('%08x-%04x-8', ms >> 16, ms & 65535) || substr(lower(hex(randomblob(2))), 2) || '-8' || "
              "substr(lower(hex(randomblob(2))), 2) || '-' || lower(hex(randomblob(6)))",
    "postgres": "(lpad(to_hex(ms), 12, '0') || '8' || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid",
}
TIMES = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%S.', ms / 1000, 'unixepoch') || printf('%03d000Z', ms % 1000)",
    "postgres": "to_timestamp(ms / 1000.0)",
}
COLUMNS = {
    "sqlite": "SELECT name FROM pragma_table_info(%s)",
    "postgres": "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND table_schema IN ('wrenn_events', 'public')",
}


def copy_rows(stack, table, count, where, changed, older_ms=0):
    """`count` copies of each row that fits, a millisecond apart and older than now, with some columns changed."""
    names = [found[0] for found in stack.store.query(COLUMNS[stack.kind], table)]
    values = [changed.get(name, name) for name in names]
    last_ms = int(time.time() * 1000) - 60_000 - older_ms
    stack.store.query(f"WITH RECURSIVE n (ms) AS (SELECT {last_ms - count + 1} UNION ALL SELECT ms + 1 FROM n WHERE ms < {last_ms}), "
                      f"t AS (SELECT * FROM {table} WHERE {where}) INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} FROM n, t")


def copy_deliveries(stack, count, state, where="state = 'delivered'", older_ms=0):
    at = TIMES[stack.kind]
    changed = {"id": IDS[stack.kind], "stream_id": "ms || '-0'", "stream_ms": "ms", "created_at": at, "updated_at": at, "state": f"'{state}'"}
    if state == "pending":
        changed |= {"attempts": "0", "next_attempt_at": at, **{name: "NULL" for name in (
            "delivered_at", "first_started_at", "first_duration_us", "first_status", "first_verdict", "first_detail", "last_status")}}
    copy_rows(stack, "deliveries", count, where, changed, older_ms)


def newest(table, condition):
    return f"id = (SELECT id FROM {table} WHERE {condition} ORDER BY created_at DESC LIMIT 1)"


def fill(stack, count, older_ms=0):
    copy_deliveries(stack, count, "delivered", newest("deliveries", "state = 'delivered'"), older_ms)
    copy_rows(stack, "audit_logs", count, newest("audit_logs", "resource_type = 'sandbox'"), {"id": IDS[stack.kind], "created_at": TIMES[stack.kind]}, older_ms)
    stack.store.query("ANALYZE")


def milliseconds(stack, key, path):
    def once():
        started = time.monotonic()
        answer = stack.service.get(path, key=key)
        assert answer.status == 200, (path, answer.status, answer.body)
        return (time.monotonic() - started) * 1000
    return statistics.median(once() for _ in range(TRIES))


def ask_all(stack, key, channel, event):
    paths = {
        "audit, newest": "/v1/audit-logs",
        "audit, a filter that nothing matches": "/v1/audit-logs?action=never",
        "audit, a resource type that nothing matches": "/v1/audit-logs?resource_type=host",
        "deliveries of a channel": f"/v1/channels/{channel}/deliveries",
        "deliveries of a channel that failed": f"/v1/channels/{channel}/deliveries?state=failed",
        "health of a channel": f"/v1/channels/{channel}/health",
        "explain an event": f"/v1/events/{event}/explain",
    }
    return {what: milliseconds(stack, key, path) for what, path in paths.items()}


def show_rows(_):
    for kind in STORES:
        with Sink() as sink, Stack(kind) as stack:
            [(team, key)] = stack.add_teams(1)
            channel = stack.service.add_webhook(key, sink.url(0))["id"]
            stack.publish([team], 1)
            stack.deliver_all()
            event = stack.redis.client.xrevrange("wrenn:events", count=1)[0][0]
            fill(stack, FEW)
            few = ask_all(stack, key, channel, event)
            fill(stack, MANY - FEW, older_ms=FEW)
            for what, many in ask_all(stack, key, channel, event).items():
                row(f"{what}, {MANY:,} rows", f"{many:.1f} ms", f"{few[what]:.1f} ms, {FEW:,} rows", ratio(many, few[what]), "5 ms", store=kind)
