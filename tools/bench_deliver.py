# SPDX-License-Identifier: Apache-2.0
"""The delivery part of `make bench`: signed webhooks to bench_sink.c, beside bench_post.c."""
import contextlib
import json
import os
import pathlib
import socket
import statistics
import subprocess
import time
import urllib.request

from support import free_port, make_event, until

TOOLS = pathlib.Path(__file__).resolve().parent.parent / "build/release/tools"
CHANNELS_PER_TEAM = 50
ISOLATION_SECONDS = 6


class Sink:
    """bench_sink on a port of its own; a `niceness` above 0 lets everything else on the machine go first."""

    def __init__(self, niceness=0):
        self.port = free_port()
        self.process = subprocess.Popen([str(TOOLS / "bench_sink"), str(self.port)], stdout=subprocess.PIPE, text=True)
        os.setpriority(os.PRIO_PROCESS, self.process.pid, niceness)
        self.process.stdout.readline()

    def ask(self, what):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{what}", timeout=60) as answer:
            return answer.read()

    def stats(self):
        return json.loads(self.ask("stats"))

    def url(self, number, path="good"):
        return f"http://127.0.{number // 250}.{number % 250 + 1}:{self.port}/{path}"

    def stop(self):
        self.process.terminate()
        self.process.wait()


def cpu_us(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1e6 / 100


def publish(redis, teams, count):
    """`count` events to each team, each with the time it left at."""
    pipe = redis.client.pipeline(transaction=False)
    for _ in range(count):
        for team in teams:
            event = make_event(team, metadata={"sent_us": str(time.time_ns() // 1000)})
            pipe.xadd("wrenn:events", {"payload": json.dumps(event, separators=(",", ":"))})
    pipe.execute()


def make_channels(service, sink, count, path=lambda number: "good"):
    """`count` webhook channels, fifty a team; the teams."""
    teams = []
    for number in range(count):
        if number % CHANNELS_PER_TEAM == 0:
            teams.append(service.new_team())
        service.add_webhook(teams[-1][1], sink.url(number, path(number)), name=f"c{number}")
    return teams


def remove_channels(service, teams):
    for _, key in teams:
        for channel in service.request("GET", "/v1/channels", key=key).json():
            service.request("DELETE", f"/v1/channels/{channel['id']}", key=key)


def flat_out(service, redis, sink, channels, events, rounds):
    """Deliveries a second and CPU per delivery with `events` for each channel waiting."""
    teams = make_channels(service, sink, channels)
    found = []
    for _ in range(rounds):
        sink.ask("reset")
        before = cpu_us(service.process.pid)
        publish(redis, [team for team, _ in teams], events)
        until(lambda: sink.stats()["count"] == channels * events, "every delivery", 300)
        stats = sink.stats()
        found.append((stats["per_second"], (cpu_us(service.process.pid) - before) / stats["count"]))
    remove_channels(service, teams)
    return statistics.median(f[0] for f in found), statistics.median(f[1] for f in found)


def bare(sink, endpoints, concurrency, requests, rounds):
    def run():
        out = subprocess.run([str(TOOLS / "bench_post"), str(sink.port), str(endpoints), str(concurrency), str(requests)],
                             capture_output=True, text=True, check=True).stdout
        return json.loads(out)
    found = [run() for _ in range(rounds)]
    return statistics.median(f["per_second"] for f in found), statistics.median(f["cpu_us"] for f in found)


def paced(service, redis, sink, teams, seconds, per_second):
    """p50 and p99 of the healthy channels from XADD to arrival, at a fixed rate of events per team."""
    sink.ask("reset")
    healthy = [team for team, _ in teams]
    started = time.monotonic()
    for number in range(int(seconds * per_second)):
        publish(redis, healthy, 1)
        while time.monotonic() < started + (number + 1) / per_second:
            time.sleep(0.001)
    expected = int(seconds * per_second) * len(healthy) * CHANNELS_PER_TEAM
    until(lambda: sink.stats()["count"] == expected, "every delivery", 300)
    return sink.stats()


def take_in(redis):
    """Waits until every event is in the ledger."""
    group = lambda: redis.client.xinfo_groups("wrenn:events")[0]
    until(lambda: group()["lag"] == 0 and group()["pending"] == 0, "the ledger", 300)


# What the channels of other teams do, and how many teams of fifty channels do it.
ATTACKS = {
    "slow successes": (10, "slow"),
    "slow failures": (6, "late"),
    "hangs": (6, "hang"),
    "one byte, and no more": (6, "drip"),
    "resets": (6, "refuse"),
    "TLS handshakes that hang": (6, "tls"),
    "names that never resolve": (6, "name"),
    "a storm of one team": (1, "storm"),
}


def attacker_url(sink, number, kind):
    if kind == "tls":
        return sink.url(number, "hang").replace("http:", "https:")
    return f"http://never-{number}.invalid/" if kind == "name" else sink.url(number, kind)


def make_attackers(service, sink, teams, kind):
    made = [service.new_team() for _ in range(teams)]
    for number in range(teams * CHANNELS_PER_TEAM):
        key = made[number // CHANNELS_PER_TEAM][1]
        service.add_webhook(key, attacker_url(sink, number, kind), name=f"a{number}")
    return made


@contextlib.contextmanager
def resolver_that_swallows():
    """Takes what is asked on port 53 of this host and never answers; a name server only where resolv.conf names it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as swallower:
        with contextlib.suppress(OSError):
            swallower.bind(("127.0.0.1", 53))
        yield


def isolation(service, redis, sink, bad_sink, rounds):
    """For each attack ((p50, p99) alone, (p50, p99) beside it) in ms, of 100 healthy channels at a fixed rate. What is
    alone is measured again just before each attack: a machine's noise changes from minute to minute."""
    good = make_channels(service, sink, 100)
    paced(service, redis, sink, good, 2, 5)  # they are known from here on
    measure = lambda: paced(service, redis, sink, good, ISOLATION_SECONDS, 5)
    pick = lambda found: tuple(statistics.median(f[name] for f in found) for name in ("p50_ms", "p99_ms"))
    measured = {}
    for name, (teams, kind) in ATTACKS.items():
        alone, beside = [], []
        for _ in range(rounds):
            alone.append(measure())
            bad = make_attackers(service, bad_sink, teams, kind)
            publish(redis, [team for team, _ in bad], 2000 if kind == "storm" else 20)
            take_in(redis)
            beside.append(measure())
            remove_channels(service, bad)
        measured[name] = pick(alone), pick(beside)
    remove_channels(service, good)
    return measured


def show_isolation(service, redis, rounds):
    sink = Sink()
    bad_sink = Sink(niceness=10)  # the attackers' receivers would be other machines
    try:
        with resolver_that_swallows():
            measured = isolation(service, redis, sink, bad_sink, rounds)
    finally:
        sink.stop()
        bad_sink.stop()
    print("isolate  100 healthy channels, alone and beside")
    for name, (alone, beside) in measured.items():
        ratios = [b / a for a, b in zip(alone, beside)]
        print(f"         p50 {alone[0]:5.1f} -> {beside[0]:5.1f} ms, p99 {alone[1]:5.1f} -> {beside[1]:5.1f} ms  {name}"
              f"  ratio {ratios[0]:.2f}, {ratios[1]:.2f}")


def backlog_memory(service, redis, sink, resident_bytes, count):
    """Resident bytes more with `count` deliveries pending whose endpoints never answer."""
    before = resident_bytes(service.process.pid)
    teams = make_channels(service, sink, 100, lambda number: "hang")
    events = count // 100
    for _ in range(10):
        publish(redis, [team for team, _ in teams], events // 10)
        take_in(redis)
    used = resident_bytes(service.process.pid) - before
    remove_channels(service, teams)
    return used


def run(service, redis, resident_bytes, rounds):
    sink = Sink()
    try:
        one, one_cpu = flat_out(service, redis, sink, 1, 1000, rounds)
        bare_one, bare_one_cpu = bare(sink, 1, 1, 5000, rounds)
        print(f"deliver  {one:8.0f} webhooks/s to one endpoint ({one_cpu:.0f} us CPU each)")
        print(f"         {bare_one:8.0f} posts/s by a bare libcurl loop ({bare_one_cpu:.0f} us)  ratio {one / bare_one:.3f}")
        many, many_cpu = flat_out(service, redis, sink, 1000, 20, rounds)
        bare_many, bare_many_cpu = bare(sink, 1000, 256, 20000, rounds)
        print(f"deliver  {many:8.0f} webhooks/s to 1,000 endpoints ({many_cpu:.0f} us CPU each)")
        print(f"         {bare_many:8.0f} posts/s by a bare libcurl loop ({bare_many_cpu:.0f} us)  ratio {many / bare_many:.3f}")
        used = backlog_memory(service, redis, sink, resident_bytes, 100000)
        print(f"backlog  {used / 1e6:8.1f} MB resident more with 100,000 deliveries pending")
    finally:
        sink.stop()
