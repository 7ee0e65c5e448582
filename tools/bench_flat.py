# SPDX-License-Identifier: Apache-2.0
"""A second tool for "as fast as XADD takes them", written apart from bench_live.c: it looks at no event. Each event has
an id and a time of the same length, so the bytes of one frame tell how many have arrived. (An answer to HTTP/1.0 has no
chunks.) All events are published before the first is read, so nothing waits for the tool."""
import json
import os
import select
import socket
import statistics
import time

from bench_servers import CLIENT_CORE, cpu_us
from bench_table import ratio, row
from support import make_event

SUBSCRIBERS, EVENTS, CHUNK = 1000, 3000, 1 << 20


def connect(server, team, key):
    path = "/v1/events/stream" if server.name == "ours" else f"/sub/{team}"
    found = socket.create_connection(("127.0.0.1", server.port))
    found.sendall(f"GET {path} HTTP/1.0\r\nHost: bench\r\nX-API-Key: {key}\r\n\r\n".encode())
    head = b""
    while b"event: connected" not in head or not head.endswith(b"\n\n"):
        head += found.recv(65536)
    return found


def publish(redis, server, text, first_ms, count):
    pipe = redis.client.pipeline(transaction=False)
    for number in range(count):
        pipe.xadd(server.stream, {"payload": text}, id=f"{first_ms + number}-0", maxlen=10000)
    pipe.execute()


def drain(sockets, size):
    """Throws away so many bytes of each; the kernel need not copy them."""
    left = {one.fileno(): (one, size) for one in sockets}
    poll = select.epoll()
    for number in left:
        poll.register(number, select.EPOLLIN)
    buffer = bytearray(CHUNK)
    while left:
        for number, _ in poll.poll():
            one, more = left[number]
            more -= one.recv_into(buffer, CHUNK, socket.MSG_TRUNC)
            assert more >= 0
            left[number] = one, more
            if more == 0:
                poll.unregister(number)
                del left[number]


def frame_bytes(sockets, redis, server, text, at_ms):
    publish(redis, server, text, at_ms, 1)
    sizes = set()
    for one in sockets:
        frame = b""
        while not frame.endswith(b"\n\n"):
            frame += one.recv(65536)
        sizes.add(len(frame))
    [size] = sizes
    return size


def measure(server, redis, team, key):
    """(deliveries a second, CPU microseconds of the server for each)"""
    event = make_event(team, kind="template.snapshot.create", resource="template-0a1b2c3d", metadata={"sent_us": "1"})
    text = json.dumps(event, separators=(",", ":"))
    server.start()
    try:
        sockets = [connect(server, team, key) for _ in range(SUBSCRIBERS)]
        newest = redis.client.xrevrange(server.stream, count=1)
        at_ms = max([int(time.time() * 1000)] + [int(found[0].split("-")[0]) for found in newest]) + 1
        size = frame_bytes(sockets, redis, server, text, at_ms)
        server.settle()
        before, started = cpu_us(server.pid), time.monotonic()
        publish(redis, server, text, at_ms + 1, EVENTS)
        drain(sockets, size * EVENTS)
        elapsed = time.monotonic() - started
        server.settle()
        used = cpu_us(server.pid) - before
        for one in sockets:
            one.close()
    finally:
        server.stop()
    return SUBSCRIBERS * EVENTS / elapsed, used / SUBSCRIBERS / EVENTS


def show(servers, redis, team, rounds):
    os.sched_setaffinity(0, {CLIENT_CORE})
    found = {server.name: [] for server in servers}
    for _ in range(rounds):
        for server in servers:
            found[server.name].append(measure(server, redis, *team))
    rate = {name: statistics.median(f[0] for f in results) for name, results in found.items()}
    cpu = {name: statistics.median(f[1] for f in results) for name, results in found.items()}
    row(f"deliveries/s, {EVENTS:,} events published at once, to 1,000 of one team, by the second tool", f"{rate['ours']:,.0f}", f"{rate['raw']:,.0f} raw",
        ratio(rate["ours"], rate["raw"]), "0.8", f"{cpu['ours']:.3f} us (service); raw {cpu['raw']:.3f}", "sqlite")
