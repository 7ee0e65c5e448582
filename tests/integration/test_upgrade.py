# SPDX-License-Identifier: Apache-2.0
"""The end of a process, and its successor on the same port: no reader loses an event, and each is told when to come back."""
import asyncio
import os
import random
import signal
import threading
import time

import pytest
from live_client import Connection, Refused, pause
from support import DEADLINE_S, Stream, make_event, until

READERS = 60


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_at_the_end_readiness_goes_first_and_every_stream_is_told_when_to_come_back(make_service):
    service = make_service(WRENN_EVENTS_DRAIN_S="1").start()
    _, key = service.new_team()
    streams = [Stream(service, key) for _ in range(20)]
    for stream in streams:
        stream.connected()
    began = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    until(lambda: service.get("/readyz").status == 503, "readiness to go down")
    assert not any(stream.ended.is_set() for stream in streams), "streams go on while a balancer takes notice"
    for stream in streams:
        assert stream.ended.wait(15)
        assert "the service is stopping" in stream.comments
        assert 1000 <= stream.retry <= 10000
        stream.close()
    assert len({stream.retry for stream in streams}) > 5, "they would all come back at once"
    assert service.process.wait(timeout=15) == 0
    assert time.monotonic() - began < 15


class Reader:
    def __init__(self, key):
        self.key = key
        self.received = []
        self.greeted = asyncio.Event()
        self.moved = 0
        self.refused = []

    async def connect(self, port, cursor):
        while True:
            connection = Connection(port, self.key, last_id=cursor)
            try:
                await connection.open()
                self.greeted.set()
                return connection
            except Refused as refusal:
                self.refused.append(str(refusal))
            except (OSError, EOFError, ValueError):
                pass
            connection.close()
            await pause()

    async def read(self, port, published, done):
        cursor = None
        while not (done.is_set() and self.received == published):
            connection = await self.connect(port, cursor)
            self.moved += 1
            try:
                while not (done.is_set() and len(self.received) + len(connection.frames) >= len(published)):
                    await asyncio.wait_for(connection.read_chunk(), 5)
            except (EOFError, OSError, ValueError, asyncio.TimeoutError):
                pass
            connection.close()
            self.received += [stream_id for stream_id, _ in connection.frames]
            cursor = connection.last_id()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_an_upgrade_on_the_same_port_under_load_loses_nothing(make_service, redis, folder):
    old = make_service().start()
    team, key = old.new_team()
    port = old.port
    published = []
    stop, done = threading.Event(), threading.Event()

    def publish():
        while not stop.is_set():
            published.append(redis.publish(make_event(team, "host.up", resource=f"host-{random.randrange(9)}")))
            stop.wait(0.003)
        done.set()

    def upgrade():
        running = old
        try:
            for generation in range(1, 4):
                successor = make_service(WRENN_EVENTS_LISTEN=f"127.0.0.1:{port}")
                successor.port, successor.log_path = port, f"{folder}/service-{generation}.log"
                successor.launch()
                until(lambda: "ready for connections" in successor.log_text(), "the successor to listen")
                before = len(published)
                running.process.send_signal(signal.SIGTERM)
                assert running.process.wait(timeout=15) == 0
                until(lambda: len(published) > before + 100, "some more load")
                running = successor
        finally:
            stop.set()

    readers = []

    async def all_read():
        readers.extend(Reader(key) for _ in range(READERS))
        tasks = [asyncio.ensure_future(reader.read(port, published, done)) for reader in readers]
        for reader in readers:
            await reader.greeted.wait()
        threads = [threading.Thread(target=target) for target in (publish, upgrade)]
        for thread in threads:
            thread.start()
        await asyncio.wait_for(asyncio.gather(*tasks), 60)
        for thread in threads:
            thread.join()

    asyncio.run(all_read())
    assert len(published) > 300
    for reader in readers:
        assert reader.received == published
        assert not reader.refused, "EventSource never comes back after an error status"
        assert reader.moved >= 4


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_port_is_shared_within_one_installation_alone(make_service, store, folder):
    """Two clones on one port would each get a half of the requests."""
    first = make_service().start()

    def another(name, **settings):
        other = make_service(DATABASE_URL=f"sqlite:{folder}/{name}.db", WRENN_EVENTS_DATA_DIR=f"{folder}/{name}",
                             WRENN_EVENTS_LISTEN=f"127.0.0.1:{first.port}", **settings)
        other.port, other.log_path = first.port, f"{folder}/{name}.log"
        other.launch()
        return other

    for workers in ("1", "2"):
        stranger = another("stranger" + workers, WRENN_EVENTS_WORKERS=workers)
        assert stranger.process.wait(timeout=DEADLINE_S) == 1
        assert f"127.0.0.1:{first.port} is in use by wrenn-events (pid {first.process.pid})" in stranger.log_text()
    guest = another("guest", WRENN_EVENTS_SHARE_PORT="any")
    until(lambda: "ready for connections" in guest.log_text(), "the one that asks for it to share the port")
    guest.stop()
    first.kill()
    heir = another("heir")
    until(lambda: "ready for connections" in heir.log_text(), "the port to be free after a kill")


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_of_many_installations_that_start_together_one_gets_the_port(make_service, folder):
    services = [make_service(DATABASE_URL=f"sqlite:{folder}/{n}.db", WRENN_EVENTS_DATA_DIR=f"{folder}/{n}") for n in range(6)]
    for number, service in enumerate(services):
        service.environment["WRENN_EVENTS_LISTEN"] = f"127.0.0.1:{services[0].port}"
        service.port, service.log_path = services[0].port, f"{folder}/{number}.log"
    for service in services:
        service.launch()
    until(lambda: sum(service.process.poll() is not None for service in services) == 5, "all but one to give up")
    assert [service.process.returncode for service in services].count(1) == 5
    running = next(service for service in services if service.process.poll() is None)
    until(running.is_ready, "the one that has the port")


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_worker_starts_again_without_a_data_directory(make_service, folder):
    service = make_service(WRENN_EVENTS_DATA_DIR=f"{folder}/own", WRENN_EVENTS_WORKERS="2").start()

    def workers():
        with open(f"/proc/{service.process.pid}/task/{service.process.pid}/children") as children:
            return [int(pid) for pid in children.read().split()]

    os.remove(f"{folder}/own/audit-signing.key")
    killed = workers()[0]
    os.kill(killed, signal.SIGKILL)
    until(lambda: "checkpoints of the audit log are not signed" in service.log_text(), "the new worker to go on without the key")
    until(lambda: killed not in workers() and len(workers()) == 2, "another worker in its place")


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_without_a_data_directory_a_free_port_is_taken_and_not_shared(make_service, store, folder):
    open(f"{folder}/file", "w").close()
    first = make_service(WRENN_EVENTS_DATA_DIR=f"{folder}/file").start()
    first.wait_for_line("checkpoints of the audit log are not signed")
    team, key = first.new_team()
    assert first.get("/v1/audit-logs/export?format=jsonl", key=key).status == 409
    second = make_service(WRENN_EVENTS_DATA_DIR=f"{folder}/file", WRENN_EVENTS_LISTEN=f"127.0.0.1:{first.port}")
    second.port, second.log_path = first.port, f"{folder}/second.log"
    second.launch()
    assert second.process.wait(timeout=DEADLINE_S) == 1
    assert "one writable data directory" in second.log_text()
