# SPDX-License-Identifier: Apache-2.0
"""Deliveries of `make bench`: signed webhooks to bench_sink.c beside bench_post.c, their age at a quiet pace, two
workers beside one, and what waits after a restart."""
import json
import os
import pathlib
import statistics
import subprocess
import time
import urllib.request

from bench_servers import resident_bytes
from bench_stack import STORES, Stack, per, show_cpu
from bench_table import ratio, row
from support import free_port, until

TOOLS = pathlib.Path(__file__).resolve().parent.parent / "build/release/tools"
CHANNELS_PER_TEAM = 50
ENDPOINTS = 200
PACED_SECONDS = 8
BACKLOG = 200_000


class Sink:
    """bench_sink on a port of its own; a `niceness` above 0 lets everything else on the machine go first."""

    def __init__(self, niceness=0):
        self.port = free_port()
        self.process = subprocess.Popen([str(TOOLS / "bench_sink"), str(self.port)], stdout=subprocess.PIPE, text=True)
        os.setpriority(os.PRIO_PROCESS, self.process.pid, niceness)
        self.process.stdout.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def ask(self, what):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{what}", timeout=60) as answer:
            return answer.read()

    def stats(self):
        return json.loads(self.ask("stats"))

    def wait(self, count):
        until(lambda: self.stats()["count"] >= count, "every delivery", 300)
        return self.stats()

    def url(self, number, path="good"):
        return f"http://127.0.{number // 250}.{number % 250 + 1}:{self.port}/{path}"


def make_channels(stack, sink, count, per_team=CHANNELS_PER_TEAM, path="good"):
    """`count` webhook channels, so many a team; the teams."""
    teams = stack.add_teams(-(-count // per_team))
    for number in range(count):
        stack.service.add_webhook(teams[number // per_team][1], sink.url(number, path), name=f"c{number}")
    return teams


def remove_channels(stack, teams):
    for _, key in teams:
        for channel in stack.service.request("GET", "/v1/channels", key=key).json():
            stack.service.request("DELETE", f"/v1/channels/{channel['id']}", key=key)


def flat_out(stack, sink, channels, events, rounds):
    """Deliveries a second, and CPU of each by program, with `events` for each channel waiting."""
    teams = make_channels(stack, sink, channels)
    found = []
    for _ in range(rounds):
        sink.ask("reset")
        before = stack.cpu()
        stack.publish([team for team, _ in teams], events)
        stats = sink.wait(channels * events)
        stack.deliver_all()
        found.append((stats["per_second"], per(stack.cpu(), before, stats["count"])))
    remove_channels(stack, teams)
    cpu = {name: statistics.median(f[1][name] for f in found) for name in found[0][1]}
    return statistics.median(f[0] for f in found), cpu


def bare(sink, endpoints, requests, rounds):
    def run():
        out = subprocess.run([str(TOOLS / "bench_post"), str(sink.port), str(endpoints), str(endpoints), str(requests)],
                             capture_output=True, text=True, check=True).stdout
        return json.loads(out)
    found = [run() for _ in range(rounds)]
    return statistics.median(f["per_second"] for f in found), statistics.median(f["cpu_us"] for f in found)


def paced(stack, sink, teams, seconds, per_second, per_team=CHANNELS_PER_TEAM):
    """p50 and p99 from XADD to arrival, at a fixed rate of events to all of these teams."""
    sink.ask("reset")
    names = [team for team, _ in teams]
    count = int(seconds * per_second)
    started = time.monotonic()
    for number in range(count):
        stack.publish(names if per_team > 1 else [names[number % len(names)]], 1)
        while time.monotonic() < started + (number + 1) / per_second:
            time.sleep(0.001)
    return sink.wait(count * per_team * (len(names) if per_team > 1 else 1))


def quiet_pace(stack, sink, rounds):
    """(p50, p99) of 200 events a second to 200 teams with one channel each."""
    teams = make_channels(stack, sink, ENDPOINTS, per_team=1)
    paced(stack, sink, teams, 2, 200, per_team=1)  # they are known from here on
    found = [paced(stack, sink, teams, PACED_SECONDS, 200, per_team=1) for _ in range(rounds)]
    remove_channels(stack, teams)
    return tuple(statistics.median(f[name] for f in found) for name in ("p50_ms", "p99_ms"))


def show_rate(stack, sink, endpoints, events, rounds):
    goals = {("sqlite", 1): 0.45, ("sqlite", 200): 0.35, ("postgres", 1): 0.25, ("postgres", 200): 0.2}
    rate, cpu = flat_out(stack, sink, endpoints, events, rounds)
    bare_rate, bare_us = bare(sink, endpoints, 10000, rounds)
    to = f"signed webhooks to {endpoints} endpoint{'s' if endpoints > 1 else ''}"
    row(to, f"{rate:,.0f} /s", f"{bare_rate:,.0f} /s, bare libcurl", ratio(rate, bare_rate), "0.6", store=stack.kind)
    row(f"{to}, CPU", f"{sum(cpu.values()):.0f} us", f"{bare_us:.0f} us, bare libcurl", ratio(bare_us, sum(cpu.values())),
        f"{goals[stack.kind, endpoints]}", show_cpu(cpu), stack.kind)


def show_deliver(rounds):
    for kind in STORES:
        with Sink() as sink, Stack(kind) as stack:
            show_rate(stack, sink, 1, 3000, rounds)
            show_rate(stack, sink, ENDPOINTS, 30, rounds)
            p50, p99 = quiet_pace(stack, sink, rounds)
            row("200 events/s to 200 endpoints, p99 of the age", f"{p99:.1f} ms (p50 {p50:.1f})", goal="15 ms", store=kind)


def show_workers(rounds):
    """Two workers beside one on the same machine."""
    for kind in STORES:
        found = {}
        for workers in (1, 2):
            with Sink() as sink, Stack(kind, workers) as stack:
                rate, cpu = flat_out(stack, sink, ENDPOINTS, 30, rounds)
                found[workers] = rate, cpu, quiet_pace(stack, sink, rounds)
        (one, _, one_paced), (two, cpu, two_paced) = found[1], found[2]
        row("2 workers, rate to 200 endpoints", f"{two:,.0f} /s", f"{one:,.0f} /s, 1 worker", ratio(two, one), "1.6", show_cpu(cpu), kind)
        row("2 workers, 200 events/s to 200 endpoints, p99 of the age", f"{two_paced[1]:.1f} ms", f"{one_paced[1]:.1f} ms, 1 worker",
            ratio(two_paced[1], one_paced[1]), "at most 1.2", store=kind)


def restart(stack, sink):
    """Seconds until the service is ready and until the first delivery arrives, and its memory while it delivers."""
    sink.ask("reset")
    started = time.monotonic()
    stack.service.launch()
    until(stack.service.answers, "the service to be ready")
    ready = time.monotonic() - started
    until(lambda: sink.stats()["count"], "the first delivery")
    first = time.monotonic() - started
    sink.wait(20000)
    return ready, first, resident_bytes(stack.service.process.pid)


def show_backlog(rounds):
    """A start with BACKLOG deliveries pending. The median of the rounds, each with a full backlog."""
    from bench_rows import copy_deliveries
    for kind in STORES:
        found = []
        for _ in range(rounds):
            with Sink() as sink, Stack(kind) as stack:
                teams = make_channels(stack, sink, ENDPOINTS)
                stack.publish([team for team, _ in teams], 1)
                stack.deliver_all()
                stack.end()
                copy_deliveries(stack, BACKLOG // ENDPOINTS, "pending")
                found.append(restart(stack, sink))
        ready, first, resident = (statistics.median(column) for column in zip(*found))
        what = f"{BACKLOG:,} pending after a restart"
        row(f"{what}: ready", f"{ready:.2f} s", goal="0.1 s", store=kind)
        row(f"{what}: first delivery", f"{first:.2f} s", goal="0.3 s", store=kind)
        row(f"{what}: resident", f"{resident / 1e6:.0f} MB", goal="40 MB", store=kind)
