# SPDX-License-Identifier: Apache-2.0
"""A destination that ends while deliveries are under way: nothing more is sent, nothing is lost, its owner chooses."""
import re
import signal

import pytest
from destinations import slack, webhook
from support import id_to_uuid, make_event, new_id, until

# (destination, how it says that it is over, answers it takes)
ENDINGS = {"gone": (webhook, {"status": 410}, 1), "twice": (lambda fake: slack(), {"status": 404, "body": "no_service"}, 2)}


def capsules_of(entries):
    return [re.search("cl-[0-9a-z]{25}", entry["body"])[0] for entry in entries]


def rows_of(store, channel):
    return store.query("SELECT state, attempts, last_error FROM deliveries WHERE channel_id = %s ORDER BY stream_ms, stream_seq",
                       id_to_uuid(channel["id"]))


def health(service, key, channel):
    return service.get(f"/v1/channels/{channel['id']}/health", key=key).json()


def enable(service, key, channel, backlog):
    answer = service.request("POST", f"/v1/channels/{channel['id']}/enable", key=key, body={"backlog": backlog})
    assert answer.status == 200, answer.body


def audit_rows(service, key, channel):
    """(action, actor, metadata) of a channel, oldest first."""
    rows = service.get("/v1/audit-logs?resource_type=channel", key=key).json()["items"]
    return [(row["action"], row["actor_type"], row.get("metadata") or {}) for row in reversed(rows) if row["resource_id"] == channel["id"]]


@pytest.mark.plain_only(reason="its clock is libfaketime's, which does not go with the sanitizers")
@pytest.mark.parametrize("ending", ENDINGS)
def test_disabled_by_the_answer_to_a_request_in_flight_the_rest_waits_for_its_owner(make_service, origins, clock, redis, fake, store, ending):
    """A witness is tried again whenever the clock makes retries due; a disabled channel is not."""
    make, answer, times = ENDINGS[ending]
    service = make_service(**origins, **clock.settings).start()
    team, key = service.new_team()
    witness, chosen = make(fake), {"deliver": make(fake), "skip": make(fake)}
    channels = {choice: service.add_channel(key, destination.provider, destination.config) for choice, destination in chosen.items()}
    of_witness = service.add_channel(key, witness.provider, witness.config)
    fake.script({"destination": witness.name, "status": 500, "times": times})
    for destination in chosen.values():
        fake.script(*[{"destination": destination.name, **answer}] * (times - 1), {"destination": destination.name, "kind": "hold", **answer})
    capsules = [new_id("cl-") for _ in range(7)]
    redis.publish(make_event(team, resource=capsules[0]))
    for done in range(1, times):
        until(lambda: all(rows_of(store, c) and rows_of(store, c)[0][1] == done for c in [of_witness, *channels.values()]), f"the result of request {done}")
        clock.set(3600 * done)
    until(lambda: all(len(fake.arrived(d.name)) == times for d in chosen.values()), "the request that is held")
    for capsule in capsules[1:6]:
        redis.publish(make_event(team, resource=capsule))
    until(lambda: all(len(rows_of(store, c)) == 6 for c in channels.values()), "the deliveries after it")
    fake.release()
    for channel in channels.values():
        until(lambda: health(service, key, channel)["state"] == "disabled", "the channel to be disabled")

    until(lambda: rows_of(store, of_witness)[0][1] == times, "the witness's result")
    clock.set(3600 * times)
    until(lambda: len(fake.posted(witness.name)) == 6, "the witness")
    for choice, channel in channels.items():
        assert [row[:2] for row in rows_of(store, channel)] == [("pending", times)] + [("pending", 0)] * 5
        assert health(service, key, channel)["backlog"]["pending"] == 6
        assert len(fake.arrived(chosen[choice].name)) == times
        enable(service, key, channel, choice)
    redis.publish(make_event(team, resource=capsules[6]))
    for choice, expected in (("deliver", capsules), ("skip", capsules[6:])):
        until(lambda: len(fake.posted(chosen[choice].name)) == len(expected), choice)
        arrived = fake.arrived(chosen[choice].name)
        assert capsules_of(arrived) == [capsules[0]] * times + expected
        until(lambda: rows_of(store, channels[choice])[-1][0] == "delivered", "the last one's result")
        (_, by_owner, made), (_, by_us, why), (_, enabler, what) = rows = audit_rows(service, key, channels[choice])
        assert [row[0] for row in rows] == ["create", "disable", "enable"]
        assert (by_owner, by_us, enabler) == ("api_key", "system", "api_key")
        assert str(answer["status"]) in why["reason"] and what["backlog"] == choice and made
    assert [row[0] for row in rows_of(store, channels["deliver"])] == ["delivered"] * 7
    assert [(row[0], row[2]) for row in rows_of(store, channels["skip"])[:6]] == [("dropped", "skipped when the channel was enabled")] * 6


@pytest.mark.plain_only(reason="it waits half a minute until a lease runs out")
def test_an_answer_that_comes_after_another_worker_saw_the_channel_end_changes_nothing(make_service, redis, fake, store):
    """The first worker is stopped mid-request until its lease has run out and the second was told 410."""
    first = make_service().start()
    team, key = first.new_team()
    destination = webhook(fake)
    channel = first.add_channel(key, "webhook", destination.config)
    fake.script({"destination": destination.name, "kind": "hold", "status": 200}, {"destination": destination.name, "status": 410})
    capsules = [new_id("cl-") for _ in range(4)]
    redis.publish(make_event(team, resource=capsules[0]))
    until(lambda: fake.arrived(destination.name), "the request that is held")
    for capsule in capsules[1:]:
        redis.publish(make_event(team, resource=capsule))
    until(lambda: len(rows_of(store, channel)) == 4, "the deliveries after it")
    first.process.send_signal(signal.SIGSTOP)
    try:
        second = make_service().start()
        until(lambda: health(second, key, channel)["state"] == "disabled", "the second worker to be told")
    finally:
        fake.release()
        first.process.send_signal(signal.SIGCONT)
    until(lambda: first.is_ready(), "the first worker to go on")
    until(lambda: store.query("SELECT lease_owner FROM channel_state WHERE channel_id = %s AND lease_owner IS NOT NULL",
                              id_to_uuid(channel["id"])) == [], "no lease on a channel that is disabled")
    first.stop()
    assert [row[0] for row in rows_of(store, channel)][1:] == ["pending"] * 3
    assert health(second, key, channel)["state"] == "disabled"
    assert capsules_of(fake.arrived(destination.name)) == [capsules[0]] * 2
    enable(second, key, channel, "deliver")
    until(lambda: {row[0] for row in rows_of(store, channel)} == {"delivered"}, "the backlog")
    assert list(dict.fromkeys(capsules_of(fake.arrived(destination.name)))) == capsules
    assert [row[0] for row in audit_rows(second, key, channel)] == ["create", "disable", "enable"]
