# SPDX-License-Identifier: Apache-2.0
"""Who sees what, on every road an event can take to a listener: live, from memory, from memory that was loaded at the
start, and from Redis. A team sees its own events and nothing about the capsules of other teams. An administrator sees the
events of all teams. The status of a capsule comes from its row or, where the contract (b.4, b.5) says so, from the event."""
import collections
import json
import re
import uuid

import pytest
from support import Stream, id_to_uuid, make_event, new_id, until

SYSTEM = {"type": "system"}
IMPLIED = {"capsule.pause": "paused", "capsule.create": "running", "capsule.resume": "running"}

Told = collections.namedtuple("Told", "id event")


def cookie_header(service, *arguments):
    lines = service.run("sessions", "create", "--name", "Grace", "--role", "member", *arguments).stdout.split()
    return ["Cookie: " + "; ".join(lines)]


class Scene:
    """Two teams with capsules, and a third one that tells when everything has arrived."""

    def __init__(self, service, redis, store):
        self.service, self.redis, self.store = service, redis, store
        (self.a, key_a), (self.b, key_b), (self.other, self.other_key) = (service.new_team() for _ in range(3))
        self.rows = {}
        self.listeners = {
            "team a": (self.a, "/v1/events/stream", key_a, []),
            "team b": (self.b, "/v1/events/stream", key_b, []),
            "a member of team b": (self.b, "/v1/events/stream", None, cookie_header(service, "--team", self.b)),
            "an administrator": (None, "/v1/admin/events/stream", None, cookie_header(service, "--team", self.a, "--platform-admin")),
        }
        self.told = []

    def add_capsule(self, team, status):
        capsule = new_id("cl-")
        self.store.query(
            "INSERT INTO sandboxes (id, team_id, host_id, template, status, vcpus, memory_mb, timeout_sec, guest_ip, host_ip, created_at, last_updated)"
            " VALUES (%s, %s, %s, 'minimal', %s, 2, 512, 60, '10.1.2.3', '10.4.5.6', '2026-05-24T04:40:00.000000Z', '2026-05-24T05:02:08.000000Z')",
            id_to_uuid(capsule), id_to_uuid(team), uuid.UUID(int=0), status)
        self.rows[capsule] = (team, {
            "id": capsule, "status": status, "template": "minimal", "vcpus": 2, "memory_mb": 512, "timeout_sec": 60,
            "disk_size_mb": 5120, "created_at": "2026-05-24T04:40:00Z", "last_updated": "2026-05-24T05:02:08Z"})
        return capsule

    def tell(self, team, kind, resource, actor=None, outcome="success", **more):
        event = {**make_event(team, kind, resource, actor, outcome), **more}
        self.told.append(Told(self.redis.publish(event), event))

    def tell_all(self):
        a1, a2, a3 = (self.add_capsule(self.a, status) for status in ("starting", "pausing", "resuming"))
        b1 = self.add_capsule(self.b, "starting")
        own = new_id("cl-")
        self.tell(self.a, "capsule.create", a1)
        self.tell(self.a, "capsule.pause", a1, SYSTEM)  # not the newest of a1
        self.tell(self.b, "capsule.create", b1, SYSTEM)
        self.tell(self.a, "capsule.pause", a2, SYSTEM)
        self.tell(self.a, "capsule.resume", a1, SYSTEM)
        self.tell(self.a, "capsule.destroy", b1, SYSTEM)  # of the other team
        self.tell(self.b, "capsule.pause", a1, SYSTEM)  # of the other team
        self.tell(self.a, "capsule.resume", a3)  # by a user
        self.tell(self.a, "capsule.create", a3, SYSTEM, outcome="error")
        self.tell(self.b, "capsule.pause", new_id("cl-"), SYSTEM)  # of nobody
        self.tell(self.b, "capsule.create", own, SYSTEM, sandbox={"id": own, "status": "starting", "guest_ip": "10.1.2.3"})
        self.tell(self.b, "host.down", new_id("host-"), SYSTEM, outcome=None)
        self.tell(self.a, "template.snapshot.create", "snapshot of a", SYSTEM)

    def sandbox(self, told, is_newest):
        event = told.event
        capsule = event["resource"]["id"]
        implied = IMPLIED.get(event["event"]) if event["actor"] == SYSTEM and event.get("outcome") == "success" and is_newest else None
        if "sandbox" in event:
            return {"id": capsule, "status": implied or event["sandbox"]["status"]}
        team, row = self.rows.get(capsule, (None, None))
        return {**row, "status": implied or row["status"]} if team == event["team_id"] else None

    def expected(self, team, is_live):
        """(id, kind, team, what is said about the capsule) for whoever listens to that team, or to all."""
        frames = []
        for at, told in enumerate(self.told):
            event = told.event
            same = [t for t in self.told[at + 1:] if (t.event["resource"]["id"], t.event["team_id"]) == (event["resource"]["id"], event["team_id"])]
            shown = self.sandbox(told, is_live or not same) if event["event"].startswith("capsule.") else "nothing"
            if team in (None, event["team_id"]):
                frames.append((told.id, event["event"], event["team_id"], shown))
        return frames

    def open(self, name, query="", last_id=None):
        _, path, key, headers = self.listeners[name]
        stream = Stream(self.service, key, query, last_id, path, headers)
        stream.connected()
        return stream

    def wait_until_all_arrived(self, fill=0):
        """The last event of all is heard, and by then so many bytes more are in memory."""
        stream = Stream(self.service, self.other_key)
        stream.connected()
        last = [self.redis.publish(make_event(self.other, "host.up", metadata={"fill": "x" * 16000})) for _ in range(fill // 16000 + 1)][-1]
        until(lambda: stream.last_id() == last, "the last event")
        stream.close()

    def check(self, name, stream, is_live=False, skipped=0):
        team = self.listeners[name][0]
        expected = self.expected(team, is_live)[skipped:]
        until(lambda: len(self.heard(stream)) >= len(expected), f"what {name} is told")
        assert self.heard(stream) == expected, name
        for frame in stream.events():
            text = json.dumps(frame.data)
            assert "guest_ip" not in text and "host_ip" not in text
            assert team is None or not any(other in text for other in (self.a, self.b, self.other) if other != team)
        stream.close()

    def heard(self, stream):
        frames = [(f.id, f.event, f.data["team_id"], f.data.get("sandbox", "nothing")) for f in stream.events()]
        return [frame for frame in frames if frame[2] != self.other]

    def replays(self, source):
        text = self.service.get("/metrics").body.decode()
        return int(re.search(rf'wrenn_events_sse_replays_total{{source="{source}"}} (\d+)', text)[1])


@pytest.fixture
def make_scene(make_service, redis, store):
    return lambda **settings: Scene(make_service(**settings).start(), redis, store)


def test_a_live_listener_is_shown_its_own_and_what_the_event_says(make_scene):
    scene = make_scene()
    streams = {name: scene.open(name) for name in scene.listeners}
    scene.tell_all()
    for name, stream in streams.items():
        scene.check(name, stream, is_live=True)


def check_replays(scene, source):
    before = scene.replays(source)
    for number, name in enumerate(scene.listeners):
        scene.check(name, scene.open(name, "?since=earliest"))
        first = scene.expected(scene.listeners[name][0], False)[0][0]
        scene.check(name, scene.open(name, f"?last_event_id={first}"), skipped=1)
        scene.check(name, scene.open(name, last_id=first), skipped=1)
        assert scene.replays(source) == before + 3 * (number + 1), f"not all of them came from {source}"
    waits = {name: scene.service.get("/v1/events/wait?event=host.down&since=earliest&timeout=1", key=scene.listeners[name][2])
             for name in ("team a", "team b")}
    assert waits["team a"].status == 204 and waits["team b"].status == 200
    assert waits["team b"].json()["team_id"] == scene.b


def test_a_replay_from_memory_shows_its_own_and_what_the_newest_event_says(make_scene):
    scene = make_scene()
    scene.tell_all()
    scene.wait_until_all_arrived()
    check_replays(scene, "memory")


def test_a_replay_from_memory_loaded_at_the_start_shows_the_same(make_scene):
    scene = make_scene()
    scene.service.stop()
    scene.tell_all()
    scene.service.start()
    scene.wait_until_all_arrived()
    check_replays(scene, "memory")


def test_a_replay_from_redis_shows_the_same(make_scene):
    scene = make_scene(WRENN_EVENTS_HISTORY_KB="64")
    scene.tell_all()
    scene.wait_until_all_arrived(fill=120_000)
    check_replays(scene, "redis")
