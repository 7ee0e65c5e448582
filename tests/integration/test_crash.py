# SPDX-License-Identifier: Apache-2.0
"""Promises 1 and 2: whatever moment the process dies at, nothing is lost and nothing doubles."""
import collections
import json
import random
import threading

from support import id_to_uuid, make_event, new_id, until

EVENTS = 2000
KILLS = 8


def test_killed_at_random_points_every_event_has_one_row_and_one_delivery(make_service, redis, receiver, store):
    service = make_service().start()
    team, key = service.new_team()
    channels = [service.add_webhook(key, receiver.url + f"/{i}", events=("capsule.create",)) for i in range(2)]
    capsules = [new_id("cl-") for _ in range(EVENTS)]
    seed = random.randrange(2**32)
    choose = random.Random(seed)
    # The points are counts of webhooks received, so that each kill hits work in progress.
    points = sorted(choose.sample(range(20, 2 * EVENTS - 200), KILLS))

    def publish_all():
        for capsule in capsules:
            redis.publish(make_event(team, resource=capsule))

    publisher = threading.Thread(target=publish_all)
    publisher.start()
    for point in points:
        until(lambda: len(receiver.requests) >= point, f"webhook {point} (seed {seed})", 120)
        service.kill()
        service.start()
    publisher.join()

    until(lambda: store.query("SELECT count(*) FROM deliveries WHERE state = 'delivered'")[0][0] == 2 * EVENTS,
          f"all deliveries (seed {seed})", 180)
    until(lambda: redis.client.xinfo_groups("wrenn:events")[0]["pending"] == 0, "no entry pending")

    rows = store.query("SELECT resource_id, count(*) FROM audit_logs WHERE team_id = %s AND resource_type = 'sandbox' GROUP BY resource_id",
                       id_to_uuid(team))
    assert len(rows) == EVENTS and all(count == 1 for _, count in rows), seed
    rows = store.query("SELECT channel_id, stream_id, count(*) FROM deliveries GROUP BY channel_id, stream_id")
    assert len(rows) == len(channels) * EVENTS and all(count == 1 for *_, count in rows), seed

    by_delivery = collections.Counter(r["headers"]["X-Wrenn-Delivery"] for r in receiver.requests)
    assert len(by_delivery) == 2 * EVENTS, seed
    repeats = sum(by_delivery.values()) - 2 * EVENTS
    assert repeats <= KILLS * len(channels), f"{repeats} repeats, more than requests in flight at {KILLS} kills (seed {seed})"
    for index in range(len(channels)):
        firsts = []
        for request in receiver.requests:
            capsule = json.loads(request["body"])["resource"]["id"]
            if request["path"].endswith(f"/{index}"):
                firsts.append(capsule)
        in_order = list(dict.fromkeys(firsts))
        assert in_order == capsules, f"order of channel {index} (seed {seed})"
