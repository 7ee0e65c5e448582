# SPDX-License-Identifier: Apache-2.0
"""A healthy team, and how long its events take beside whatever others do."""
import collections
import json
import statistics
import time

import destinations
from attackers import add_teams
from support import id_to_uuid, make_event, new_id, until

TEAMS, CHANNELS = 6, 5  # of the others
ROUNDS, EVENTS = 3, 2
WEBHOOKS = 3  # of the healthy team
STEADY = 20  # looks


class World:
    def __init__(self, service, redis, store, fake, prepared=None):
        self.service, self.redis, self.store, self.fake, self.prepared = service, redis, store, fake, prepared
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

    def publish(self):
        """An event of the healthy team."""
        capsule = new_id("cl-")
        self.redis.publish(make_event(self.team, resource=capsule))
        self.capsules.append(capsule)
        return capsule

    def age(self, capsule, since):
        """When it has arrived at all channels."""
        until(lambda: len(self.arrivals(capsule)) == len(self.destinations), "an event of the healthy team")
        return [1e3 * (at - since) for at in self.arrivals(capsule)]

    def ages(self, events=EVENTS):
        """Latency of each event of one round, in milliseconds."""
        found = []
        for _ in range(events):
            published = time.monotonic()
            found += self.age(self.publish(), published)
        return found

    def rounds(self, count=ROUNDS):
        return [age for _ in range(count) for age in self.ages()]

    def ended(self):
        """Requests of the other teams that have come to an end."""
        return sum(attempts for attempts, in self.of_others("attempts"))

    def ages_beside_held_requests(self):
        """Latencies of a round in which no other team's request ends, so no event can have waited for one."""
        before = self.ended()
        ages = self.ages()
        assert self.ended() == before, "the healthy team waited for another team's request"
        return ages

    def of_others(self, what):
        """Columns of the other teams' deliveries, oldest first."""
        return self.store.query(f"SELECT {what} FROM deliveries WHERE team_id <> %s ORDER BY id", id_to_uuid(self.team))

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

    def check(self):
        """Every event at the first attempt, in order and once."""
        for destination in self.destinations[:WEBHOOKS]:
            entries = self.fake.arrived(destination.name)
            assert [json.loads(entry["body"])["resource"]["id"] for entry in entries] == self.capsules
            assert {entry["headers"]["X-Wrenn-Attempt"] for entry in entries} == {"1"}
        until(lambda: self.store.query("SELECT count(*) FROM deliveries WHERE team_id = %s AND NOT (state = 'delivered' AND attempts = 1)",
                                       id_to_uuid(self.team)) == [(0,)], "the results")


def wait_until_it_stays(count, least):
    """Until it is no longer growing: whoever may take more has taken it."""
    seen = collections.deque(maxlen=STEADY)

    def stays():
        seen.append(count())
        return len(seen) == STEADY and seen[0] == seen[-1] >= least
    until(stays, "requests of the others")


def show(record_property, what, beside, alone):
    record_property("measured", f"a healthy team beside {what}: {max(beside):.0f} ms at most, alone {max(alone):.0f}, "
                                f"ratio {max(beside) / max(alone):.1f}; median {statistics.median(beside):.0f} ms, "
                                f"alone {statistics.median(alone):.0f}, ratio {statistics.median(beside) / statistics.median(alone):.1f}")
