# SPDX-License-Identifier: Apache-2.0
"""Isolation of `make bench`: how much the channels of other teams delay 100 healthy ones."""
import contextlib
import json
import os
import statistics
import tempfile
import time

import psycopg2
from attackers import (Attackers, BadNetwork, UnreadLog, asking_for_audit, fill_audit_log, fill_deliveries, idle_connections, little_memory,
                       making_and_deleting, making_at_hosts, moving_backlogs, printing, reading_audit, swallowed_packets, trying_short_secrets)
from bench_deliver import CHANNELS_PER_TEAM, STORES, Sink, make_channels, paced, remove_channels
from bench_stack import Stack
from bench_table import ratio, row
from destinations import discord, matrix
from support import id_to_uuid
from terminals import hostile_event

SECONDS = float(os.environ.get("ISOLATION_SECONDS", "5"))
EVENTS, STORM_EVENTS = 20, 2000
BACKLOG = 40  # events for each channel, before a lock
CONNECTIONS = 1000  # that the service takes
PRINTED = 200  # events
MADE = 20  # channels of the healthy team, one after the other


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
    return channels(stack, 6, lambda number: ("webhook", {"url": f"http://never-{number}.silent.test/"}))


@contextlib.contextmanager
def swallowing(stack, sink):
    """The first address of each host swallows packets, and nobody listens at the second."""
    with swallowed_packets() as port, channels(stack, 6, lambda number: ("webhook", {"url": f"http://host-{number}.deaf.test:{port}/"})):
        yield


def chats(make, teams=6):
    return lambda stack, sink: channels(stack, teams, lambda number: (make().provider, make().config))


def churn(stack, sink):
    return Attackers(making_and_deleting(stack.service, stack.redis, stack.add_teams(6), sink.url(0, "hang")))


def audit_reads(stack, sink):
    (team, key), = stack.add_teams(1)
    fill_audit_log(stack.store, team, 100_000)
    return Attackers(reading_audit(stack.service, [key]), threads=16)


@contextlib.contextmanager
def backlog(stack, sink, state):
    """150,000 deliveries of a team's fifty channels."""
    (team, key), = stack.add_teams(1)
    made = [stack.service.add_webhook(key, sink.url(number, "fail")) for number in range(CHANNELS_PER_TEAM)]
    stack.publish([team], 1)
    stack.take_in()
    fill_deliveries(stack.store, team, 3000, state)
    stack.store.query("PRAGMA wal_checkpoint(TRUNCATE)")  # else the service has to do it
    yield team, key, made
    remove_channels(stack, [(team, key)])
    stack.store.query("DELETE FROM deliveries WHERE team_id = %s", id_to_uuid(team))


@contextlib.contextmanager
def moved(stack, sink):
    with backlog(stack, sink, "dropped") as (_, key, made), Attackers(moving_backlogs(stack.service, key, made), threads=CHANNELS_PER_TEAM):
        yield


@contextlib.contextmanager
def deleted(stack, sink):
    with backlog(stack, sink, "pending") as (team, key, _):
        remove_channels(stack, [(team, key)])
        yield


def terminals(stack, sink):
    (team, key), = stack.add_teams(1)
    for _ in range(PRINTED):
        stack.redis.publish(hostile_event(team, "template.snapshot.create"))
    stack.take_in()
    return Attackers(printing(stack.service, key, PRINTED), threads=4)


def short_secrets(stack, sink):
    return Attackers(trying_short_secrets(stack.service, [key for _, key in stack.add_teams(6)], sink.url(0, "gone")))


def connections(stack, sink):
    return idle_connections(stack.service, 2 * CONNECTIONS)


@contextlib.contextmanager
def unread_log(stack, sink):
    """Each of the channels is disabled, which makes a line."""
    stack.log.fill()
    with webhooks("gone")(stack, sink):
        yield
        stack.log.read_until(b"a channel was disabled", 6 * CHANNELS_PER_TEAM)


@contextlib.contextmanager
def no_memory(stack, sink):
    """The largest pages there are, and no more memory than before."""
    teams = stack.add_teams(6)
    fill_audit_log(stack.store, teams[0][0], 200, json.dumps({"text": "x" * 8000}))
    with little_memory(stack.service, more=0), Attackers(asking_for_audit(stack.service, [key for _, key in teams])):
        yield


# What other teams do, by the word that chooses it. Beside nothing, the ratio shows how much the machine's noise is.
ATTACKS = {
    "nothing": ("nothing", lambda stack, sink: contextlib.nullcontext()),
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
    "audit": ("sixteen clients whose audit filters match nothing", audit_reads),
    "idle": ("twice as many connections as the service takes", connections),
    "backlog": ("backlogs that are sent again and skipped", moved),
    "delete": ("backlogs of channels that were deleted", deleted),
    "log": ("a log that nobody reads any more", unread_log),
    "deaf": ("addresses that swallow packets", swallowing),
    "terminal": ("terminals that print what they could obey", terminals),
    "secret": ("eight clients that try short secrets", short_secrets),
    "memory": ("pages for which there is no memory", no_memory),
}


def measure(stack, sink, bad_sink, good, attack):
    """(alone, beside): what is alone is measured just before, since a machine's noise changes from minute to minute."""
    once = lambda: paced(stack, sink, good, SECONDS, 5)
    alone = once()
    with attack(stack, bad_sink):
        return alone, once()


def show(what, found, store="sqlite"):
    """Adds the row for one attack. `found` holds (alone, beside) pairs in milliseconds."""
    pick = lambda place, value: statistics.median(f[place][value] for f in found)
    p99, alone = pick(1, "p99_ms"), pick(0, "p99_ms")
    row(f"p99 {what}", f"{p99:.1f} ms (p50 {pick(1, 'p50_ms'):.1f})", f"{alone:.1f} ms (p50 {pick(0, 'p50_ms'):.1f}), alone", ratio(p99, alone),
        "at most 1.2", store=store)


def summary(ages):
    """Percentiles in milliseconds; `ages` are seconds."""
    ages = sorted(1e3 * age for age in ages)
    return {"p50_ms": statistics.median(ages), "p99_ms": ages[len(ages) * 99 // 100]}


def show_attacks(asked, rounds, names):
    # The attackers' receivers would be other machines.
    with Sink() as sink, Sink(niceness=10) as bad_sink:
        settings = {f"WRENN_EVENTS_ORIGIN_{name}": f"http://127.0.0.1:{bad_sink.port}" for name in ("DISCORD", "MATRIX")}
        logs = []
        with Stack("sqlite", prepare=lambda service: logs.append(UnreadLog(service)), WRENN_EVENTS_MAX_CONNECTIONS=str(CONNECTIONS),
                   **names.settings(settings)) as stack:
            stack.log, = logs
            good = make_channels(stack, sink, 100)
            paced(stack, sink, good, 2, 5)  # they are known from here on
            alone = []
            for name in asked:
                what, attack = ATTACKS[name]
                found = [measure(stack, sink, bad_sink, good, attack) for _ in range(rounds)]
                show(f"to 100 healthy channels beside {what}", found)
                alone += [before["p99_ms"] for before, _ in found]
            if alone:
                row("p99 alone, of all these measurements: the highest", f"{max(alone):.1f} ms", f"{min(alone):.1f} ms, the lowest",
                    ratio(max(alone), min(alone)), "noise", store="sqlite")
        stack.log.close()


def show_look_ups(rounds, names):
    """How long a new channel of a healthy team takes while four teams make theirs at names that never resolve."""
    with Stack("sqlite", **names.settings(), WRENN_CHANNELS_ALLOW_PRIVATE="false") as stack:
        teams = stack.add_teams(5)
        make = making_at_hosts(stack.service, teams[:1], "quick.test")

        def once():
            ages = []
            for _ in range(MADE):
                began = time.monotonic()
                make()
                ages.append(time.monotonic() - began)
            return summary(ages)
        found = []
        for _ in range(rounds):
            alone = once()
            with Attackers(making_at_hosts(stack.service, teams[1:], "silent.test"), threads=40):
                time.sleep(1)  # they have taken what they may
                found.append((alone, once()))
    show("of making and deleting a channel beside look-ups that never end", found)


def drain(stack, sink, teams, locked):
    """How old events get that are in the ledger when audit_logs is locked."""
    sink.ask("reset")
    with contextlib.ExitStack() as left:
        stack.publish([team for team, _ in teams], BACKLOG)
        stack.take_in()
        if locked:
            lock = left.enter_context(contextlib.closing(psycopg2.connect(host=stack.cluster.folder, user="postgres", dbname=stack.store.database)))
            lock.cursor().execute("LOCK TABLE public.audit_logs")
            left.enter_context(Attackers(asking_for_audit(stack.service, [key for _, key in stack.add_teams(6)])))
        return sink.wait(BACKLOG * CHANNELS_PER_TEAM * len(teams))


def show_lock(rounds):
    with Sink() as sink, Stack("postgres") as stack:
        good = make_channels(stack, sink, 100)
        drain(stack, sink, good, False)
        found = [(drain(stack, sink, good, False), drain(stack, sink, good, True)) for _ in range(rounds)]
    show("of a backlog of 100 healthy channels beside a lock on audit_logs", found, "postgres")


def show_isolate(rounds):
    asked = [name for name in os.environ.get("ATTACKS", "").split(",") if name] or [*ATTACKS, "nowhere", "lock"]
    with tempfile.TemporaryDirectory() as folder:
        names = BadNetwork(folder)
        try:
            show_attacks([name for name in asked if name in ATTACKS], rounds, names)
            if "nowhere" in asked:
                show_look_ups(rounds, names)
        finally:
            names.end()
    if "lock" in asked and "postgres" in STORES:
        show_lock(rounds)
