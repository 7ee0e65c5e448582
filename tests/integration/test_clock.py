# SPDX-License-Identifier: Apache-2.0
"""The wall clock is set, back and forth, under a program at work. Waiting must not notice."""
import json
import random
import threading
import time

import pytest
from destinations import webhook
from support import id_to_uuid, make_event, new_id, until

pytestmark = pytest.mark.plain_only(reason="its clock is libfaketime's, which does not go with the sanitizers")

EVENTS = 600
JUMPS_S = [3600, -3600, 7200, 7140, 0, -86400, 5, -3, 1800, -1800]
SHORTEST_PAUSE_S = 9  # ten seconds, less a tenth


def capsules_of(entries):
    return [json.loads(entry["body"])["resource"]["id"] for entry in entries]


def states_of(store, channel):
    return {row[0] for row in store.query("SELECT state FROM deliveries WHERE channel_id = %s", id_to_uuid(channel["id"]))}


@pytest.mark.long
def test_set_back_and_forth_under_load_nothing_is_lost_doubled_out_of_order_or_early(make_service, redis, fake, store, clock):
    service = make_service(**clock.settings).start()
    team, key = service.new_team()
    names = ("steady-1", "steady-2", "failing-once", "told-to-wait", "dead")
    destinations = {name: webhook(fake) for name in names}
    channels = {name: service.add_channel(key, "webhook", d.config, name=name) for name, d in destinations.items()}
    fake.script({"destination": destinations["failing-once"].name, "status": 500},
                {"destination": destinations["told-to-wait"].name, "status": 429, "headers": {"Retry-After": "20"}, "hint_s": 20},
                {"destination": destinations["dead"].name, "status": 503, "times": 0})
    capsules = [new_id("cl-") for _ in range(EVENTS)]
    seed = random.randrange(2**32)
    points = sorted(random.Random(seed).sample(range(10, EVENTS - 10), len(JUMPS_S)))
    began = time.monotonic()

    def publish_all():
        for capsule in capsules:
            redis.publish(make_event(team, resource=capsule))

    publisher = threading.Thread(target=publish_all)
    publisher.start()
    for number, (point, ahead_s) in enumerate(zip(points, JUMPS_S), 1):
        until(lambda: len(fake.arrived(destinations["steady-1"].name)) >= point, f"webhook {point} (seed {seed})")
        clock.set(ahead_s)
        until(lambda: service.log_text().count('"by_seconds":') == number, f"jump {number} to be noticed (seed {seed})")
    publisher.join()
    for name in names[:4]:
        until(lambda: len(fake.posted(destinations[name].name)) == EVENTS, f"{name} (seed {seed})")
        until(lambda: states_of(store, channels[name]) == {"delivered"}, f"the results of {name} (seed {seed})")

    for name in names[:2]:
        assert capsules_of(fake.arrived(destinations[name].name)) == capsules, f"{name} (seed {seed})"
    for name in names[2:4]:
        assert capsules_of(fake.arrived(destinations[name].name)) == capsules[:1] + capsules, f"{name} (seed {seed})"
    # Each jump may end a pause, and then it is the ordinary schedule.
    tries = len(fake.arrived(destinations["dead"].name))
    assert tries <= 1 + len(JUMPS_S) + (time.monotonic() - began) / SHORTEST_PAUSE_S, f"{tries} tries (seed {seed})"


@pytest.mark.long
def test_set_back_while_the_program_is_dead_nothing_waits_for_the_old_time(make_service, redis, fake, store, clock):
    """What it left behind has times of two hours ahead: a retry, and the lease of a worker that is gone."""
    service = make_service(**clock.settings)
    clock.set(7200)
    service.start()
    team, key = service.new_team()
    retried, leased = webhook(fake), webhook(fake)
    of_retried, of_leased = (service.add_channel(key, "webhook", d.config) for d in (retried, leased))
    fake.script({"destination": retried.name, "status": 500, "times": 1}, {"destination": leased.name, "kind": "hang"})
    capsules = [new_id("cl-") for _ in range(3)]
    redis.publish(make_event(team, resource=capsules[0]))
    until(lambda: store.query("SELECT attempts FROM deliveries WHERE channel_id = %s", id_to_uuid(of_retried["id"])) == [(1,)], "the retry")
    until(lambda: fake.arrived(leased.name), "the request in flight")
    service.kill()
    store.query("UPDATE channel_state SET lease_owner = 'one that is gone' WHERE channel_id = %s", id_to_uuid(of_leased["id"]))
    clock.set(0)
    service.start()
    for capsule in capsules[1:]:
        redis.publish(make_event(team, resource=capsule))
    for destination, channel in ((retried, of_retried), (leased, of_leased)):
        until(lambda: len(fake.posted(destination.name)) == 3, "what waited")
        assert capsules_of(fake.arrived(destination.name)) == capsules[:1] + capsules
        until(lambda: states_of(store, channel) == {"delivered"}, "the results")
