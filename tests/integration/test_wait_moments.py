# SPDX-License-Identifier: Apache-2.0
"""A wait with `since` gets the outcome of its own run, whenever that comes: ten thousand times
(WRENN_WAITS), before, during and after the call, with earlier runs of the same name in the stream."""
import asyncio
import json
import os
import random
import time

import pytest
from live_client import pause
from support import make_event

pytestmark = pytest.mark.plain_only(reason="one of the longest runs")

WAITS = int(os.environ.get("WRENN_WAITS", "10000"))
WORKERS = 100
TEAMS = 5
NAMES = 3  # per worker, so that most runs have earlier ones of the same name


class Publisher:
    """XADD over a raw connection: the answer is the id."""

    async def open(self, path):
        self.reader, self.writer = await asyncio.open_unix_connection(path)

    async def publish(self, event):
        words = [b"XADD", b"wrenn:events", b"MAXLEN", b"~", b"10000", b"*", b"payload", json.dumps(event).encode()]
        self.writer.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        length = int((await self.reader.readuntil(b"\r\n"))[1:])
        return (await self.reader.readexactly(length + 2))[:-2].decode()


class Waiter:
    """GET /v1/events/wait on one connection, kept alive."""

    async def open(self, port, key):
        self.key = key
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)

    def ask(self, query):
        self.writer.write(f"GET /v1/events/wait?{query} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {self.key}\r\n\r\n".encode())

    async def answer(self):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
        return int(head.split()[1]), await self.reader.readexactly(length)


async def now_after(stream_id):
    """A time that an earlier run, whose event has that id, surely lies before."""
    while (ms := time.time_ns() // 1000000) <= int(stream_id.split("-")[0]):
        await pause(0.0005)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03d}Z"


async def run(choose, team, waiter, publisher, name, number, earlier):
    since = await now_after(earlier)
    event = make_event(team, "template.snapshot.create", resource=name, actor={"type": "system"}, metadata={"n": str(number)})
    query = f"event=template.snapshot.create&resource={name}&since={since}&timeout=30"
    moment = choose.uniform(-0.002, 0.004)
    if moment < 0:
        stream_id = await publisher.publish(event)
        await pause(-moment)
        waiter.ask(query)
    elif moment < 0.001:  # as near to each other as it gets
        waiter.ask(query)
        stream_id = await publisher.publish(event)
    else:
        waiter.ask(query)
        await pause(moment)
        stream_id = await publisher.publish(event)
    status, body = await waiter.answer()
    assert status == 200, (number, status, body)
    found = json.loads(body)
    assert found["id"] == stream_id and found["metadata"]["n"] == str(number), (number, found, stream_id)
    return stream_id


async def work(worker, seed, service, redis, credentials):
    choose = random.Random(f"{seed}-{worker}")
    team, key = credentials[worker % TEAMS]
    waiter, publisher = Waiter(), Publisher()
    await waiter.open(service.port, key)
    await publisher.open(redis.socket)
    earlier = {}
    for number in range(WAITS // WORKERS):
        name = f"snapshot-{worker}-{choose.randrange(NAMES)}"
        if name not in earlier:
            earlier[name] = await publisher.publish(make_event(team, "template.snapshot.create", resource=name, outcome="error", error="no"))
        earlier[name] = await run(choose, team, waiter, publisher, name, number, earlier[name])
    waiter.writer.close()
    publisher.writer.close()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_no_outcome_is_missed_nor_taken_from_an_earlier_run(make_service, redis):
    service = make_service(WRENN_EVENTS_DELIVER="off", WRENN_EVENTS_AUDIT="off").start()
    seed = random.randrange(2**32)
    credentials = [service.new_team() for _ in range(TEAMS)]

    async def all_work():
        await asyncio.gather(*(work(worker, seed, service, redis, credentials) for worker in range(WORKERS)))

    asyncio.run(all_work())
