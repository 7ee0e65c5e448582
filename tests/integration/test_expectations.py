# SPDX-License-Identifier: Apache-2.0
"""What teams expect, end to end: reported once and withdrawn once, on channels, live and in the trail, although the service is killed.
Events are put into the stream with ids of the past, so nothing waits for the time of a rule."""
import json
import time

import pytest
from support import PostgresStore, Stream, make_event, new_id, until

pytestmark = pytest.mark.plain_only(reason="unit tests drive every step under the sanitizers; this one kills the program")

KIND = "wrenn.expectation.missed"
SYSTEM = {"type": "system"}
HOSTS = 8


@pytest.fixture
def store(cluster):
    """The store with locks of rows between the ledger and the watch."""
    return PostgresStore(cluster)


def down(team, host):
    return json.dumps(make_event(team, "host.down", host, SYSTEM, None))


def notices(redis):
    events = [json.loads(fields["payload"]) for _, fields in redis.client.xrange("wrenn:events")]
    return [event for event in events if event["event"] == KIND]


def audited(store, action):
    return store.query("SELECT count(*) FROM audit_logs WHERE action = %s AND resource_type = 'host'", action)[0][0]


def delivered(store):
    return store.query("SELECT count(*) FROM deliveries WHERE event = %s AND state = 'delivered'", KIND)[0][0]


def test_a_miss_is_told_once_and_taken_back_once_although_the_service_is_killed(service, redis, store, receiver):
    team, key = service.new_team()
    hosts = [new_id("host-") for _ in range(HOSTS)]
    service.add_webhook(key, receiver.url, [KIND])
    assert service.request("PUT", "/v1/expectations/hosts", {"form": "host"}, key).status == 201
    begin_ms = int((time.time() - 1200) * 1000)
    for number, host in enumerate(hosts):
        redis.client.xadd("wrenn:events", {"payload": down(team, host)}, id=f"{begin_ms + number}-0")
    until(lambda: notices(redis), "the first notice")
    service.kill()
    service.start()
    until(lambda: delivered(store) == HOSTS, "all misses at the channel")
    assert audited(store, "overdue") == HOSTS
    assert sorted(event["resource"]["id"] for event in notices(redis)) == sorted(hosts)
    assert {(event["outcome"], event["metadata"]["rule"]) for event in notices(redis)} == {("error", "hosts")}

    live = [Stream(service, key, f"?since=earliest{more}") for more in ("&event=wrenn.*", "")]
    kinds = [{frame.event for frame in stream.wait_for(HOSTS)} for stream in live]
    assert kinds == [{KIND}, {"host.down"}], "only where the filter names it"
    for stream in live:
        stream.close()

    redis.publish(make_event(team, "host.up", hosts[0], SYSTEM, None))
    until(lambda: delivered(store) == HOSTS + 1, "the miss that is taken back")
    back = notices(redis)[-1]
    assert (back["resource"]["id"], back["outcome"]) == (hosts[0], "success")
    assert 590 < int(back["metadata"]["late_s"]) < 590 + 600
    assert audited(store, "arrived") == 1
    rule = service.get("/v1/expectations", key=key).json()["items"][0]
    assert (rule["waiting"], rule["missed"]) == (0, HOSTS - 1)

    forged = redis.publish({**back, "timestamp": "2027-01-01T00:00:00Z"})
    channel = until(lambda: [c for c in service.get(f"/v1/events/{forged}/explain", key=key).json()["channels"] if c["verdict"] != "unknown"], "the record")
    assert channel[0]["verdict"] == "not_expected"
    assert audited(store, "arrived") == 1
