# SPDX-License-Identifier: Apache-2.0
"""Channels that keep one message for each capsule and edit it."""
import datetime
import json
import random
import re

import destinations
import pytest
from fakes import FakeProviders
from fakes.buckets import Bucket
from support import fast_clock, id_to_uuid, make_event, new_id, until

KINDS = ("capsule.create", "capsule.pause", "capsule.resume", "capsule.destroy")
WORDS = {"capsule.create": "start requested", "capsule.pause": "pause requested", "capsule.resume": "resume requested",
         "capsule.destroy": "destruction requested"}
SPEED = 10
PREEMPTED_S = 1.0  # 100 ms of the machine's between the sender's look at its pace and that at the clock
KILLS = {"sqlite": 20, "postgres": 12}


def add_living(service, key, destination):
    answer = service.request("POST", "/v1/channels", key=key, body={
        "name": f"living-{destination.provider}", "provider": destination.provider, "config": destination.config, "events": KINDS, "living": True})
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


def a_storm(team, capsules):
    """500 events of 20 capsules: the creations, one pause each, and the rest."""
    made, paused, *others = ([make_event(team, kind, resource=capsule) for capsule in capsules]
                             for kind in ("capsule.create", *("capsule.pause", "capsule.resume") * 11, "capsule.pause", "capsule.destroy"))
    return made, paused, [event for round_ in others for event in round_]


def spoil(fake, destination):
    """What a provider refuses later: one message is too old (not on Matrix), one is deleted, and at Telegram an edit changes nothing."""
    old, deleted, *_ = {capsule_of(message["shown"]): message["message"] for message in fake.screen(destination.name)}.values()
    fake.freeze_message(old)
    fake.delete_message(deleted)
    if destination.provider == "telegram":
        fake.script({"destination": destination.name, "status": 400, "body": json.dumps(
            {"ok": False, "error_code": 400, "description": "Bad Request: message is not modified: specified new message content"})})


def the_pace_was_kept(fake, store, destination, channel):
    """Judges by the sender's clock. With ten seconds in one, a burst whose first message is 25 ms late on a busy machine looks too fast to
    its receiver."""
    rows = store.query("SELECT started_at FROM attempts JOIN deliveries ON id = delivery_id WHERE channel_id = %s ORDER BY started_at",
                       id_to_uuid(channel["id"]))
    sent = [datetime.datetime.fromisoformat(at).timestamp() for at, in rows]
    for key, burst, interval_s in fake.limits(fake.posted(destination.name)[0]):
        bucket = Bucket(burst + PREEMPTED_S / interval_s, interval_s, sent[0])
        for number, at in enumerate(sent):
            assert bucket.wait_s(at) == 0, f"message {number} is above the pace of the {key}"
            bucket.level -= 1


def the_storm_is_true(fake, store, destination, channel, capsules):
    screen = fake.screen(destination.name)
    # With this clock a request ends after one real second. A worker that has no answer by then cannot know what was posted.
    unanswered = store.query("SELECT count(*) FROM attempts JOIN deliveries ON id = delivery_id WHERE status IS NULL AND channel_id = %s",
                             id_to_uuid(channel["id"]))[0][0]
    reposted = len(capsules) + (1 if destination.provider == "matrix" else 2)
    assert reposted <= len(screen) <= reposted + unanswered
    newest = {capsule_of(message["shown"]): message["shown"].splitlines()[0] for message in screen}
    assert set(newest) == set(capsules)
    assert all(WORDS["capsule.destroy"] in title for title in newest.values()), newest
    arrived = fake.arrived(destination.name)
    the_pace_was_kept(fake, store, destination, channel)
    assert len([entry for entry in arrived if entry["method"] != "GET"]) < 250, "older states were sent, too"
    nothing_was_edited_wrongly(fake, destination)


@pytest.mark.plain_only(reason="its clock is preloaded, before the sanitizer's library")
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("speed", [SPEED], indirect=True)
def test_500_events_of_20_capsules_end_in_20_messages_that_are_true(make_service, origins, redis, fake, store, speed):
    fake.is_paced = False
    service = make_service(**origins, **fast_clock(SPEED)).start()
    team, key = service.new_team()
    capsules = [new_id("cl-") for _ in range(20)]
    made, paused, others = a_storm(team, capsules)
    assert len(made + paused + others) == 500
    channels = [(destination, add_living(service, key, destination)) for destination in (destinations.discord(), destinations.telegram(), destinations.matrix())]
    publish_all(redis, made)
    until(lambda: all(all_ended(store, channel, 20) for _, channel in channels), "a message for each capsule", 120)
    for destination, _ in channels:
        spoil(fake, destination)
    publish_all(redis, paused)
    until(lambda: not fake.faults, "an edit that changes nothing", 120)
    publish_all(redis, others)
    until(lambda: all(all_ended(store, channel, 500) for _, channel in channels), "the end of all deliveries", 120)
    for destination, channel in channels:
        the_storm_is_true(fake, store, destination, channel, capsules)


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


def the_story_is_true(fake, destination, last, failures, kills, seed):
    where = f"{destination.provider}, seed {seed}"
    screen = fake.screen(destination.name)
    for capsule, cause in failures:
        assert any(cause in message["shown"] for message in screen), f"a failure was lost ({where})"
    living = [message for message in screen if "failed to" not in message["posted"]]
    for capsule, kind in last.items():
        mine = [message for message in living if capsule_of(message["shown"]) == capsule]
        assert WORDS[kind] in mine[-1]["shown"].splitlines()[0], f"an old state ({where})"
    assert len(screen) <= len(last) + len(failures) + kills, f"more than a message for each kill ({where})"
    assert all(message["edits"] for message in living[:4]), f"the first messages were not edited ({where})"
    nothing_was_edited_wrongly(fake, destination)


@pytest.mark.long
@pytest.mark.plain_only(reason="it kills the program")
def test_killed_at_20_points_no_message_is_wrong_and_at_most_one_is_more(make_service, redis, store):
    """A request to each of the vendors in turn is the moment of a kill, with messages under way at all three."""
    fake = FakeProviders(is_paced=False)
    service = make_service(WRENN_EVENTS_ORIGIN_DISCORD=fake.origin, WRENN_EVENTS_ORIGIN_TELEGRAM=fake.origin, WRENN_EVENTS_ORIGIN_MATRIX=fake.origin).start()
    team, key = service.new_team()
    vendors = [destinations.discord(), destinations.telegram(is_group=False), destinations.matrix()]
    channels = [add_living(service, key, destination) for destination in vendors]
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    capsules = [new_id("cl-") for _ in range(4)]
    last, failures, count = dict.fromkeys(capsules, "capsule.create"), [], len(capsules)
    publish_all(redis, [make_event(team, kind, resource=capsule) for capsule, kind in last.items()])
    until(lambda: all(all_ended(store, channel, count) for channel in channels), "a message for each capsule", 60)
    for number in range(KILLS[store.name]):
        if number % 4 == 3:
            capsules.append(new_id("cl-"))
        at = vendors[number % len(vendors)].name
        seen = len(fake.arrived(at))
        events = next_events(team, capsules, last, failures, dice)
        count += len(events)
        publish_all(redis, events)
        point = seen + dice.randint(1, 2)
        until(lambda: len(fake.arrived(at)) >= point, f"request {point} at {at} (seed {seed})")
        service.kill()
        service.start()
    until(lambda: all(all_ended(store, channel, count) for channel in channels), f"the end of all deliveries (seed {seed})", 90)
    for destination in vendors:
        the_story_is_true(fake, destination, last, failures, KILLS[store.name], seed)
    fake.close()
