# SPDX-License-Identifier: Apache-2.0
"""Isolation of `make bench`: how much the channels of other teams delay 100 healthy ones. A resolver that never
answers needs a resolv.conf that names 127.0.0.1 alone, and port 53."""
import contextlib
import os
import socket
import statistics

from bench_deliver import CHANNELS_PER_TEAM, Sink, make_channels, paced, remove_channels
from bench_stack import Stack
from bench_table import ratio, row

SECONDS = float(os.environ.get("ISOLATION_SECONDS", "5"))

# What the channels of other teams do, and how many teams of fifty channels do it.
ATTACKS = {
    "hangs": (6, "hang"),
    "slow successes (204 after 5 s)": (10, "slow"),
    "slow failures (503 after 5 s)": (6, "late"),
    "failures at once (500)": (6, "fail"),
    "one byte, and no more": (6, "drip"),
    "resets": (6, "refuse"),
    "TLS handshakes that hang": (6, "tls"),
    "names that never resolve": (6, "name"),
    "a storm of one team": (1, "storm"),
}
ATTACKER_EVENTS, STORM_EVENTS = 20, 2000


def attacker_url(sink, number, kind):
    if kind == "tls":
        return sink.url(number, "hang").replace("http:", "https:")
    return f"http://never-{number}.invalid/" if kind == "name" else sink.url(number, kind)


def make_attackers(stack, sink, teams, kind):
    made = stack.add_teams(teams)
    for number in range(teams * CHANNELS_PER_TEAM):
        stack.service.add_webhook(made[number // CHANNELS_PER_TEAM][1], attacker_url(sink, number, kind), name=f"a{number}")
    return made


@contextlib.contextmanager
def resolver_that_swallows():
    """Takes what is asked on port 53 of this host and never answers; a name server only where resolv.conf names it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as swallower:
        with contextlib.suppress(OSError):
            swallower.bind(("127.0.0.1", 53))
        yield


def measure(stack, sink, bad_sink, good, teams, kind):
    """(alone, beside): what is alone is measured just before, since a machine's noise changes from minute to minute."""
    once = lambda: paced(stack, sink, good, SECONDS, 5)
    alone = once()
    bad = make_attackers(stack, bad_sink, teams, kind)
    stack.publish([team for team, _ in bad], STORM_EVENTS if kind == "storm" else ATTACKER_EVENTS)
    stack.take_in()
    beside = once()
    remove_channels(stack, bad)
    return alone, beside


def show_isolate(rounds):
    asked = os.environ.get("ATTACKS", "").split(",")
    # The attackers' receivers would be other machines.
    with resolver_that_swallows(), Sink() as sink, Sink(niceness=10) as bad_sink, Stack("sqlite") as stack:
        good = make_channels(stack, sink, 100)
        paced(stack, sink, good, 2, 5)  # they are known from here on
        for name, (teams, kind) in ATTACKS.items():
            if asked != [""] and kind not in asked:
                continue
            found = [measure(stack, sink, bad_sink, good, teams, kind) for _ in range(rounds)]
            pick = lambda place, what: statistics.median(f[place][what] for f in found)
            p99, alone = pick(1, "p99_ms"), pick(0, "p99_ms")
            row(f"p99 to 100 healthy channels beside {name}", f"{p99:.1f} ms (p50 {pick(1, 'p50_ms'):.1f})",
                f"{alone:.1f} ms (p50 {pick(0, 'p50_ms'):.1f}), alone", ratio(p99, alone), "at most 1.2", store="sqlite")
