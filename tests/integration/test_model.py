# SPDX-License-Identifier: Apache-2.0
"""Many subscribers reconnect at random, with filters and cursors of every kind, while Redis restarts, loses its
connections and is trimmed, and the service is killed and stopped under them. A model of the stream says what
each connection must see: from its cursor on exactly the events of its team that its filter lets through, in
order; or a gap that names the first one kept, if and only if entries after its cursor are really gone.

WRENN_MODEL_SUBSCRIBERS (1000) and WRENN_MODEL_SECONDS (60) make it smaller; WRENN_MODEL_SEED repeats a run."""
import asyncio
import bisect
import collections
import errno
import json
import os
import random
import re
import threading
import time

import pytest
from live_client import Connection, Refused, id_pair, pause
from support import DEADLINE_S, make_event, new_id, until

pytestmark = pytest.mark.plain_only(reason="one of the longest runs")

SUBSCRIBERS = int(os.environ.get("WRENN_MODEL_SUBSCRIBERS", "1000"))
SECONDS = float(os.environ.get("WRENN_MODEL_SECONDS", "60"))
TEAMS = 50
PUBLISHED_PER_S = 300
DEADLINE_S = 300  # for what has to come in the end; other tests run beside this one
KINDS = ("capsule.create", "capsule.destroy", "capsule.pause", "template.snapshot.create", "host.up", "host.down")

Entry = collections.namedtuple("Entry", "id text team kind outcome resource")
Known = collections.namedtuple("Known", "ms newest first_kept")


def wall_ms():
    return time.time_ns() // 1000000


def entries_after(entries, stream_id):
    return entries[bisect.bisect_right(entries, stream_id, key=lambda e: e.id):]


class Model:
    """What is in the stream, and up to where it was cut."""

    def __init__(self):
        self.entries = []
        self.of_team = collections.defaultdict(list)
        self.first_kept = (0, 0)  # everything before it may be gone

    def add(self, entry):
        self.of_team[entry.team].append(entry)
        self.entries.append(entry)

    def newest(self):
        return self.entries[-1].id if self.entries else (0, 0)

    def expected(self, after, subscriber):
        return [e for e in entries_after(self.of_team[subscriber.team], after) if subscriber.lets_through(e)]

    def has_between(self, after, before):
        following = bisect.bisect_right(self.entries, after, key=lambda e: e.id)
        return following < len(self.entries) and self.entries[following].id < before


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
        self.model.add(Entry(id_pair(text), text, team, kind, outcome, resource))

    def trim(self):
        with self.lock:
            kept = min(self.choose.randrange(20, 400), len(self.model.entries))
            self.model.first_kept = max(self.model.first_kept, self.model.entries[-kept].id)
            self.redis.client.xtrim("wrenn:events", maxlen=kept, approximate=False)


AGES_S = (1, 2, 5, 9, 30)


class Subscriber:
    FILTERS = (("", lambda e: True), ("", lambda e: True), ("event=capsule.*", lambda e: e.kind.startswith("capsule.")),
               ("event=host.up,host.down", lambda e: e.kind.startswith("host.")), ("outcome=error", lambda e: e.outcome == "error"),
               ("event=template.*&resource=thing-3", lambda e: e.kind.startswith("template.") and e.resource == "thing-3"),
               ("resource=thing-1&outcome=success", lambda e: e.resource == "thing-1" and e.outcome == "success"))

    def __init__(self, number, service, team, key, model, seed):
        self.name = f"subscriber {number} (seed {seed})"
        self.choose = random.Random(f"{seed}-{number}")
        self.service, self.team, self.key, self.model = service, team, key, model
        self.filter, self.lets_through = self.choose.choice(self.FILTERS)
        self.cursor = None
        self.connections = self.gaps = self.seen = 0

    def beginning(self):
        """(query parameter, header, the cursor that is meant, or None for now or a while ago)"""
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
            return f"since={self.choose.choice(AGES_S)}s", None, None
        return "", None, None

    async def connect(self, beginning):
        parameter, header, _ = beginning
        query = "&".join(part for part in (self.filter, parameter) if part)
        while True:
            connection = Connection(self.service.port, self.key, f"?{query}", header)
            try:
                await connection.open()
                return connection
            except (OSError, EOFError, ValueError) as fault:
                connection.close()
                assert getattr(fault, "errno", None) not in (errno.EMFILE, errno.ENFILE), fault
                assert not self.service.loss(), self.service.loss()
            except Refused as refusal:
                connection.close()
                # 408 when this program itself was too slow to send its request.
                assert refusal.status in (503, 408), f"{self.name}: {refusal}"
            await pause()

    @staticmethod
    def next_id(text):
        ms, seq = id_pair(text)
        return (ms, seq + 1) if seq + 1 < 2**64 else (ms + 1, 0)

    def is_as_good(self, cursor, asked):
        """Both have the same entries after them, gone ones aside."""
        ms, seq = self.model.first_kept
        before_kept = (ms, seq - 1) if seq else (ms - 1, 2**64 - 1)
        return not self.model.has_between(max(min(cursor, asked), before_kept), max(cursor, asked))

    def check_greeting(self, greeting, beginning, before):
        """`before` is what was known just before the request."""
        cursor = id_pair(greeting["cursor"])
        parameter, _, asked = beginning
        if asked is None and parameter:
            asked_ms = [now_ms - 1000 * int(parameter.removeprefix("since=")[:-1]) for now_ms in (before.ms, wall_ms())]
            earliest, latest = (asked_ms[0] - 1, 0), (asked_ms[1], 0)
            assert greeting.get("gap") or self.is_as_good(cursor, min(max(cursor, earliest), latest)), (self.name, greeting, asked_ms)
            asked = f"{asked_ms[0] - 1}-0" if greeting.get("gap") else greeting["cursor"]
        if greeting.get("gap"):
            self.gaps += 1
            oldest = id_pair(greeting["oldest"])
            if asked and id_pair(asked) == cursor:
                # From before a hole in the worker's memory, which sends what it has from there.
                assert cursor < self.model.first_kept, f"{self.name}: a gap where nothing is gone: {greeting}"
                return
            assert before.first_kept <= oldest <= self.model.first_kept, f"{self.name}: a gap where nothing is gone: {greeting}"
            # The cursor's own entry is gone. Redis does not tell whether it was the last to go, so that may be all.
            assert asked and id_pair(asked) < oldest, f"{self.name}: a gap before the cursor: {greeting}"
            assert cursor < oldest and not self.model.has_between(cursor, oldest), f"{self.name}: not the first kept: {greeting}"
        elif parameter == "since=earliest":
            assert self.is_as_good((0, 0), cursor), (self.name, greeting)
        elif asked is not None:
            # A time is answered with an id of the stream.
            assert cursor == id_pair(asked) or "since" in parameter and self.is_as_good(cursor, id_pair(asked)), (self.name, greeting, asked)
        else:
            assert cursor >= before.newest, f"{self.name}: began in the past"

    def check(self, connection, whole):
        """Its frames are the beginning of what the model says, or all of it."""
        if connection.greeting.get("gap") and id_pair(connection.greeting["oldest"]) == self.next_id(connection.greeting["cursor"]):
            return  # what was lost is not in the model
        frames = connection.frames[:connection.gap_after]
        got = [stream_id for stream_id, _ in frames]
        entries = self.model.expected(id_pair(connection.greeting["cursor"]), self)
        expected = [e.text for e in entries]
        assert got == (expected if whole else expected[:len(got)]), f"{self.name}: {first_difference(got, expected)}"
        for entry, (_, data) in zip(entries, frames):
            assert all(word.encode() in data for word in (entry.team, entry.kind, entry.resource)), (self.name, entry, data)
        for count, bookmark in connection.bookmarks:
            if connection.gap_after is not None and count >= connection.gap_after:
                break
            skipped = [e for e in expected[count:] if id_pair(e) <= id_pair(bookmark)]
            assert not skipped, f"{self.name}: the bookmark {bookmark} hides {skipped[:3]}"
        self.seen += len(got)

    async def listen_for_a_while(self):
        beginning = self.beginning()
        before = Known(wall_ms(), self.model.newest(), self.model.first_kept)
        connection = await self.connect(beginning)
        known = len(self.model.entries)
        self.connections += 1
        self.check_greeting(connection.greeting, beginning, before)
        try:
            async with asyncio.timeout(self.choose.expovariate(1 / 1.5)):
                while True:
                    await connection.read_chunk()
        except (TimeoutError, EOFError, OSError, ValueError):
            pass
        connection.close()
        self.cursor = connection.last_id()
        while id_pair(self.cursor) > self.model.newest() and connection.frames:
            await pause()  # the publisher has written it, but not yet noted its id
        self.check(connection, whole=False)
        # Except for the one in flight then, no entry after the greeting is before its cursor.
        later = self.model.entries[known + 1:known + 2]
        assert not later or later[0].id > id_pair(connection.greeting["cursor"]), f"{self.name}: began in the future"

    async def listen(self, done):
        while not done.is_set():
            await self.listen_for_a_while()
        beginning = (f"last_event_id={self.cursor}", None, self.cursor)
        before = Known(wall_ms(), self.model.newest(), self.model.first_kept)
        connection = await self.connect(beginning)
        self.check_greeting(connection.greeting, beginning, before)
        expected = self.model.expected(id_pair(connection.greeting["cursor"]), self)
        async with asyncio.timeout(DEADLINE_S):
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
    """Causes each disturbance in turn, spread over the whole time."""
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


@pytest.mark.long
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_every_subscriber_sees_what_the_model_says(make_service, redis, open_files):
    open_files(2 * SUBSCRIBERS + 200)
    # So small that many cursors are from before it, and have to be served from Redis.
    service = make_service(WRENN_EVENTS_DELIVER="off", WRENN_EVENTS_AUDIT="off", WRENN_EVENTS_HISTORY_KB="256").start()
    seed = int(os.environ.get("WRENN_MODEL_SEED") or random.randrange(2**32))
    credentials = [service.new_team() for _ in range(TEAMS)]
    model = Model()
    publisher = Publisher(redis, model, [team for team, _ in credentials], random.Random(seed))
    subscribers = [Subscriber(n, service, *credentials[n % TEAMS], model, seed) for n in range(SUBSCRIBERS)]
    done = threading.Event()
    faults = []
    publisher.start()
    disturber = threading.Thread(target=disturb, args=(publisher, redis, service, done, faults))
    disturber.start()

    async def all_listen():
        async with asyncio.timeout(SECONDS + DEADLINE_S):
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
