# SPDX-License-Identifier: Apache-2.0
"""A connection cut inside a frame, at every byte of it: clients that others wrote neither lose nor repeat the event. Each
cut has a stream of its own; all are open side by side, since each takes the seconds that the greeting tells it to pause."""
import re
import socket
import threading

import pytest
from clients import KINDS, Doorway, browser, read_head
from support import SqliteStore, make_event, until

pytestmark = pytest.mark.plain_only(reason="it drives the program as the other tests do, by way of clients that others wrote")

AT_ONCE = 200  # Chromium opens no more than 256 connections ...
PER_ADDRESS = 6  # ... and no more than these to one address
BEFORE, INSIDE, AFTER = range(3)  # the events around the cut


@pytest.fixture
def store(folder):
    """One store will do: what the clients see does not come from it."""
    return SqliteStore(folder)


class Cutter(Doorway):
    """Listens in front of the service on every address of 127.0.0.0/8. The first answer to a stream that asks for ?cut=N ends after N bytes
    of its body, in the moment of release(); all others are handed on."""

    def __init__(self):
        self.target = self.key = None
        self.lock = threading.Lock()
        self.begin()
        super().__init__("0.0.0.0")

    def begin(self):
        self.released = threading.Event()
        self.cursors = {}  # of each cut, the Last-Event-ID of each request

    def origin(self, number=0):
        return f"http://127.0.0.{1 + number // PER_ADDRESS}:{self.port}"

    def hand_on(self, client, head):
        cut = re.match(rb"GET /v1/events/stream\?cut=(\d+)&", head)
        with socket.create_connection(("127.0.0.1", self.target)) as server:
            server.sendall(head.replace(b"\r\n", b"\r\nX-API-Key: %s\r\n" % self.key.encode(), 1))
            if self.is_first(int(cut[1]), head):
                client.sendall(self.beginning(server, int(cut[1])))
                self.released.wait()
            else:
                while piece := server.recv(65536):
                    client.sendall(piece)

    def is_first(self, cut, head):
        cursor = re.search(rb"(?i)\r\nlast-event-id: ([^\r]*)", head)
        with self.lock:
            cursors = self.cursors.setdefault(cut, [])
            cursors.append(cursor and cursor[1].decode())
            return len(cursors) == 1

    @staticmethod
    def beginning(server, size):
        """Head and so much of the body, to be written at once: whoever saw its first event has all of it."""
        answer = read_head(server)
        end = answer.index(b"\r\n\r\n") + 4 + size
        while len(answer) < end:
            answer += server.recv(65536)
        return answer[:end]

    def close(self):
        self.released.set()
        super().close()


def body_of(service, key, path, last_frame):
    """The bytes that every client is sent, up to the end of the last frame."""
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\n\r\n".encode())
        answer = read_head(connection)
        while not re.search(last_frame.encode() + rb"(.|\n)*\n\n\r\n", answer):
            answer += connection.recv(65536)
        return answer.partition(b"\r\n\r\n")[2]


class Scene:
    """Three events after a cursor, and the bytes in which the second one comes."""

    def __init__(self, service, redis, cutter):
        self.cutter = cutter
        team, key = service.new_team()
        cutter.target, cutter.key = service.port, key
        start = redis.publish(make_event(team))
        self.ids = [redis.publish(make_event(team, kind, metadata={"n": str(n)})) for n, kind in enumerate(KINDS)]
        self.query = f"last_event_id={start}"
        self.body = body_of(service, key, f"/v1/events/stream?{self.query}", self.ids[AFTER])
        ends = [m.end() for m in re.finditer(rb"\n\n\r\n", self.body)]
        # The greeting's frame is the first one.
        self.cuts = range(ends[1 + BEFORE], ends[1 + INSIDE] + 1)

    def batches(self):
        return [self.cuts[at:at + AT_ONCE] for at in range(0, len(self.cuts), AT_ONCE)]

    def seen(self, run_client, cuts, script, **wishes):
        """What each of the streams that were cut there saw: {cut: ids}."""
        self.cutter.begin()
        urls = [f"{self.cutter.origin(n)}/v1/events/stream?cut={cut}&{self.query}" for n, cut in enumerate(cuts)]
        client = run_client(script, urls=urls, **wishes)
        self.have_all(client, len(cuts), self.ids[BEFORE])
        self.cutter.released.set()
        self.have_all(client, len(cuts), self.ids[AFTER])
        assert all(len(cursors) == 2 and cursors[1] for cursors in self.cutter.cursors.values()), self.cutter.cursors
        return {cut: [m["id"] for m in client.events() if m["stream"] == n] for n, cut in enumerate(cuts)}

    @staticmethod
    def have_all(client, count, stream_id):
        def seen_by():
            return client.lives() and {m["stream"] for m in client.events() if m["id"] == stream_id}

        until(lambda: len(seen_by()) == count, f"{stream_id} in {count} streams")

    def after_the_id(self):
        """The cut after the line with the id, before the blank line that ends the frame."""
        return self.body.index(f"\nid: {self.ids[INSIDE]}\n".encode()) + len(f"\nid: {self.ids[INSIDE]}\n")


@pytest.fixture
def scene(make_service, redis):
    cutter = Cutter()
    service = make_service(WRENN_EVENTS_MAX_STREAMS_PER_TEAM="1000", WRENN_EVENTS_CORS_ORIGINS=cutter.origin())
    yield Scene(service.start(), redis, cutter)
    cutter.close()


CLIENTS = {
    "eventsource": ("eventsource.mjs", {}),
    "fetch-event-source as docs/live.md advises": ("fetch-event-source.mjs", {"exact": True}),
    "chromium": ("chromium.mjs", {"cookies": {}}),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_a_cut_at_any_byte_of_a_frame_loses_and_repeats_nothing(scene, run_client, name):
    script, wishes = CLIENTS[name]
    if name == "chromium":
        wishes = {**wishes, "browser": browser(), "page": scene.cutter.origin() + "/page"}
    for cuts in scene.batches():
        for cut, ids in scene.seen(run_client, cuts, script, **wishes).items():
            assert ids == scene.ids, f"cut after {scene.body[:cut][-40:]}"


def test_fetch_event_source_as_it_comes_can_lose_an_event_at_one_byte_only(scene, run_client):
    """It takes an id for its cursor as soon as it has read that line. So this line is the last of the frame."""
    for cuts in scene.batches():
        for cut, ids in scene.seen(run_client, cuts, "fetch-event-source.mjs").items():
            assert ids == scene.ids or cut == scene.after_the_id(), f"cut after {scene.body[:cut][-40:]}"
