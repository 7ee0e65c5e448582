# SPDX-License-Identifier: Apache-2.0
"""The delivery engine against destinations that misbehave, and against its own sudden death."""
import collections
import itertools
import json
import random
import threading
import time

import pytest
from destinations import webhook
from support import id_to_uuid, make_event, new_id, until

DELIVERIES = 5000
KILLS = 20
BAD_CHANNELS = 500
GOOD_CHANNELS = 500
UNSTORED = 8
CHANNELS_PER_TEAM = 50


def capsules_of(entries):
    return [json.loads(entry["body"])["resource"]["id"] for entry in entries]


def state_of(store, channel):
    return store.query("SELECT state, attempts, last_status, last_error FROM deliveries WHERE channel_id = %s", id_to_uuid(channel["id"]))


def only_row(store, channel):
    """The row of the channel's only delivery; blank values if there is none."""
    return (state_of(store, channel) or [("", 0, None, "")])[0]


@pytest.mark.long
def test_killed_at_20_random_points_nothing_is_lost_and_only_requests_in_flight_repeat(make_service, redis, fake, store):
    service = make_service().start()
    team, key = service.new_team()
    channels = [webhook(fake) for _ in range(5)]
    for destination in channels:
        service.add_channel(key, "webhook", destination.config)
    capsules = [new_id("cl-") for _ in range(DELIVERIES // len(channels))]
    seed = random.randrange(2**32)
    points = sorted(random.Random(seed).sample(range(20, DELIVERIES - 200), KILLS))

    def publish_all():
        for capsule in capsules:
            redis.publish(make_event(team, resource=capsule))

    publisher = threading.Thread(target=publish_all)
    publisher.start()
    kills = []
    for point in points:
        until(lambda: len(fake.arrived()) >= point, f"webhook {point} (seed {seed})")
        before = time.monotonic()
        service.kill()
        service.start()
        kills.append((before, time.monotonic()))
    publisher.join()
    until(lambda: store.query("SELECT count(*) FROM deliveries WHERE state = 'delivered'") == [(DELIVERIES,)],
          f"all deliveries (seed {seed})", 180)
    until(lambda: redis.client.xinfo_groups("wrenn:events")[0]["pending"] == 0, "no entry pending")

    for destination in channels:
        only_what_was_in_flight_is_repeated(fake.arrived(destination.name), capsules, kills, seed)
    rows = store.query("SELECT channel_id, stream_id, count(*) FROM deliveries GROUP BY channel_id, stream_id")
    assert len(rows) == DELIVERIES, seed
    rows = store.query("SELECT resource_id, count(*) FROM audit_logs WHERE team_id = %s AND resource_type = 'sandbox' GROUP BY resource_id",
                       id_to_uuid(team))
    assert len(rows) == len(capsules) and all(count == 1 for _, count in rows), seed


def only_what_was_in_flight_is_repeated(entries, capsules, kills, seed):
    """Checks one channel's requests: deliveries in order, repeated only across a kill and with the same id."""
    groups = [list(group) for _, group in itertools.groupby(entries, lambda entry: capsules_of([entry])[0])]
    assert capsules_of(group[0] for group in groups) == capsules, f"lost, or out of order (seed {seed})"
    ids = [{entry["headers"]["X-Wrenn-Delivery"] for entry in group} for group in groups]
    assert all(len(found) == 1 for found in ids), f"a repeat had another id (seed {seed})"
    assert len(set.union(*ids)) == len(capsules), f"two deliveries shared an id (seed {seed})"
    for group in groups:
        for first, again in zip(group, group[1:]):
            assert any(first["at"] <= ready and again["at"] >= killed for killed, ready in kills), f"a repeat without a kill (seed {seed})"


@pytest.mark.plain_only(reason="the test above kills the same code under the sanitizers")
def test_with_8_unstored_results_a_kill_repeats_at_most_8_and_keeps_the_order(make_service, redis, fake, store):
    service = make_service(WRENN_EVENTS_UNSTORED_RESULTS=str(UNSTORED)).start()
    team, key = service.new_team()
    destination = webhook(fake)
    service.add_channel(key, "webhook", destination.config)
    capsules = [new_id("cl-") for _ in range(400)]
    for capsule in capsules:
        redis.publish(make_event(team, resource=capsule))
    for point in (50, 150, 250):
        until(lambda: len(fake.arrived(destination.name)) >= point, f"webhook {point}")
        service.kill()
        service.start()
    until(lambda: store.query("SELECT count(*) FROM deliveries WHERE state = 'delivered'") == [(len(capsules),)], "all deliveries", 60)

    entries = fake.arrived(destination.name)
    numbers = [capsules.index(capsule) for capsule in capsules_of(entries)]
    ids = {(number, entry["headers"]["X-Wrenn-Delivery"]) for number, entry in zip(numbers, entries)}
    assert len(ids) == len(set(numbers)) == len(capsules), "lost, or repeated under another id"
    steps = [after - before for before, after in itertools.pairwise(numbers)]
    assert numbers[0] == 0 and all(-UNSTORED < step <= 1 for step in steps), "out of order, or more than 8 repeated"
    assert sum(step != 1 for step in steps) <= 3, "a repeat without a kill"


@pytest.mark.long
@pytest.mark.plain_only(reason="one of the longest runs")
def test_of_1000_channels_half_never_answer_and_the_others_get_theirs_in_order(service, redis, fake):
    fake.script({"destination": "webhook/bad/", "kind": "hang", "times": 0})
    capsules = [new_id("cl-") for _ in range(3)]
    teams = []
    for index in range((BAD_CHANNELS + GOOD_CHANNELS) // CHANNELS_PER_TEAM):
        team, key = service.new_team()
        teams.append(team)
        for number in range(CHANNELS_PER_TEAM):
            kind = "good" if number % 2 else "bad"
            service.add_channel(key, "webhook", {"url": f"{fake.origin}/{kind}/{index}-{number}"}, name=f"c{number}")
    for capsule in capsules:
        for team in teams:
            redis.publish(make_event(team, resource=capsule))

    def by_channel():
        """Without repeats: on a busy machine a request may be given up and sent again."""
        got = collections.defaultdict(dict)
        for entry in fake.arrived("webhook/good/"):
            got[entry["destination"]].update(dict.fromkeys(capsules_of([entry])))
        return [list(ids) for ids in got.values()]

    wanted = GOOD_CHANNELS * len(capsules)
    until(lambda: len(fake.arrived("webhook/good/")) >= wanted and sum(map(len, by_channel())) == wanted, "the good channels' webhooks")
    assert by_channel() == [capsules] * GOOD_CHANNELS
    assert fake.hanging > 0
    fake.stopping.set()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_every_fault_of_a_destination_is_tried_again_and_ends_delivered(service, redis, fake, store):
    """All at once, because each waits for the same ten seconds."""
    team, key = service.new_team()
    faults = {"hang": {}, "reset": {}, "answer": {"status": 503}, "answer-408": {"status": 408},
              "answer-425": {"status": 425}, "answer-500": {"status": 500}}
    channels = {}
    for name, more in faults.items():
        destination = webhook(fake)
        channels[name] = (destination, service.add_channel(key, "webhook", destination.config))
        fake.script({"destination": destination.name, "kind": name.split("-")[0], **more})
    event = make_event(team)
    redis.publish(event)
    for name, (destination, channel) in channels.items():
        until(lambda: only_row(store, channel)[:2] == ("delivered", 2), name)
        first, second = fake.arrived(destination.name)
        assert first["headers"]["X-Wrenn-Delivery"] == second["headers"]["X-Wrenn-Delivery"], name
        assert first["body"] == second["body"], name
        assert [e["headers"]["X-Wrenn-Attempt"] for e in (first, second)] == ["1", "2"], name


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_an_answer_that_begins_well_and_breaks_is_delivered_once_and_says_so(service, redis, fake, store):
    team, key = service.new_team()
    words = {"half": "broke off", "drip": "did not finish"}
    channels = {}
    for name in words:
        destination = webhook(fake)
        channels[name] = (destination, service.add_channel(key, "webhook", destination.config))
        fake.script({"destination": destination.name, "kind": name})
    redis.publish(make_event(team))
    for name, (destination, channel) in channels.items():
        until(lambda: only_row(store, channel)[:3] == ("delivered", 1, 200), name)
        detail, = store.query("SELECT a.detail FROM attempts a JOIN deliveries d ON d.id = a.delivery_id "
                              "WHERE d.channel_id = %s", id_to_uuid(channel["id"]))[0]
        assert words[name] in detail and len(fake.arrived(destination.name)) == 1
    fake.stopping.set()


def test_an_endless_answer_does_not_hurt_and_a_4xx_is_not_final(service, redis, fake, store):
    team, key = service.new_team()
    huge, refused = webhook(fake), webhook(fake)
    fake.script({"destination": huge.name, "kind": "huge"}, {"destination": refused.name, "status": 422, "body": "no such thing"})
    of_huge, of_refused = (service.add_channel(key, "webhook", d.config) for d in (huge, refused))
    redis.publish(make_event(team))
    until(lambda: only_row(store, of_huge)[0] == "delivered", "the huge answer's delivery")
    until(lambda: only_row(store, of_refused)[:3] == ("pending", 1, 422), "the refused one")
    assert "422" in only_row(store, of_refused)[3]
    until(lambda: only_row(store, of_refused)[:2] == ("delivered", 2), "its second attempt")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_this_machine_is_not_followed(service, redis, fake, store, status):
    team, key = service.new_team()
    destination = webhook(fake)
    fake.script({"destination": destination.name, "kind": "redirect", "status": status, "location": fake.origin + "/inside"})
    channel = service.add_channel(key, "webhook", destination.config)
    redis.publish(make_event(team))
    until(lambda: only_row(store, channel)[:3] == ("pending", 1, status), "the failure")
    assert "redirected, which is not followed" in only_row(store, channel)[3]
    assert fake.arrived("webhook/inside") == []


def test_a_certificate_nobody_vouches_for_is_refused_with_its_sentence(service, redis, badly_certified, store):
    team, key = service.new_team()
    url = f"https://localhost:{badly_certified.port}/hook"
    channel = service.add_webhook(key, url)
    redis.publish(make_event(team))
    error = until(lambda: only_row(store, channel)[3], "the first attempt's result")
    assert "certificate" in error
    assert badly_certified.arrived() == []


def test_a_bad_certificate_is_told_by_a_test_notification(service, badly_certified):
    _, key = service.new_team()
    answer = service.request("POST", "/v1/channels/test", key=key, body={
        "provider": "webhook", "config": {"url": f"https://localhost:{badly_certified.port}/hook"}})
    assert (answer.status, answer.json()["error"]["code"]) == (502, "delivery_failed"), answer.body
    assert "certificate not trusted" in answer.json()["error"]["message"]
    assert badly_certified.arrived() == []


@pytest.mark.long
def test_redis_and_the_store_stop_and_start_with_deliveries_under_way(make_service, redis, fake, store, cluster):
    service = make_service().start()
    team, key = service.new_team()
    destination = webhook(fake)
    service.add_channel(key, "webhook", destination.config)
    capsules = [new_id("cl-") for _ in range(300)]
    for capsule in capsules[:100]:
        redis.publish(make_event(team, resource=capsule))
    until(lambda: len(fake.arrived()) >= 10, "some webhooks")
    redis.stop()
    redis.start()
    for capsule in capsules[100:200]:
        redis.publish(make_event(team, resource=capsule))
    until(lambda: len(fake.arrived()) >= 110, "webhooks after Redis was away")
    if store.name == "postgres":
        cluster.stop()
        cluster.start()
    for capsule in capsules[200:]:
        redis.publish(make_event(team, resource=capsule))
    until(lambda: len(set(capsules_of(fake.arrived()))) == 300, "all webhooks")
    assert list(dict.fromkeys(capsules_of(fake.arrived()))) == capsules


def test_a_channel_removed_with_deliveries_under_way_gets_no_more(service, redis, fake, store):
    team, key = service.new_team()
    destination = webhook(fake)
    fake.script({"destination": destination.name, "status": 500, "times": 0})
    channel = service.add_channel(key, "webhook", destination.config)
    for _ in range(20):
        redis.publish(make_event(team))
    until(lambda: fake.arrived(destination.name), "the first attempt")
    assert service.request("DELETE", f"/v1/channels/{channel['id']}", key=key).status == 204
    until(lambda: {row[0] for row in state_of(store, channel)} <= {"dropped", "failed", "delivered"}, "no pending delivery")
    assert "dropped" in {row[0] for row in state_of(store, channel)}


def test_a_channel_pointed_elsewhere_sends_what_is_pending_there(service, redis, fake, store):
    team, key = service.new_team()
    old, new = webhook(fake), webhook(fake)
    fake.script({"destination": old.name, "status": 500, "times": 0})
    channel = service.add_channel(key, "webhook", old.config)
    redis.publish(make_event(team))
    until(lambda: fake.arrived(old.name), "the first attempt")
    answer = service.request("PUT", f"/v1/channels/{channel['id']}/config", key=key, body={"config": new.config})
    assert answer.status == 200, answer.body
    until(lambda: fake.posted(new.name), "the delivery at the new address")
    assert fake.posted(new.name)[0]["headers"]["X-Wrenn-Delivery"] == fake.arrived(old.name)[0]["headers"]["X-Wrenn-Delivery"]


def test_fifty_events_at_once_reach_a_webhook_one_by_one(service, redis, fake):
    team, key = service.new_team()
    destination = webhook(fake)
    service.add_channel(key, "webhook", destination.config)
    capsules = [new_id("cl-") for _ in range(50)]
    for capsule in capsules:
        redis.publish(make_event(team, resource=capsule))
    until(lambda: len(fake.arrived()) == 50, "fifty webhooks")
    assert capsules_of(fake.arrived()) == capsules


@pytest.mark.parametrize("hint", ["3", "in 3"], ids=["seconds", "date"])
def test_retry_after_is_obeyed_as_seconds_and_as_a_date(service, redis, fake, store, hint):
    team, key = service.new_team()
    destination = webhook(fake)
    fake.script({"destination": destination.name, "status": 429, "headers": {"Retry-After": hint}, "hint_s": 3})
    channel = service.add_channel(key, "webhook", destination.config)
    redis.publish(make_event(team))
    until(lambda: only_row(store, channel)[0] == "delivered", "the delivery")
