# SPDX-License-Identifier: Apache-2.0
"""Isolation of `make bench`: how much the channels of other teams delay 100 healthy ones. A resolver that never
answers needs a resolv.conf that names 127.0.0.1 alone, and port 53."""
import contextlib
import os
import socket
import statistics

from attackers import Attackers, fill_audit_log, idle_connections, making_and_deleting, making_at_unknown_hosts, reading_audit
from bench_deliver import CHANNELS_PER_TEAM, Sink, make_channels, paced, remove_channels
from bench_stack import Stack
from bench_table import ratio, row
from destinations import discord, matrix

SECONDS = float(os.environ.get("ISOLATION_SECONDS", "5"))
EVENTS, STORM_EVENTS = 20, 2000
CONNECTIONS = 1000  # that the service takes


@contextlib.contextmanager
def channels(stack, teams, make, events=EVENTS):
    """Teams with fifty channels each at make(number), a provider and its settings, and events for all of them."""
    made = stack.add_teams(teams)
    for number in range(teams * CHANNELS_PER_TEAM):
        provider, config = make(number)
        stack.service.add_channel(made[number // CHANNELS_PER_TEAM][1], provider, config, name=f"a{number}")
    stack.publish([team for team, _ in made], events)
    stack.take_in()
    yield
    remove_channels(stack, made)


def webhooks(path, teams=6, **more):
    return lambda stack, sink: channels(stack, teams, lambda number: ("webhook", {"url": sink.url(number, path)}), **more)


def without_handshake(stack, sink):
    return channels(stack, 6, lambda number: ("webhook", {"url": sink.url(number, "hang").replace("http:", "https:")}))


def without_address(stack, sink):
    return channels(stack, 6, lambda number: ("webhook", {"url": f"http://never-{number}.invalid/"}))


def chats(make, teams=6):
    return lambda stack, sink: channels(stack, teams, lambda number: (make().provider, make().config))


def churn(stack, sink):
    return Attackers(making_and_deleting(stack.service, stack.redis, stack.add_teams(6), sink.url(0, "hang")))


def channels_at_unknown_hosts(stack, sink):
    return Attackers(making_at_unknown_hosts(stack.service, stack.add_teams(4)))


def audit_reads(stack, sink):
    (team, key), = stack.add_teams(1)
    fill_audit_log(stack.store, team, 100_000)
    return Attackers(reading_audit(stack.service, [key]), threads=16)


def connections(stack, sink):
    return idle_connections(stack.service, 2 * CONNECTIONS)


# What other teams do, by the word that chooses it.
ATTACKS = {
    "hang": ("hangs", webhooks("hang")),
    "slow": ("slow successes (204 after 5 s)", webhooks("slow", teams=10)),
    "late": ("slow failures (503 after 5 s)", webhooks("late")),
    "fail": ("failures at once (500)", webhooks("fail")),
    "drip": ("one byte, and no more", webhooks("drip")),
    "refuse": ("resets", webhooks("refuse")),
    "tls": ("TLS handshakes that hang", without_handshake),
    "name": ("names that never resolve", without_address),
    "storm": ("a storm of one team", webhooks("storm", teams=1, events=STORM_EVENTS)),
    "hour": ("chats that want an hour (429)", chats(matrix)),
    "vendor": ("chats that a vendor refuses (404)", chats(discord)),
    "churn": ("channels that hang, made and deleted", churn),
    "nowhere": ("requests for channels at names that never resolve", channels_at_unknown_hosts),
    "audit": ("sixteen clients whose audit filters match nothing", audit_reads),
    "idle": ("twice as many connections as the service takes", connections),
}


@contextlib.contextmanager
def resolver_that_swallows():
    """Takes what is asked on port 53 of this host and never answers; a name server only where resolv.conf names it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as swallower:
        with contextlib.suppress(OSError):
            swallower.bind(("127.0.0.1", 53))
        yield


def measure(stack, sink, bad_sink, good, attack):
    """(alone, beside): what is alone is measured just before, since a machine's noise changes from minute to minute."""
    once = lambda: paced(stack, sink, good, SECONDS, 5)
    alone = once()
    with attack(stack, bad_sink):
        return alone, once()


def show_isolate(rounds):
    asked = [name for name in os.environ.get("ATTACKS", "").split(",") if name] or list(ATTACKS)
    # The attackers' receivers would be other machines.
    with resolver_that_swallows(), Sink() as sink, Sink(niceness=10) as bad_sink:
        vendors = {f"WRENN_EVENTS_ORIGIN_{name}": f"http://127.0.0.1:{bad_sink.port}" for name in ("DISCORD", "MATRIX")}
        with Stack("sqlite", WRENN_EVENTS_MAX_CONNECTIONS=str(CONNECTIONS), **vendors) as stack:
            good = make_channels(stack, sink, 100)
            paced(stack, sink, good, 2, 5)  # they are known from here on
            for name in asked:
                show_attack(stack, sink, bad_sink, good, name, rounds)


def show_attack(stack, sink, bad_sink, good, name, rounds):
    what, attack = ATTACKS[name]
    found = [measure(stack, sink, bad_sink, good, attack) for _ in range(rounds)]
    pick = lambda place, value: statistics.median(f[place][value] for f in found)
    p99, alone = pick(1, "p99_ms"), pick(0, "p99_ms")
    row(f"p99 to 100 healthy channels beside {what}", f"{p99:.1f} ms (p50 {pick(1, 'p50_ms'):.1f})",
        f"{alone:.1f} ms (p50 {pick(0, 'p50_ms'):.1f}), alone", ratio(p99, alone), "at most 1.2", store="sqlite")
