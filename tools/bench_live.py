# SPDX-License-Identifier: Apache-2.0
"""The live part of `make bench`: bench_live.c against the service, the barest fan-out and Nchan. In every
round each of them is started, filled with subscribers, loaded and stopped; the table shows medians over the
rounds."""
import contextlib
import json
import os
import pathlib
import re
import resource
import selectors
import signal
import socket
import statistics
import subprocess
import tempfile

import bench_flat
from attackers import add_teams
from bench_servers import CLIENT_CORE, TEAMS, TOOLS, Nchan, Ours, Raw, cpu_us, pin, resident_bytes, thread_us
from bench_stack import show_cpu
from bench_table import ratio, row
from support import Redis, SqliteStore, make_event

# name: subscribers, teams, events a second (0: as fast as they go), how many, how many by Nchan
LONE = {
    "1,000 of one team": (1000, 1, 50, 200, 200),
    "10,000 of one team": (10000, 1, 5, 20, 20),
    "10,000 of 1,000 teams": (10000, 1000, 2000, 6000, 6000),
}
FLAT_OUT = {
    "1,000 of one team": (1000, 1, 0, 4000, 400),
    "10,000 of one team": (10000, 1, 0, 300, 30),
    "10,000 of 1,000 teams": (10000, 1000, 0, 40000, 20000),
}
WINDOWS = {1: 200, 1000: 5000}
IDLE = {1000: 400, 10000: 300, 19000: 300}  # streams, bytes
SLOW_READERS = 20
RETURNING, RETURNING_TEAMS, REPLAYED = 10000, 100, 100
KEPT = 10000  # entries the stream holds, as the control plane trims it


class Client:
    """bench_live, once its streams are open."""

    def __init__(self, server, teams, redis, subscribers, **more):
        self.server = server
        arguments = {"server": server.name, "port": server.port, "teams": teams, "redis": redis.socket, "stream": server.stream, "subscribers": subscribers, **more}
        self.process = subprocess.Popen(["taskset", "-c", str(CLIENT_CORE), TOOLS / "bench_live", *(f"{k}={v}" for k, v in arguments.items())],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.opened = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the load client failed against {self.server.name}")
        return json.loads(line)

    def load(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def write_teams(folder, name, rows):
    path = f"{folder}/{name}"
    pathlib.Path(path).write_text("".join(" ".join(row) + "\n" for row in rows))
    return path


def measure(server, teams, redis, subscribers, **load):
    """One run of one server."""
    server.start()
    try:
        empty_cpu, empty = cpu_us(server.pid), resident_bytes(server.pid)
        client = Client(server, teams, redis, subscribers, **load)
        idle_cpu, idle_loop, idle = cpu_us(server.pid), thread_us(server.pid, server.pid), resident_bytes(server.pid)
        idle_redis = cpu_us(redis.process.pid)
        found = client.load()
        server.settle()
        after_cpu, after_loop, after = cpu_us(server.pid), thread_us(server.pid, server.pid), resident_bytes(server.pid)
        after_redis = cpu_us(redis.process.pid)
        client.close()
    finally:
        server.stop()
    return {**found, "failures": client.opened["failures"], "connect_us": (idle_cpu - empty_cpu) / subscribers, "bytes": (idle - empty) / subscribers,
            "redis_us": (after_redis - idle_redis) / found["deliveries"], "server_us": (after_cpu - idle_cpu) / found["deliveries"],
            "per_cpu_second": found["deliveries"] * 1e6 / (after_cpu - idle_cpu),
            "per_loop_second": found["deliveries"] * 1e6 / (after_loop - idle_loop), "growth": after / idle, "resident": after}


def medians(rounds):
    return {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}


def compare(servers, folder, redis, teams, scenario, rounds):
    """Medians for each server; within a round one follows the other."""
    subscribers, team_count, rate, events, events_nchan = scenario
    path = write_teams(folder, f"teams-{team_count}", [(*team, "-") for team in teams[:team_count]])
    found = {server.name: [] for server in servers}
    for _ in range(rounds):
        for server in servers:
            found[server.name].append(measure(server, path, redis, subscribers, rate=rate, window=WINDOWS[team_count],
                                              events=events_nchan if server.name == "nchan" else events))
    return {name: medians(results) for name, results in found.items()}


def compared(what, found, name, form, goal):
    """A row of the table: ours beside raw and Nchan."""
    cpu = {"service": found["ours"]["server_us"], "Redis": found["ours"]["redis_us"]} if name.startswith("per_cpu") else {}
    others = [other for other in ("raw", "nchan") if other in found]
    row(what, form.format(found["ours"][name]), ", ".join(f"{form.format(found[other][name])} {other}" for other in others),
        ", ".join(ratio(found["ours"][name], found[other][name]) for other in others), goal, show_cpu(cpu, 3) if cpu else "", "sqlite")


def show_lone(compare_with):
    goals = {"1,000 of one team": ("0.90, 1.3", "0.5 ms for small teams"), "10,000 of one team": ("0.90, 1.1", ""), "10,000 of 1,000 teams": ("0.90, 1.1", "0.5 ms")}
    for name, scenario in LONE.items():
        found = compare_with(scenario)
        rate = f"{scenario[2]:,} events/s to {name}"
        compared(f"deliveries per CPU second, {rate}", found, "per_cpu_second", "{:,.0f}", goals[name][0])
        compared("the same without the threads that write the audit log", found, "per_loop_second", "{:,.0f}", goals[name][0])
        compared("p50, the same", found, "p50_ms", "{:.2f} ms", goals[name][1] if name.endswith("1,000 teams") else "")
        compared("p99, the same", found, "p99_ms", "{:.2f} ms", "at most 1.15, 1.0")
        if scenario[0] == 10000:
            compared("CPU per connect, the same", found, "connect_us", "{:.0f} us", "at most 1.5")
            compared("resident bytes per idle subscriber, the same", found, "bytes", "{:,.0f}", "at most 600 bytes")
            compared("resident after the load, beside idle, the same", found, "growth", "{:.2f}", "at most 1.2 times idle")


def show_flat_out(compare_with):
    goals = {"1,000 of one team": "0.60, 10", "10,000 of one team": "", "10,000 of 1,000 teams": "0.80, 1.3"}
    for name, scenario in FLAT_OUT.items():
        found = compare_with(scenario)
        compared(f"deliveries/s, events as fast as XADD takes them, to {name}", found, "per_second", "{:,.0f}", goals[name])
        compared("deliveries per CPU second, the same", found, "per_cpu_second", "{:,.0f}", "")
        compared("resident after the load, beside idle, the same", found, "growth", "{:.2f}", "at most 1.2 times idle")


def show_memory(ours, folder, redis, teams):
    """Memory of idle streams."""
    path = write_teams(folder, "idle", [(*teams[0], "-")])
    open_files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    for subscribers, goal in IDLE.items():
        subscribers = min(subscribers, open_files - 3000)  # the service keeps some for other work
        ours.start()
        try:
            before, before_cpu = resident_bytes(ours.pid), cpu_us(ours.pid)
            client = Client(ours, path, redis, subscribers)
            used, cpu = (resident_bytes(ours.pid) - before) / subscribers, (cpu_us(ours.pid) - before_cpu) / subscribers
            client.close()
        finally:
            ours.stop()
        row(f"resident bytes for each of {subscribers:,} idle streams", f"{used:,.0f} B", goal=f"{goal} B", cpu=f"{cpu:.1f} us (service, to connect)", store="sqlite")


# ---- what only the service does ----------------------------------------------------------------


def show_slow(ours, folder, redis, teams, rounds, seconds):
    """1,000 at 50 events a second, without and with others that read nothing."""
    path = write_teams(folder, "slow", [(*teams[0], "-")])
    calm, slow = [], []
    for _ in range(rounds):
        calm.append(measure(ours, path, redis, 1000, rate=50, events=50 * seconds // 2, window=200))
        slow.append(measure(ours, path, redis, 1000, rate=50, events=50 * seconds, window=200, slow=SLOW_READERS))
    calm, slow = medians(calm), medians(slow)
    row(f"p99 at 1,000 subscribers while {SLOW_READERS} more read nothing for {seconds} s", f"{slow['p99_ms']:.2f} ms", f"{calm['p99_ms']:.2f} ms, without them",
        ratio(slow["p99_ms"], calm["p99_ms"]), "noise", store="sqlite")
    row("resident after that", f"{slow['resident'] / 1e6:.1f} MB", f"{calm['resident'] / 1e6:.1f} MB, without them", ratio(slow["resident"], calm["resident"]),
        "bounded", store="sqlite")


def fill(redis, teams, events):
    """Publishes that many events for each of the teams. Returns the id before the first."""
    before = redis.client.xadd("wrenn:events", {"payload": json.dumps(make_event(teams[0][0]))})
    pipe = redis.client.pipeline(transaction=False)
    for _ in range(events):
        for team, _ in teams:
            event = make_event(team, kind="template.snapshot.create", resource="template-0a1b2c3d", metadata={"sent_us": "1"})
            pipe.xadd("wrenn:events", {"payload": json.dumps(event, separators=(",", ":"))})
    pipe.execute()
    return before


def show_return(ours, folder, redis, teams, rounds):
    """10,000 come back at once after a restart, each with a cursor a hundred events back."""
    lookups = "wrenn_events_auth_lookups_total"
    found = []
    for _ in range(rounds):
        redis.client.xtrim("wrenn:events", maxlen=0)
        cursor = fill(redis, teams[:RETURNING_TEAMS], REPLAYED)
        path = write_teams(folder, "returning", [(*team, cursor) for team in teams[:RETURNING_TEAMS]])
        ours.start()
        try:
            before, before_cpu = ours.metric(lookups), cpu_us(ours.pid)
            client = Client(ours, path, redis, RETURNING, crowd=RETURNING, replay=REPLAYED)
            found.append({**client.opened, "cpu": (cpu_us(ours.pid) - before_cpu) / 1e6, "lookups": ours.metric(lookups) - before})
            client.close()
        finally:
            ours.stop()
    worst = max(f["failures"] for f in found)
    found = medians(found)
    row(f"{RETURNING:,} reconnects at once, each replaying {REPLAYED} events", f"{found['seconds']:.2f} s, {worst} failed tries", goal="2 s, none failed",
        cpu=f"{found['cpu'] * 1e6 / RETURNING:.0f} us (service)", store="sqlite")
    row(f"look-ups of their {RETURNING_TEAMS} API keys in the store", f"{found['lookups']:.0f}", goal="one each", store="sqlite")


class Reader:
    """A subscriber that comes back with its cursor and writes down every number it is shown."""
    NUMBER = re.compile(rb'"sent_us":"(\d+)"')
    ID = re.compile(rb"^id: ?(\d+-\d+)\r?$", re.MULTILINE)

    def __init__(self, selector, port, key):
        self.selector, self.port, self.key = selector, port, key
        self.seen, self.holes, self.told, self.lies = 0, 0, 0, 0
        self.cursor = None
        self.connect()

    def connect(self):
        self.bytes, self.gap = b"", False
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        cursor = f"Last-Event-ID: {self.cursor.decode()}\r\n" if self.cursor else ""
        self.socket.sendall(f"GET /v1/events/stream HTTP/1.1\r\nHost: bench\r\nX-API-Key: {self.key}\r\n{cursor}\r\n".encode())
        self.selector.register(self.socket, selectors.EVENT_READ, self)

    def read(self):
        try:
            more = self.socket.recv(1 << 20)
        except ConnectionError:
            more = b""
        if not more:
            self.selector.unregister(self.socket)
            self.socket.close()
            self.connect()
            return
        frames, end, self.bytes = (self.bytes + more).rpartition(b"\n\n")
        self.take(frames + end)

    def take(self, frames):
        ids = self.ID.findall(frames)
        self.cursor = ids[-1] if ids else self.cursor
        self.gap = self.gap or b'"gap":true' in frames
        for number in map(int, self.NUMBER.findall(frames)):
            if number <= self.seen:
                self.lies += 1
            elif number > self.seen + 1:
                self.holes += 1
                self.told += self.gap
                self.gap = False
            self.seen = max(self.seen, number)


def publish_numbers(redis, team, first, last):
    pipe = redis.client.pipeline(transaction=False)
    for number in range(first, last + 1):
        event = make_event(team, kind="template.snapshot.create", resource="template-0a1b2c3d", metadata={"sent_us": str(number)})
        pipe.xadd("wrenn:events", {"payload": json.dumps(event, separators=(",", ":"))}, maxlen=KEPT, approximate=True)
    pipe.execute()


def read_until(selector, readers, last):
    while any(reader.seen < last for reader in readers):
        ready = selector.select(60)
        if not ready:
            raise SystemExit("the events after the gap did not come")
        for key, _ in ready:
            key.data.read()


def show_trimmed(ours, redis, teams):
    """The service is stopped while three times what the stream holds is published; then it goes on."""
    selector = selectors.DefaultSelector()
    team, key = teams[0]
    ours.start()
    try:
        readers = [Reader(selector, ours.port, key) for _ in range(20)]
        publish_numbers(redis, team, 1, 100)
        read_until(selector, readers, 100)
        ours.service.process.send_signal(signal.SIGSTOP)
        publish_numbers(redis, team, 101, 3 * KEPT)
        ours.service.process.send_signal(signal.SIGCONT)
        read_until(selector, readers, 3 * KEPT)
        ours.settle()
        for reader in readers:
            reader.socket.close()
    finally:
        ours.service.process.send_signal(signal.SIGCONT)
        ours.stop()
    holes, told, lies = (sum(getattr(r, name) for r in readers) for name in ("holes", "told", "lies"))
    row(f"holes in {len(readers)} streams whose source was trimmed under them ({3 * KEPT:,} events, {KEPT:,} kept)",
        f"{holes}, {told} of them reported; {lies} repeats", goal="each reported", store="sqlite")


@contextlib.contextmanager
def full_stream():
    """A folder, Redis with a stream that is full as in production, the service with its history, and the teams."""
    with tempfile.TemporaryDirectory(prefix="wrenn-bench-live-") as folder:
        redis = Redis(folder)
        try:
            pin(redis.process.pid, CLIENT_CORE)
            store = SqliteStore(folder)
            ours = Ours(folder, redis, store)
            ours.service.start()
            teams = add_teams(store, TEAMS)
            fill(redis, teams, KEPT // TEAMS)
            ours.settle()
            ours.stop()
            yield folder, redis, ours, teams
        finally:
            redis.stop()


def show_live(rounds):
    with full_stream() as (folder, redis, ours, teams):
        servers = [ours, Raw(redis)] + ([Nchan(folder)] if Nchan.is_installed() else [])
        compare_with = lambda scenario: compare(servers, folder, redis, teams, scenario, rounds)
        show_lone(compare_with)
        show_flat_out(compare_with)


def show_streams(rounds):
    with full_stream() as (folder, redis, ours, teams):
        bench_flat.show([ours, Raw(redis)], redis, teams[0], rounds)
        show_memory(ours, folder, redis, teams)
        show_slow(ours, folder, redis, teams, rounds, int(os.environ.get("SLOW_SECONDS", "10")))
        show_return(ours, folder, redis, teams, rounds)
        show_trimmed(ours, redis, teams)
