# SPDX-License-Identifier: Apache-2.0
"""A healthy team beside others that do what they can against it. It gets all its events, at the first attempt and in order,
and its channels wait for no request of the others. How long it waits is printed beside what it waits alone; `make bench`
measures that on a quiet machine."""
import collections
import contextlib
import json
import socket
import statistics
import time

import destinations
import pytest
from attackers import Attackers, add_teams, fill_audit_log, idle_connections, making_and_deleting, making_at_unknown_hosts, reading_audit
from support import fast_clock, id_to_uuid, make_event, new_id, until

pytestmark = pytest.mark.plain_only("the sanitizers see nothing of who waits for whom")

SLOTS, CONNECTIONS = 16, 100
TEAMS, CHANNELS = 6, 5  # more channels than slots
ROUNDS, EVENTS = 3, 2
STEADY = 20  # looks
SLOWLY = 0.1  # where requests are held, their ten seconds last a hundred
WEBHOOKS = 3  # of the healthy team


class World:
    def __init__(self, service, redis, store, fake):
        self.service, self.redis, self.store, self.fake = service, redis, store, fake
        (self.team, self.key), = add_teams(store, 1)
        self.destinations = []
        self.capsules = []
        for _ in range(WEBHOOKS):
            self.add(destinations.webhook(fake))

    def add(self, destination):
        self.service.add_channel(self.key, destination.provider, destination.config)
        self.destinations.append(destination)

    def arrivals(self, capsule):
        """When each channel got it. Chats may escape the dash of the id."""
        digits = capsule.removeprefix("cl-")
        found = [[e["at"] for e in self.fake.arrived(d.name) if digits in e["body"]] for d in self.destinations]
        return [at[0] for at in found if at]

    def ages(self):
        """Of one round, in milliseconds."""
        found = []
        for _ in range(EVENTS):
            capsule, published = new_id("cl-"), time.monotonic()
            self.redis.publish(make_event(self.team, resource=capsule))
            until(lambda: len(self.arrivals(capsule)) == len(self.destinations), "an event of the healthy team")
            found += [1e3 * (at - published) for at in self.arrivals(capsule)]
            self.capsules.append(capsule)
        return found

    def ended(self):
        """Requests of the other teams that have come to an end."""
        return self.store.query("SELECT coalesce(sum(attempts), 0) FROM deliveries WHERE team_id <> %s", id_to_uuid(self.team))[0][0]

    def ages_beside_held_requests(self):
        """Of a round in which no other team's request ends, so that nobody can have waited for one."""
        before = self.ended()
        ages = self.ages()
        assert self.ended() == before, "the healthy team waited for another team's request"
        return ages

    def attackers(self, make, teams=TEAMS, channels=CHANNELS):
        """Teams with channels at what make(number) returns, and an event for each."""
        made = add_teams(self.store, teams)
        for number in range(teams * channels):
            destination = make(number)
            self.service.add_channel(made[number // channels][1], destination.provider, destination.config)
        for team, _ in made:
            for _ in range(EVENTS):
                self.redis.publish(make_event(team))
        return made


def wait_until_it_stays(count, least):
    """Until it is no longer growing: whoever may take more has taken it."""
    seen = collections.deque(maxlen=STEADY)

    def stays():
        seen.append(count())
        return len(seen) == STEADY and seen[0] == seen[-1] >= least
    until(stays, "requests of the others")


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
    (team, _), = world.attackers(lambda number: bad_webhook(world, number), teams=1)
    yield lambda: [world.redis.publish(make_event(team)) for _ in range(200)]


@contextlib.contextmanager
def acting(world, act):
    with Attackers(act) as attackers:
        until(lambda: attackers.acts > 0, "the first act")
        yield lambda: None


@contextlib.contextmanager
def churn(world):
    world.fake.script({"destination": "webhook/bad/", "kind": "hang", "times": 0})
    teams = add_teams(world.store, TEAMS)
    with acting(world, making_and_deleting(world.service, world.redis, teams, f"{world.fake.origin}/bad/0", channels=CHANNELS)):
        until(lambda: world.fake.arrived("webhook/bad/"), "a request of a channel that is deleted")
        yield lambda: None


@contextlib.contextmanager
def unknown_hosts(world):
    with acting(world, making_at_unknown_hosts(world.service, add_teams(world.store, 2))):
        yield lambda: None


@contextlib.contextmanager
def audit_reads(world):
    (team, key), = add_teams(world.store, 1)
    fill_audit_log(world.store, team, 20_000)
    with acting(world, reading_audit(world.service, [key])):
        yield lambda: None


@contextlib.contextmanager
def connections(world):
    with idle_connections(world.service, 2 * CONNECTIONS):
        yield lambda: None


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
    """Discord counts refused requests by address, and shuts an address out."""
    world.add(destinations.discord())

    def refused(_):
        destination = destinations.discord()
        world.fake.script({"destination": destination.name, "times": 0, "status": 404, "headers": {"Content-Type": "application/json"},
                           "body": '{"message": "Unknown Webhook", "code": 10015}'})
        return destination
    world.attackers(refused)
    until(lambda: len([e for e in world.fake.arrived("discord/") if e["status"] == 404]) >= SLOTS // 4, "refused requests")
    yield lambda: None


# Whether their requests are held all the time, so that it shows who waits for one; and how many rounds.
ATTACKS = {
    "hangs": (True, ROUNDS, lambda world: faulty(world, kind="hang")),
    "slow successes": (True, ROUNDS, lambda world: faulty(world, kind="hold", status=204)),
    "slow failures": (True, ROUNDS, lambda world: faulty(world, kind="hold", status=503)),
    "a byte now and then": (True, ROUNDS, lambda world: faulty(world, kind="drip")),
    "TLS handshakes that hang": (True, ROUNDS, without_handshake),
    "failures at once": (False, ROUNDS, lambda world: faulty(world, status=500)),
    "resets": (False, ROUNDS, lambda world: faulty(world, kind="reset")),
    "a storm": (False, ROUNDS, storm),
    "channels made and deleted": (False, ROUNDS, churn),
    "channels at unknown hosts": (False, ROUNDS, unknown_hosts),
    "audit reads that find nothing": (False, ROUNDS, audit_reads),
    "connections that ask for nothing": (False, ROUNDS, connections),
    "hints of an hour": (False, 1, hour_long_hints),
    "refusals of a vendor": (False, 1, refused_by_a_vendor),
}


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ATTACKS)
def test_a_healthy_team_waits_for_nobody(make_service, origins, redis, store, fake, name, record_property):
    are_held, rounds, attack = ATTACKS[name]
    service = make_service(WRENN_EVENTS_MAX_INFLIGHT=str(SLOTS), WRENN_EVENTS_MAX_CONNECTIONS=str(CONNECTIONS), **origins,
                           **(fast_clock(SLOWLY) if are_held else {})).start()
    world = World(service, redis, store, fake)
    alone = [age for _ in range(rounds) for age in world.ages()]
    beside = []
    with attack(world) as go_on:
        for _ in range(rounds):
            go_on()
            beside += world.ages_beside_held_requests() if are_held else world.ages()
    for destination in world.destinations[:WEBHOOKS]:
        entries = world.fake.arrived(destination.name)
        assert [json.loads(entry["body"])["resource"]["id"] for entry in entries] == world.capsules
        assert {entry["headers"]["X-Wrenn-Attempt"] for entry in entries} == {"1"}
    until(lambda: store.query("SELECT count(*) FROM deliveries WHERE team_id = %s AND NOT (state = 'delivered' AND attempts = 1)",
                              id_to_uuid(world.team)) == [(0,)], "the results")
    record_property("measured", f"a healthy team beside {name}: {max(beside):.0f} ms at most, alone {max(alone):.0f}, "
                                f"ratio {max(beside) / max(alone):.1f}; median {statistics.median(beside):.0f} ms, "
                                f"alone {statistics.median(alone):.0f}, ratio {statistics.median(beside) / statistics.median(alone):.1f}")
