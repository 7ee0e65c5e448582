# SPDX-License-Identifier: Apache-2.0
"""A reader that reads nothing: of the states of a capsule it is shown the newest, no lasting event is ever skipped, what is too much
closes it with a word, silence closes it without, and its cursor works afterwards. Its neighbour notices nothing."""
import json
import re
import threading

import pytest
from support import SqliteStore, Stream, make_event, new_id, until

CAPSULES = 3
PAD = "x" * 3000


@pytest.fixture
def store(folder):
    """One store will do: what a reader sees does not come from it."""
    return SqliteStore(folder)


class Sleeper(Stream):
    """Reads the greeting and nothing more until it is woken."""

    def __init__(self, *arguments, **more):
        self.awake = threading.Event()
        super().__init__(*arguments, **more)

    def _chunks(self):
        for chunk in super()._chunks():
            yield chunk
            self.awake.wait()


def metric(service, name):
    return int(re.search(rf"^{re.escape(name)} (\d+)$", service.get("/metrics").body.decode(), re.M)[1])


def publish_states(redis, team, capsules, numbers):
    """More than any socket takes, each with a number."""
    pipeline = redis.client.pipeline(transaction=False)
    for number in numbers:
        state = make_event(team, "capsule.state.changed", capsules[number % len(capsules)], {"type": "system"}, None,
                           {"n": str(number), "pad": PAD})
        pipeline.publish("wrenn:sse", json.dumps({**state, "sandbox": None}))
    pipeline.execute()


def publish_many(redis, team, count):
    pipeline = redis.client.pipeline(transaction=False)
    for number in range(count):
        pipeline.xadd("wrenn:events", {"payload": json.dumps(make_event(team, "host.up", new_id("host-"), metadata={"n": str(number), "pad": PAD}))})
    return [stream_id for stream_id in pipeline.execute()]


def open_both(service, redis, team, key):
    """Both hear a first event, so that both sides of Redis are being read."""
    sleeper, neighbour = Sleeper(service, key), Stream(service, key)
    for stream in (sleeper, neighbour):
        stream.connected()
    until(lambda: redis.client.pubsub_numsub("wrenn:sse")[0][1] == 1, "somebody to hear of states")
    return sleeper, neighbour


def states_of(stream):
    return [int(f.data["metadata"]["n"]) for f in stream.events() if f.event == "capsule.state.changed"]


def closed_for_silence(service):
    """By the service, or by the kernel, which has the same limit of twenty seconds and may be first."""
    return sum(metric(service, f'wrenn_events_sse_closes_total{{reason="{why}"}}') for why in ("stalled", "client"))


def sleep_through_states(service, redis):
    """False when the machine was so busy that the sleeper was closed for its silence."""
    before = closed_for_silence(service)
    team, key = service.new_team()
    capsules = [new_id("cl-") for _ in range(CAPSULES)]
    sleeper, neighbour = open_both(service, redis, team, key)
    total = 6000
    lasting = []
    for end in range(total // 4, total + 1, total // 4):
        publish_states(redis, team, capsules, range(end - total // 4, end))
        lasting.append(redis.publish(make_event(team, "host.up")))
        newest = list(range(end - CAPSULES, end))
        # All at once is more than the history holds, and a neighbour on a busy machine would be slow, too.
        until(lambda: states_of(neighbour)[-CAPSULES:] == newest and neighbour.last_id() == lasting[-1], "the neighbour to have everything")
    sleeper.awake.set()
    until(lambda: states_of(sleeper)[-CAPSULES:] == newest and sleeper.last_id() == lasting[-1] or sleeper.ended.is_set(),
          "the sleeper to have the newest state of each")
    if closed_for_silence(service) > before:
        return False
    assert states_of(sleeper) == sorted(set(states_of(sleeper))), "a state was repeated or came after a later one"
    assert len(states_of(sleeper)) < total, "nothing was spared"
    assert [f.id for f in sleeper.events() if f.id] == lasting
    assert not sleeper.ended.is_set()
    sleeper.close()
    neighbour.close()
    return True


@pytest.mark.long
def test_a_sleeper_is_shown_the_newest_state_of_each_capsule_and_every_lasting_event(service, redis):
    until(lambda: sleep_through_states(service, redis), "a sleeper that is not closed for its silence")
    assert metric(service, "wrenn_events_sse_backlog_high_water_frames") >= 256
    assert metric(service, "wrenn_events_sse_backlog_high_water_bytes") >= 256 * len(PAD)


@pytest.mark.long
def test_a_sleeper_with_too_many_lasting_events_is_told_and_its_cursor_works(service, redis):
    team, key = service.new_team()
    sleeper, neighbour = open_both(service, redis, team, key)
    ids = publish_many(redis, team, 8000)
    until(lambda: neighbour.last_id() == ids[-1], "the neighbour to have everything")
    sleeper.awake.set()
    assert sleeper.ended.wait(30)
    # It has a few seconds to take the words; where this program was too slow for that, they are lost.
    words = [c for c in sleeper.comments if c not in ("keepalive", "source lost", "source back")]
    assert words in ([], ["this client reads too slowly, reconnect with your cursor"])
    assert metric(service, 'wrenn_events_sse_closes_total{reason="slow"}') == 1
    seen = [f.id for f in sleeper.events()]
    assert 0 < len(seen) < len(ids)
    back = Stream(service, key, last_id=sleeper.last_id())
    assert "gap" not in back.connected().data
    back.wait_for(len(ids) - len(seen))
    assert seen + [f.id for f in back.events()] == ids
    assert [f.id for f in neighbour.events()] == ids
    for stream in (back, neighbour, sleeper):
        stream.close()


@pytest.mark.long
def test_a_sleeper_that_takes_nothing_for_twenty_seconds_is_closed_and_its_cursor_works(service, redis):
    team, key = service.new_team()
    sleeper, neighbour = open_both(service, redis, team, key)
    publish_states(redis, team, [new_id("cl-")], range(4000))  # states alone never close anybody
    until(lambda: states_of(neighbour)[-1:] == [3999], "the neighbour to have everything")
    lasting = redis.publish(make_event(team, "host.up"))
    until(lambda: closed_for_silence(service) == 1, "the sleeper to be closed")
    sleeper.awake.set()
    assert sleeper.ended.wait(30)
    assert lasting not in [f.id for f in sleeper.events()]
    back = Stream(service, key, last_id=sleeper.last_id())
    assert [f.id for f in back.wait_for(1)] == [lasting]
    assert neighbour.last_id() == lasting and not neighbour.ended.is_set()
    for stream in (back, neighbour, sleeper):
        stream.close()
