# SPDX-License-Identifier: Apache-2.0
"""Many subscribers reconnect at random, with filters and cursors of every kind, while Redis restarts, loses its
connections and is trimmed, and the service is killed and stopped under them. A model of the stream says what
each connection must see: from its cursor on exactly the events of its team that its filter lets through, in
order; or a gap, if and only if entries after its cursor are really gone.

WRENN_MODEL_SUBSCRIBERS (100) and WRENN_MODEL_SECONDS (15) make it larger; WRENN_MODEL_SEED repeats a run."""
import asyncio
import collections
import json
import os
import random
import re
import threading
import time

import pytest
from live_client import Connection, Refused, id_pair, pause
from support import make_event, new_id, until

SUBSCRIBERS = int(os.environ.get("WRENN_MODEL_SUBSCRIBERS", "100"))
SECONDS = float(os.environ.get("WRENN_MODEL_SECONDS", "15"))
TEAMS = 50
PUBLISHED_PER_S = 300
KINDS = ("capsule.create", "capsule.destroy", "capsule.pause", "template.snapshot.create", "host.up", "host.down")

Entry = collections.namedtuple("Entry", "id text team kind outcome resource")


class Model:
    """What is in the stream, and up to where it was cut."""

    def __init__(self):
        self.entries = []
        self.first_kept = (0, 0)  # everything before it may be gone

    def expected(self, after, subscriber):
        return [e for e in self.entries if e.id > after and subscriber.wants(e)]

    def entry_at(self, stream_id):
        return any(e.id == stream_id for e in self.entries)


class Publisher(threading.Thread):
    def __init__(self, redis, model, teams, choose):
        super().__init__()
        self.redis, self.model, self.teams, self.choose = redis, model, teams, choose
        self.done = threading.Event()
        self.lock = threading.Lock()  # held while Redis is away

    def run(self):
        pause = threading.Event()
        while not self.done.is_set():
            with self.lock:
                for _ in range(PUBLISHED_PER_S // 50):
                    self.publish()
            pause.wait(0.02)

    def publish(self):
        team = self.choose.choice(self.teams)
        kind = self.choose.choice(KINDS)
        outcome = self.choose.choice(("success", "success", "error"))
        resource = f"thing-{self.choose.randrange(5)}" if not kind.startswith("capsule") else new_id("cl-")
        event = make_event(team, kind, resource=resource, outcome=outcome)
        text = self.redis.client.xadd("wrenn:events", {"payload": json.dumps(event)})
        self.model.entries.append(Entry(id_pair(text), text, team, kind, outcome, resource))

    def trim(self):
        with self.lock:
            self.redis.client.xtrim("wrenn:events", maxlen=self.choose.randrange(20, 400), approximate=False)
            oldest = self.redis.client.xrange("wrenn:events", count=1)[0][0]
            self.model.first_kept = id_pair(oldest)


class Subscriber:
    FILTERS = (("", lambda e: True), ("", lambda e: True), ("event=capsule.*", lambda e: e.kind.startswith("capsule.")),
               ("event=host.up,host.down", lambda e: e.kind.startswith("host.")), ("outcome=error", lambda e: e.outcome == "error"),
               ("event=template.*&resource=thing-3", lambda e: e.kind.startswith("template.") and e.resource == "thing-3"),
               ("resource=thing-1&outcome=success", lambda e: e.resource == "thing-1" and e.outcome == "success"))

    def __init__(self, number, port, team, key, model, seed):
        self.name = f"subscriber {number} (seed {seed})"
        self.choose = random.Random(f"{seed}-{number}")
        self.port, self.team, self.key, self.model = port, team, key, model
        self.filter, self.lets_through = self.choose.choice(self.FILTERS)
        self.cursor = None
        self.connections = self.gaps = self.seen = 0

    def wants(self, entry):
        return entry.team == self.team and self.lets_through(entry)

    def beginning(self):
        """(query parameter, header, the cursor that is meant or None for now or a time)"""
        kind = self.choose.randrange(8) if self.model.entries else 0
        if kind < 4 and self.cursor:
            way = self.choose.randrange(2)
            return (f"last_event_id={self.cursor}", None, self.cursor) if way else ("", self.cursor, self.cursor)
        if kind == 4:
            return "since=earliest", None, "0-0"
        if kind == 5:
            ms = self.choose.choice(self.model.entries).id[0]
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03d}Z"
            return f"since={text}", None, f"{ms - 1}-{2**64 - 1}"
        if kind == 6:
            known = self.choose.choice(self.model.entries).text
            return f"last_event_id={known}", None, known
        if kind == 7:
            return f"since={self.choose.randrange(1, 9)}s", None, None
        return "", None, None

    async def connect(self, beginning):
        parameter, header, _ = beginning
        query = "&".join(part for part in (self.filter, parameter) if part)
        while True:
            connection = Connection(self.port, self.key, f"?{query}", header)
            try:
                await connection.open()
                return connection
            except (OSError, EOFError, ValueError):
                connection.close()
            except Refused as refusal:
                connection.close()
                # 408 when this program itself was too slow to send its request.
                assert refusal.status in (503, 408), f"{self.name}: {refusal}"
            await pause()

    def check_greeting(self, greeting, beginning, newest_before):
        cursor = id_pair(greeting["cursor"])
        parameter, _, asked = beginning
        if greeting.get("gap"):
            self.gaps += 1
            assert asked is None or id_pair(asked) < id_pair(greeting["oldest"]), self.name
            assert id_pair(greeting["oldest"]) <= self.model.first_kept, f"{self.name}: a gap where nothing is gone: {greeting}"
        elif parameter == "since=earliest":
            assert cursor < self.model.first_kept or self.model.first_kept == (0, 0) and cursor == (0, 0), (self.name, greeting)
        elif asked is not None:
            assert cursor == id_pair(asked), (self.name, greeting, asked)
        elif not parameter:
            assert cursor >= newest_before, f"{self.name}: began in the past"

    def check(self, connection, whole):
        """Its frames are the beginning of what the model says, or all of it."""
        got = [stream_id for stream_id, _ in connection.frames]
        expected = [e.text for e in self.model.expected(id_pair(connection.greeting["cursor"]), self)]
        assert got == (expected if whole else expected[:len(got)]), f"{self.name}: {first_difference(got, expected)}"
        assert all(self.team.encode() in data for _, data in connection.frames), self.name
        for count, bookmark in connection.bookmarks:
            skipped = [e for e in expected[count:] if id_pair(e) <= id_pair(bookmark)]
            assert not skipped, f"{self.name}: the bookmark {bookmark} hides {skipped[:3]}"
        self.seen += len(got)

    async def listen_for_a_while(self):
        beginning = self.beginning()
        newest = self.model.entries[-1].id if self.model.entries else (0, 0)
        connection = await self.connect(beginning)
        self.connections += 1
        self.check_greeting(connection.greeting, beginning, newest)
        try:
            async with asyncio.timeout(self.choose.expovariate(1 / 1.5)):
                while True:
                    await connection.read_chunk()
        except (TimeoutError, EOFError, OSError, ValueError):
            pass
        connection.close()
        self.check(connection, whole=False)
        self.cursor = connection.last_id()

    async def listen(self, done):
        while not done.is_set():
            await self.listen_for_a_while()
        beginning = (f"last_event_id={self.cursor}", None, self.cursor)
        connection = await self.connect(beginning)
        self.check_greeting(connection.greeting, beginning, (0, 0))
        expected = self.model.expected(id_pair(connection.greeting["cursor"]), self)
        async with asyncio.timeout(60):
            while len(connection.frames) < len(expected):
                await connection.read_chunk()
        connection.close()
        self.check(connection, whole=True)


def first_difference(got, expected):
    for at, (a, b) in enumerate(zip(got, expected)):
        if a != b:
            return f"at {at} of {len(got)}: got {a}, expected {b}"
    return f"got {len(got)}, expected {len(expected)}, the next would be {expected[len(got):len(got) + 1]}"


def restart_redis(publisher, redis, _):
    with publisher.lock:
        redis.stop()
        redis.start()


def cut_connections(publisher, redis, _):
    with publisher.lock:
        for client in redis.client.client_list():
            if client["name"].startswith("wrenn") or client["name"]:
                redis.client.client_kill_filter(_id=client["id"])


def trim(publisher, _, __):
    publisher.trim()


def kill_service(_, __, service):
    service.kill()
    service.launch()
    until(service.is_ready, "the service to be ready again")


def restart_service(_, __, service):
    service.stop()
    service.start()


DISTURBANCES = (trim, cut_connections, restart_redis, kill_service, trim, restart_service)


def disturb(publisher, redis, service, done, faults):
    """Each in turn, spread over the whole time."""
    try:
        for disturbance in DISTURBANCES:
            if done.wait(SECONDS / (len(DISTURBANCES) + 1)):
                return
            disturbance(publisher, redis, service)
        done.wait(SECONDS / (len(DISTURBANCES) + 1))
    except BaseException as fault:  # it must reach the test, whatever it is
        faults.append(fault)
    finally:
        publisher.done.set()
        publisher.join()
        done.set()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_every_subscriber_sees_what_the_model_says(make_service, redis):
    # So small that many cursors are from before it, and have to be served from Redis.
    service = make_service(WRENN_EVENTS_DELIVER="off", WRENN_EVENTS_AUDIT="off", WRENN_EVENTS_HISTORY_KB="256").start()
    seed = int(os.environ.get("WRENN_MODEL_SEED") or random.randrange(2**32))
    credentials = [service.new_team() for _ in range(TEAMS)]
    model = Model()
    publisher = Publisher(redis, model, [team for team, _ in credentials], random.Random(seed))
    subscribers = [Subscriber(n, service.port, *credentials[n % TEAMS], model, seed) for n in range(SUBSCRIBERS)]
    done = threading.Event()
    faults = []
    publisher.start()
    disturber = threading.Thread(target=disturb, args=(publisher, redis, service, done, faults))
    disturber.start()

    async def all_listen():
        await asyncio.gather(*(subscriber.listen(done) for subscriber in subscribers))

    try:
        asyncio.run(all_listen())
    finally:
        done.set()
        disturber.join()
    assert not faults, (faults, seed)
    totals = {name: sum(getattr(s, name) for s in subscribers) for name in ("connections", "gaps", "seen")}
    print(f"seed {seed}: {len(model.entries)} events, {totals}")
    from_redis = re.search(r'wrenn_events_sse_replays_total{source="redis"} (\d+)', service.get("/metrics").body.decode())
    assert int(from_redis[1]) > 0
    assert totals["connections"] > 2 * SUBSCRIBERS and totals["seen"] > 1000 and totals["gaps"] > 0, totals
