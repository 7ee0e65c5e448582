# SPDX-License-Identifier: Apache-2.0
"""A healthy team beside others that do what they can against it. It gets all its events, at the first attempt and in order,
and its channels wait for no request of the others. How long it waits is printed beside what it waits alone; `make bench`
measures that on a quiet machine."""
import collections
import contextlib
import errno
import functools
import json
import os
import socket
import time

import destinations
import psycopg2
import pytest
from attackers import (Attackers, BadNetwork, UnreadLog, add_teams, asking_for_audit, fill_audit_log, idle_connections, little_memory,
                       making_and_deleting, making_at_hosts, printing, reading_audit, swallowed_packets, trying_short_secrets)
from healthy import CHANNELS, EVENTS, ROUNDS, TEAMS, WEBHOOKS, World, show, wait_until_it_stays
from support import fast_clock, id_to_uuid, make_event, until
from terminals import hostile_event

pytestmark = pytest.mark.plain_only("the sanitizers see nothing of who waits for whom")

SLOTS, FILES = 16, 400  # fewer slots than channels
SLOWLY = 0.1  # where requests are held, their ten seconds last a hundred
REFUSALS = 26  # of one team, that a vendor may see at once
WAIT_S = 9  # at least, from a failure to the next attempt
TEXT = "x" * 60_000
PRINTED = 100  # events


def bad_webhook(world, number):
    return destinations.Destination("webhook", {"url": f"{world.fake.origin}/bad/{number}"}, f"webhook/bad/{number}")


@contextlib.contextmanager
def faulty(world, **fault):
    """The others' webhooks do this; the block gets what is to be done between two rounds."""
    world.fake.script({"destination": "webhook/bad/", "times": 0, **fault})
    world.attackers(lambda number: bad_webhook(world, number))
    arrived = lambda: len(world.fake.arrived("webhook/bad/"))
    wait_until_it_stays(arrived, TEAMS)

    def go_on():
        """What is held gets its answer, and what waits takes its place."""
        before = arrived()
        if fault.get("kind") != "hold":
            return
        world.fake.release()
        wait_until_it_stays(arrived, before + 1)
    yield go_on
    world.fake.heal("webhook/bad/")
    world.fake.release()


@contextlib.contextmanager
def without_handshake(world):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(512)
        port = listener.getsockname()[1]
        world.attackers(lambda number: destinations.Destination("webhook", {"url": f"https://127.0.0.1:{port}/{number}"}, ""))
        listener.setblocking(False)
        accepted = []
        with contextlib.ExitStack() as open_ones:
            def count():
                with contextlib.suppress(BlockingIOError):
                    while True:
                        accepted.append(open_ones.enter_context(listener.accept()[0]))
                return len(accepted)
            wait_until_it_stays(count, TEAMS)
            yield lambda: None


@contextlib.contextmanager
def storm(world):
    """At channels that have answered at once, which stop answering during it."""
    (team, _), = world.attackers(lambda number: bad_webhook(world, number), teams=1, channels=SLOTS)
    delivered = "SELECT count(*) FROM deliveries WHERE team_id = %s AND state = 'delivered'"
    until(lambda: world.store.query(delivered, id_to_uuid(team)) == [(SLOTS * EVENTS,)], "quick answers")
    world.fake.script({"destination": "webhook/bad/", "times": 0, "kind": "hold", "status": 204})
    for _ in range(ROUNDS * EVENTS):
        world.redis.publish(make_event(team))
    wait_until_it_stays(lambda: len(world.fake.arrived("webhook/bad/")) - SLOTS * EVENTS, SLOTS // 2)
    yield lambda: None
    world.fake.heal("webhook/bad/")
    world.fake.release()


def spoil_network(service):
    network = BadNetwork(service.folder)
    service.environment.update(network.settings(service.environment))
    return network


@contextlib.contextmanager
def silent_names(world):
    world.attackers(lambda number: destinations.Destination("webhook", {"url": f"http://never-{number}.silent.test/"}, ""))
    wait_until_it_stays(world.prepared.count, TEAMS)
    yield lambda: None
    world.prepared.end()


@contextlib.contextmanager
def failures(world):
    """Destinations that fail at once: refusals, resets, and answers that break off."""
    kinds = ("answer", "reset", "half")
    for kind in kinds:
        world.fake.script({"destination": f"webhook/bad/{kind}/", "times": 0, "kind": kind})
    world.attackers(lambda number: bad_webhook(world, f"{kinds[number % 3]}/{number}"))
    until(lambda: len(world.fake.arrived("webhook/bad/")) >= TEAMS * CHANNELS, "requests of the others")
    yield lambda: None
    assert world.store.query("SELECT count(*) FROM attempts a JOIN attempts b ON b.delivery_id = a.delivery_id AND b.number = a.number + 1 "
                             f"WHERE (julianday(b.started_at) - julianday(a.started_at)) * 86400 < {WAIT_S}") == [(0,)], "tried again too soon"


@contextlib.contextmanager
def acting(world, act, **more):
    with Attackers(act, **more) as attackers:
        attackers.wait_for_acts()
        yield lambda: None


@contextlib.contextmanager
def churn(world):
    world.fake.script({"destination": "webhook/bad/", "kind": "hang", "times": 0})
    teams = add_teams(world.store, TEAMS)
    with acting(world, making_and_deleting(world.service, world.redis, teams, f"{world.fake.origin}/bad/0", channels=CHANNELS)):
        until(lambda: len(world.fake.arrived("webhook/bad/")) > 2 * SLOTS, "requests in the place of those whose channels were deleted")
        yield lambda: None


@contextlib.contextmanager
def audit_reads(world):
    (team, key), = add_teams(world.store, 1)
    fill_audit_log(world.store, team, 20_000)
    with acting(world, reading_audit(world.service, [key])):
        yield lambda: None


def allow_few_files(service):
    service.prefix = ["prlimit", f"--nofile={FILES}:{FILES}"]


@contextlib.contextmanager
def connections(world):
    """More than the service has files. Each request of the healthy team needs one, too."""
    world.fake.script({"destination": "webhook/hooks/", "times": 0, "status": 204, "headers": {"Connection": "close"}})
    with idle_connections(world.service, FILES + 100):
        until(lambda: len(os.listdir(f"/proc/{world.service.process.pid}/fd")) > FILES // 5, "clients to be accepted")
        yield lambda: None
    until(world.service.answers, "the service to take clients again")
    assert b"\nwrenn_events_outbound_shortages_total 0\n" in world.service.get("/metrics").body, "requests were put off for a descriptor"


@contextlib.contextmanager
def hour_long_hints(world):
    """As many destinations as the teams may have, and each wants an hour."""
    world.fake.script({"destination": "matrix/!bad", "times": 0, "status": 429, "headers": {"Retry-After": "3600"},
                       "body": '{"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": 3600000}'})
    world.add(destinations.matrix())
    world.attackers(lambda number: destinations.matrix(f"!bad{number}:example.org"))
    until(lambda: len(world.fake.arrived("matrix/!bad")) >= SLOTS // 4, "requests of the others")
    yield lambda: None


@contextlib.contextmanager
def refused_by_a_vendor(world):
    """Vendors count refused requests by address, and shut an address out."""
    world.add(destinations.slack())

    def refused(_):
        destination = destinations.slack()
        world.fake.script({"destination": destination.name, "times": 0, "status": 404, "body": "no_service"})
        return destination
    world.attackers(refused, teams=1, channels=REFUSALS + 4)
    count = lambda: len([e for e in world.fake.arrived("slack/") if e["status"] == 404])
    wait_until_it_stays(count, SLOTS)
    yield lambda: None
    assert count() <= REFUSALS


@contextlib.contextmanager
def unread_log(world):
    """It is full, and what the teams do makes lines."""
    log = world.prepared
    log.fill()
    world.fake.script({"destination": "webhook/bad/", "times": 0, "status": 410})
    world.attackers(lambda number: bad_webhook(world, number), teams=1)
    disabled = "SELECT count(*) FROM channel_state WHERE disabled_at IS NOT NULL"
    until(lambda: world.store.query(disabled) == [(CHANNELS,)], "channels to be disabled")
    yield lambda: None
    log.read_until(b"a channel was disabled", CHANNELS)
    log.close()


@contextlib.contextmanager
def no_memory(world):
    """Pages need memory that there is not; then events do."""
    (team, key), = add_teams(world.store, 1)
    fill_audit_log(world.store, team, 200, json.dumps({"text": "x" * 8000}))
    with little_memory(world.service, more=0), acting(world, asking_for_audit(world.service, [key])):
        yield lambda: None
    with little_memory(world.service, more=0):
        for _ in range(30):
            world.redis.publish(make_event(team, metadata={"text": TEXT}))
            world.publish()
        until(lambda: "out of memory" in world.service.log_text(), "memory to run out")
    until(lambda: world.store.query("SELECT count(*) FROM audit_logs WHERE team_id = %s AND resource_id IS NOT NULL",
                                    id_to_uuid(team)) == [(30,)], "all events")
    world.age(world.capsules[-1], time.monotonic())
    assert world.redis.client.xlen("wrenn:events:dead") == 0


@contextlib.contextmanager
def swallowing(world):
    """The first address of each host swallows packets. The second one is tried in time."""
    with swallowed_packets(world.fake.port):
        url = lambda number: f"http://host-{number}.deaf.test:{world.fake.port}/bad/{number}"
        world.attackers(lambda number: destinations.Destination("webhook", {"url": url(number)}, ""), teams=SLOTS // 4, channels=1)
        until(lambda: f"\nwrenn_events_delivery_inflight {SLOTS // 4}\n" in world.service.get("/metrics").body.decode(), "requests of the others")
        yield lambda: None
        until(lambda: all(state == "delivered" or error for state, error in world.of_others("state, last_error")), "the second address")
    assert set(world.of_others("state, attempts")) == {("delivered", 1)}


@contextlib.contextmanager
def without_a_key(world):
    """Connecting fails as in a tunnel that has no key of its peer. Clients of the same kind are told so."""
    world.attackers(lambda number: destinations.Destination("webhook", {"url": f"http://127.1.0.13:9/{number}"}, ""))
    until(lambda: sum(attempts > 0 for attempts, in world.of_others("attempts")) >= TEAMS * CHANNELS, "requests of the others")
    yield lambda: None
    assert {error for error, attempts in world.of_others("last_error, attempts") if attempts} == {"connection refused, reset or not possible"}
    client = world.service.run("wait", "capsule.create", "--timeout", "1", environment={"WRENN_BASE_URL": "http://127.1.0.13:9", "WRENN_API_KEY": world.key})
    assert client.returncode == 3 and os.strerror(errno.ENOKEY).lower() in client.stderr.lower(), client


@contextlib.contextmanager
def terminals(world):
    """They print events with whatever a terminal could obey."""
    (team, key), = add_teams(world.store, 1)
    for _ in range(PRINTED):
        world.redis.publish(hostile_event(team, "template.snapshot.create"))
    with acting(world, printing(world.service, key, PRINTED), threads=2):
        yield lambda: None


@contextlib.contextmanager
def short_secrets(world):
    keys = [key for _, key in add_teams(world.store, TEAMS)]
    with acting(world, trying_short_secrets(world.service, keys, f"{world.fake.origin}/bad/0")):
        yield lambda: None


# is_held: their requests are held all the time, so that it shows who waits for one. is_slow: as if they were.
Attack = collections.namedtuple("Attack", "start is_held is_slow rounds events prepare", defaults=(False, False, ROUNDS, EVENTS, None))
ATTACKS = {
    "hangs": Attack(functools.partial(faulty, kind="hang"), is_held=True),
    "slow successes": Attack(functools.partial(faulty, kind="hold", status=204), is_held=True),
    "slow failures": Attack(functools.partial(faulty, kind="hold", status=503), is_held=True),
    "a byte now and then": Attack(functools.partial(faulty, kind="drip"), is_held=True),
    "TLS handshakes that hang": Attack(without_handshake, is_held=True),
    "names that never resolve": Attack(silent_names, is_held=True, prepare=spoil_network),
    "a storm": Attack(storm, is_held=True),
    "failures at once": Attack(failures),
    "channels made and deleted": Attack(churn, is_slow=True),
    "audit reads that find nothing": Attack(audit_reads),
    "connections that ask for nothing": Attack(connections, prepare=allow_few_files),
    "hints of an hour": Attack(hour_long_hints, rounds=1),
    "refusals of a vendor": Attack(refused_by_a_vendor, is_slow=True, rounds=1, events=1),
    "a log that nobody reads": Attack(unread_log, rounds=1, prepare=UnreadLog),
    "no memory": Attack(no_memory, rounds=1),
    "addresses that swallow packets": Attack(swallowing, prepare=spoil_network),
    "connections without a key": Attack(without_a_key, prepare=spoil_network),
    "terminals": Attack(terminals),
    "short secrets": Attack(short_secrets),
}


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ATTACKS)
def test_a_healthy_team_waits_for_nobody(make_service, origins, redis, store, fake, open_files, name, record_property):
    attack = ATTACKS[name]
    open_files(FILES * 3)
    service = make_service(WRENN_EVENTS_MAX_INFLIGHT=str(SLOTS), **origins,
                           **(fast_clock(SLOWLY) if attack.is_held or attack.is_slow else {}))
    prepared = attack.prepare(service) if attack.prepare else None
    world = World(service.start(), redis, store, fake, prepared)
    alone = [age for _ in range(attack.rounds) for age in world.ages(attack.events)]
    beside = []
    with attack.start(world) as go_on:
        for _ in range(attack.rounds):
            go_on()
            beside += world.ages_beside_held_requests() if attack.is_held else world.ages(attack.events)
    world.check()
    show(record_property, name, beside, alone)


def begin(world):
    """Events in the ledger: of the first each channel awaits the answer. Those that have to wait for it are returned."""
    world.fake.script({"destination": "webhook/hooks/", "times": 0, "kind": "hold", "status": 204})
    first, *others = (world.publish() for _ in range(1 + EVENTS))
    until(lambda: len(world.arrivals(first)) == WEBHOOKS, "the first event")
    pending = "SELECT count(*) FROM deliveries WHERE state = 'pending'"
    until(lambda: world.store.query(pending) == [(WEBHOOKS * (1 + EVENTS),)], "the ledger")
    return others


def go_on(world, capsules):
    """The ages, in milliseconds since the answers to the first one. All results are stored after that."""
    began = time.monotonic()
    world.fake.heal()
    world.fake.release()
    found = [age for capsule in capsules for age in world.age(capsule, began)]
    until(lambda: world.store.query("SELECT count(*) FROM deliveries WHERE state = 'pending'") == [(0,)], "the results")
    return found


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_a_healthy_team_waits_for_no_lock_on_the_audit_log(make_service, origins, redis, store, fake, record_property):
    """Two others hold all readers of requests, and the writer of audited changes."""
    service = make_service(**origins, **fast_clock(0.3)).start()
    world = World(service, redis, store, fake)
    alone = go_on(world, begin(world))
    capsules = begin(world)
    teams = add_teams(store, 2)
    lock = psycopg2.connect(host=store.cluster.folder, user="postgres", dbname=store.database)
    lock.cursor().execute("LOCK TABLE public.audit_logs")
    try:
        with Attackers(asking_for_audit(service, [key for _, key in teams])), Attackers(making_at_hosts(service, teams, "quick.test")):
            until(lambda: store.query("SELECT count(*) FROM pg_locks WHERE NOT granted")[0][0] > 2, "requests that wait for the lock")
            beside = go_on(world, capsules)
            late = redis.publish(make_event(world.team))
            assert store.query("SELECT count(*) FROM deliveries WHERE stream_id = %s", late) == [(0,)]
            lock.rollback()
    finally:
        lock.close()
    until(lambda: store.query("SELECT state FROM deliveries WHERE stream_id = %s", late) == [("delivered",)] * WEBHOOKS, "the last event")
    show(record_property, "a lock on the audit log", beside, alone)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_new_channel_waits_for_nobodys_look_up(make_service, redis, store, folder, record_property):
    names = BadNetwork(folder)
    service = make_service(**names.settings(fast_clock(SLOWLY)), WRENN_CHANNELS_ALLOW_PRIVATE="false").start()
    teams = add_teams(store, 1 + TEAMS)
    healthy = making_at_hosts(service, teams[:1], "quick.test")

    def ages():
        found = []
        for _ in range(ROUNDS):
            began = time.monotonic()
            assert healthy() == 201
            found.append(1e3 * (time.monotonic() - began))
        return found
    alone = ages()
    with Attackers(making_at_hosts(service, teams[1:], "silent.test"), threads=8 * TEAMS, once=True) as attackers:
        wait_until_it_stays(names.count, TEAMS)
        beside = ages()
        names.end()
    assert attackers.acts > 0
    show(record_property, "look-ups that never end", beside, alone)


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_deleted_channels_take_turns_as_those_of_one_team(make_service, redis, store, fake):
    """Nobody knows their team any more. Each transaction drops the backlog of one, so that others wait for one."""
    service = make_service().start()
    (team, key), = add_teams(store, 1)
    fake.script({"destination": "webhook/bad", "times": 0, "status": 410})
    for _ in range(SLOTS):
        service.add_webhook(key, f"{fake.origin}/bad")
    redis.publish(make_event(team))
    until(lambda: store.query("SELECT count(*) FROM channel_state WHERE disabled_at IS NOT NULL") == [(SLOTS,)], "channels to be disabled")
    lock = psycopg2.connect(host=store.cluster.folder, user="postgres", dbname=store.database)
    lock.cursor().execute("LOCK TABLE wrenn_events.deliveries IN EXCLUSIVE MODE")
    try:
        store.query("DELETE FROM channels RETURNING id")  # as the control plane does
        until(lambda: store.query("SELECT count(*) FROM pg_locks WHERE NOT granted")[0][0], "the first transaction to wait for the lock")
        service.get("/metrics")  # the loop has had a turn since then, so the backlogs of the others wait, too
        lock.rollback()
    finally:
        lock.close()
    until(lambda: store.query("SELECT count(*) FROM deliveries WHERE state = 'dropped'") == [(SLOTS,)], "their backlogs to be dropped")
    assert store.query("SELECT count(DISTINCT xmin::text) FROM deliveries") == [(SLOTS,)], "one transaction dropped those of several"
