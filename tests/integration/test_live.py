# SPDX-License-Identifier: Apache-2.0
"""Promises 4 and 5: live streams tell every event of their team once, in order, and no other's."""
import json
import random
import threading
import uuid

import pytest
from support import Stream, id_to_uuid, make_event, new_id, until

pytestmark = pytest.mark.plain_too(reason="the promises of live streams, with the program that users run")


def test_a_subscriber_that_reconnects_at_random_gets_every_id_once_in_order(service, redis):
    team, key = service.new_team()
    other_team, _ = service.new_team()
    total = 3000
    published = []
    done = threading.Event()

    def publish_all():
        for number in range(total):
            published.append(redis.publish(make_event(team, metadata={"n": str(number)})))
            if number % 3 == 0:
                redis.publish(make_event(other_team))
        done.set()

    seed = random.randrange(2**32)
    choose = random.Random(seed)
    stream = Stream(service, key)
    cursor = stream.connected().id
    received = []
    publisher = threading.Thread(target=publish_all)
    publisher.start()
    while not (done.is_set() and received and received[-1] == published[-1]):
        wanted = choose.randrange(1, 200)
        until(lambda: len(stream.events()) >= wanted or (done.is_set() and has_last(stream, received, published)),
              f"some of {total} events (seed {seed})")
        stream.close()
        got = [f.id for f in stream.events()]
        received += got
        cursor = stream.last_id() or cursor
        stream = Stream(service, key, last_id=cursor) if choose.random() < 0.5 else Stream(service, key, f"?last_event_id={cursor}")
        assert stream.status == 200
    stream.close()
    publisher.join()
    assert received == published, f"seed {seed}"


def has_last(stream, received, published):
    """The last event is here, or was before this stream opened."""
    ids = received + [f.id for f in stream.events()]
    return ids and ids[-1] == published[-1]


def test_a_replay_from_redis_hands_over_to_live_without_hole_or_repeat(make_service, redis):
    service = make_service().start()
    team, key = service.new_team()
    ids = [redis.publish(make_event(team, metadata={"n": str(n)})) for n in range(1500)]
    service.stop()
    service.start()  # its memory begins after what was published: the rest must come from Redis
    stop = threading.Event()
    more = []

    def publish_more():
        while not stop.is_set() and len(more) < 2000:
            more.append(redis.publish(make_event(team, metadata={"m": str(len(more))})))

    publisher = threading.Thread(target=publish_more)
    publisher.start()
    streams = [Stream(service, key, last_id=ids[at]) for at in (0, 700, 1499)]
    for stream, at in zip(streams, (0, 700, 1499)):
        stream.wait_for(len(ids) - 1 - at + 500)
    stop.set()
    publisher.join()
    for stream, at in zip(streams, (0, 700, 1499)):
        expected = ids[at + 1:] + more
        stream.wait_for(len(expected))
        assert [f.id for f in stream.events()] == expected
        stream.close()


def test_nothing_crosses_between_teams(service, redis):
    teams = [service.new_team() for _ in range(2)]
    streams = [Stream(service, key) for _, key in teams]
    for stream in streams:
        stream.connected()
    sent = {team: [] for team, _ in teams}
    for number in range(400):
        team = teams[number % 2][0]
        sent[team].append(redis.publish(make_event(team, resource=new_id("cl-"), metadata={"secret": team})))
    for (team, key), stream in zip(teams, streams):
        events = stream.wait_for(200)
        assert [e.id for e in events] == sent[team]
        assert {e.data["team_id"] for e in events} == {team}
        replay = Stream(service, key, "?since=earliest")
        assert [e.id for e in replay.wait_for(200)] == sent[team]
        until(lambda: len(service.get("/v1/audit-logs?limit=200", key=key).json()["items"]) == 200, "the audit rows")
        rows = service.get("/v1/audit-logs?limit=200", key=key).json()["items"]
        assert {r["metadata"]["secret"] for r in rows if "secret" in r.get("metadata", {})} <= {team}
        replay.close()
        stream.close()


def test_a_trimmed_stream_is_told_as_a_gap(service, redis):
    team, key = service.new_team()
    first = redis.publish(make_event(team))
    ids = [redis.publish(make_event(team)) for _ in range(50)]
    redis.client.xtrim("wrenn:events", maxlen=10, approximate=False)
    service.stop()
    service.start()
    stream = Stream(service, key, last_id=first)
    connected = stream.connected()
    assert connected.data["gap"] is True
    assert connected.data["metadata"]["oldest"] == ids[-10]
    assert [f.id for f in stream.wait_for(10)] == ids[-10:]
    stream.close()


def test_filters_apply_to_replay_and_live_alike(service, redis):
    team, key = service.new_team()
    capsule = new_id("cl-")

    def publish_round():
        return [redis.publish(make_event(team, "capsule.create", capsule)),
                redis.publish(make_event(team, "capsule.pause", capsule, outcome="error", error="no")),
                redis.publish(make_event(team, "capsule.create")),
                redis.publish(make_event(team, "template.snapshot.create", "my-snapshot", actor={"type": "system"}))]

    before = publish_round()
    wanted = {"?event=capsule.*": [0, 1, 2], "?event=template.snapshot.create,capsule.pause": [1, 3],
              f"?resource={capsule}": [0, 1], "?outcome=error": [1], f"?event=capsule.create&resource={capsule}&outcome=success": [0]}
    streams = {query: Stream(service, key, query + "&since=earliest") for query in wanted}
    for stream in streams.values():
        stream.connected()
    after = publish_round()
    for query, places in wanted.items():
        expected = [before[p] for p in places] + [after[p] for p in places]
        assert [f.id for f in streams[query].wait_for(len(expected))] == expected, query
        streams[query].close()


def test_a_transient_event_has_no_id_and_is_not_replayed(service, redis):
    team, key = service.new_team()
    stream = Stream(service, key)
    stream.connected()
    moved = make_event(team, "capsule.state.changed", actor={"type": "system"}, outcome=None,
                       metadata={"from": "running", "to": "snapshotting"})

    def arrived():
        redis.client.publish("wrenn:sse", json.dumps(moved))
        return stream.events()

    until(arrived, "the state change")
    assert stream.events()[0].id is None
    assert stream.events()[0].event == "capsule.state.changed"
    assert stream.events()[0].data["metadata"] == {"from": "running", "to": "snapshotting"}
    # Several may be under way. They come in order, so the last one comes after all of them.
    redis.client.publish("wrenn:sse", json.dumps({**moved, "metadata": {"from": "snapshotting", "to": "running"}}))
    until(lambda: stream.events()[-1].data["metadata"]["to"] == "running", "the last state change")
    replay = Stream(service, key, "?since=earliest")
    marker = redis.publish(make_event(team))
    assert [f.id for f in replay.wait_for(1)] == [marker]
    replay.close()
    stream.close()


def test_the_capsule_of_another_team_is_never_shown(service, redis, store):
    (team, key), (foreign, _) = service.new_team(), service.new_team()
    capsule = new_id("cl-")
    row = {"id": capsule, "status": "running", "template": "secret-template", "vcpus": 2, "memory_mb": 512, "timeout_sec": 60,
           "disk_size_mb": 5120, "created_at": "2026-05-24T04:40:00Z", "last_updated": "2026-05-24T05:02:08Z"}
    store.query("INSERT INTO sandboxes (id, team_id, host_id, template, status, vcpus, memory_mb, timeout_sec, created_at, last_updated)"
                " VALUES (%s, %s, %s, 'secret-template', 'running', 2, 512, 60, '2026-05-24T04:40:00.000000Z', '2026-05-24T05:02:08.000000Z')",
                id_to_uuid(capsule), id_to_uuid(foreign), uuid.UUID(int=0))
    stream = Stream(service, key)
    stream.connected()
    redis.publish(make_event(team, "capsule.destroy", capsule, outcome="error", error="not found"))
    assert stream.wait_for(1)[0].data["sandbox"] is None
    redis.publish(make_event(foreign, "capsule.pause", capsule, actor={"type": "system"}))
    admin = service.run("keys", "create", "--team", foreign, "--name", "second").stdout.strip()
    theirs = Stream(service, admin, "?since=earliest")
    shown = theirs.wait_for(1)[0].data["sandbox"]
    assert shown == {**row, "status": "paused"}
    stream.close()
    theirs.close()
