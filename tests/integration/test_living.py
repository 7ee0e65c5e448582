# SPDX-License-Identifier: Apache-2.0
"""Channels that keep one message for each capsule and edit it."""
import json
import random
import re

import destinations
import pytest
from fakes import FakeProviders
from support import fast_clock, id_to_uuid, make_event, new_id, until

KINDS = ("capsule.create", "capsule.pause", "capsule.resume", "capsule.destroy")
WORDS = {"capsule.create": "start requested", "capsule.pause": "pause requested", "capsule.resume": "resume requested",
         "capsule.destroy": "destruction requested"}
SPEED = 10
KILLS = 20


def add_living(service, key, destination):
    answer = service.request("POST", "/v1/channels", key=key, body={
        "name": "living", "provider": destination.provider, "config": destination.config, "events": KINDS, "living": True})
    assert answer.status == 201 and answer.json()["living"] is True, answer.body
    return answer.json()


def publish_all(redis, events):
    with redis.client.pipeline() as pipeline:
        for event in events:
            pipeline.xadd("wrenn:events", {"payload": json.dumps(event, separators=(",", ":"))})
        pipeline.execute()


def states_of(store, channel):
    return store.query("SELECT state, count(*) FROM deliveries WHERE channel_id = %s GROUP BY state", id_to_uuid(channel["id"]))


def all_ended(store, channel, count):
    states = dict(states_of(store, channel))
    return sum(states.values()) == count and set(states) <= {"delivered", "folded"}


def capsule_of(text):
    return re.search(r"cl-[0-9a-z]{25}", text)[0]


def nothing_was_edited_wrongly(fake, destination):
    first = {}
    for entry in fake.arrived(destination.name):
        if entry["posted"]:
            first[entry["message"]] = capsule_of(entry["shown"])
        elif entry["edits"]:
            assert capsule_of(entry["shown"]) == first[entry["message"]], entry


@pytest.mark.plain_only(reason="its clock is preloaded, before the sanitizer's library")
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("speed", [SPEED], indirect=True)
def test_500_events_of_20_capsules_end_in_20_messages_that_are_true(make_service, origins, redis, fake, store, speed):
    service = make_service(**origins, **fast_clock(SPEED)).start()
    team, key = service.new_team()
    destination = destinations.discord()
    channel = add_living(service, key, destination)
    capsules = [new_id("cl-") for _ in range(20)]
    events = [make_event(team, "capsule.create", resource=capsule) for capsule in capsules]
    events += [make_event(team, KINDS[1 + step % 2], resource=capsule) for step in range(23) for capsule in capsules]
    events += [make_event(team, "capsule.destroy", resource=capsule) for capsule in capsules]
    assert len(events) == 500
    for begin in range(0, len(events), 100):
        publish_all(redis, events[begin:begin + 100])
    until(lambda: all_ended(store, channel, len(events)), "the end of all deliveries", 120)
    screen = fake.screen(destination.name)
    # With this clock a request ends after a second of the machine's. Who then has no answer cannot know what was posted.
    unanswered = store.query("SELECT count(*) FROM attempts WHERE status IS NULL")[0][0]
    assert len(screen) <= len(capsules) + unanswered
    newest = {capsule_of(message["shown"]): message["shown"].splitlines()[0] for message in screen}
    assert set(newest) == set(capsules)
    assert all(WORDS["capsule.destroy"] in title for title in newest.values()), newest
    assert {entry["status"] for entry in fake.arrived(destination.name)} == {200}, "above the pace"
    assert len(fake.arrived(destination.name)) < len(events) / 2, "older states were sent, too"
    nothing_was_edited_wrongly(fake, destination)


def next_events(team, capsules, last, failures, dice):
    """One event for each capsule; some fail."""
    events = []
    for capsule in capsules:
        if dice.random() < 0.15:
            cause = new_id("cause-")
            failures.append((capsule, cause))
            events.append(make_event(team, "capsule.pause", resource=capsule, outcome="error", error=cause))
            continue
        last[capsule] = dice.choice([kind for kind in KINDS if kind != last.get(capsule)])
        events.append(make_event(team, last[capsule], resource=capsule))
    return events


def the_story_is_true(fake, destination, last, failures, seed):
    screen = fake.screen(destination.name)
    for capsule, cause in failures:
        assert any(cause in message["shown"] for message in screen), f"a failure was lost (seed {seed})"
    living = [message for message in screen if "failed to" not in message["posted"]]
    for capsule, kind in last.items():
        mine = [message for message in living if capsule_of(message["shown"]) == capsule]
        assert WORDS[kind] in mine[-1]["shown"].splitlines()[0], f"an old state (seed {seed})"
    assert len(screen) <= len(last) + len(failures) + KILLS, f"more than a message for each kill (seed {seed})"
    nothing_was_edited_wrongly(fake, destination)


@pytest.mark.long
@pytest.mark.plain_only(reason="it kills the program")
def test_killed_at_20_points_no_message_is_wrong_and_at_most_one_is_more(make_service, redis, store):
    fake = FakeProviders(is_paced=False)
    service = make_service(WRENN_EVENTS_ORIGIN_DISCORD=fake.origin).start()
    team, key = service.new_team()
    destination = destinations.discord()
    channel = add_living(service, key, destination)
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    capsules = [new_id("cl-") for _ in range(4)]
    last, failures, count = {}, [], 0
    for _ in range(KILLS):
        seen = len(fake.arrived(destination.name))
        events = next_events(team, capsules, last, failures, dice)
        count += len(events)
        publish_all(redis, events)
        point = seen + dice.randint(1, 2)
        until(lambda: len(fake.arrived(destination.name)) >= point, f"request {point} (seed {seed})")
        service.kill()
        service.start()
    until(lambda: all_ended(store, channel, count), f"the end of all deliveries (seed {seed})", 60)
    the_story_is_true(fake, destination, last, failures, seed)
    fake.close()
