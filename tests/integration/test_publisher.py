# SPDX-License-Identifier: Apache-2.0
"""What goes wrong on the publishers' side cannot be fixed here; it is tolerated, counted and reported."""
import json

import pytest
from support import Stream, make_event, new_id, until


def metrics(service):
    """Every line of /metrics by its name and labels."""
    lines = service.get("/metrics").body.decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def test_a_stream_and_a_channel_that_disagree_are_tolerated_and_counted(service, redis, receiver, store):
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)
    stream = Stream(service, key)
    stream.connected()
    only_told, only_stored, both = (make_event(team, resource=new_id("cl-")) for _ in range(3))
    redis.client.publish("wrenn:sse", json.dumps(only_told))
    first = redis.client.xadd("wrenn:events", {"payload": json.dumps(only_stored)})
    last = redis.publish(both)
    assert [(f.id, f.data["resource"]["id"]) for f in stream.wait_for(2)] == [(first, only_stored["resource"]["id"]), (last, both["resource"]["id"])]
    until(lambda: len(receiver.requests) == 2, "two webhooks")
    assert [json.loads(r["body"])["resource"]["id"] for r in receiver.requests] == [only_stored["resource"]["id"], both["resource"]["id"]]
    # Three events, two in the stream and two on the channel: the counts are side by side.
    seen = until(lambda: (now := metrics(service))['wrenn_events_bus_entries_ignored_total{reason="copy"}'] == 2 and now, "the counts")
    assert seen['wrenn_events_bus_entries_read_total{reader="tail"}'] == 2
    stream.close()


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_a_group_that_lags_far_behind_is_told_and_so_is_its_return(service, redis, store):
    team, _ = service.new_team()
    store.query("ALTER TABLE audit_logs RENAME TO audit_logs_away")
    payload = json.dumps(make_event(team, "host.up", new_id("host-"), outcome=None))
    pipeline = redis.client.pipeline()
    for _ in range(6500):
        pipeline.xadd("wrenn:events", {"payload": payload})
    pipeline.execute()
    until(lambda: "the consumer group lags behind" in service.log_text(), "the warning")
    assert metrics(service)["wrenn_events_bus_lag_entries"] > 5000
    store.query("ALTER TABLE audit_logs_away RENAME TO audit_logs")
    until(lambda: "the consumer group has caught up" in service.log_text(), "the return")
    until(lambda: redis.client.xinfo_groups("wrenn:events")[0]["pending"] == 0, "the last acknowledgement")
