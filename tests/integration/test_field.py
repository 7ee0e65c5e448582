# SPDX-License-Identifier: Apache-2.0
"""Small inputs that the field showed, with what must happen: tests/cases/field.jsonl. Each line has a check of its
name here; a line without one fails, and so does a check without a line."""
import collections
import datetime
import json
import pathlib

import destinations
import pytest
from support import Stream, fast_clock, id_to_uuid, make_event, until
from test_providers import is_rich, rows_of, verdicts_of

pytestmark = pytest.mark.plain_only(reason="its clock is libfaketime's, which does not go with the sanitizers")

LINES = [json.loads(text) for text in (pathlib.Path(__file__).parent.parent / "cases/field.jsonl").read_text().splitlines()]
SPEED = 10
CHECKS = {}

World = collections.namedtuple("World", "line service redis fake store team key")


def check(*names):
    """Makes the function the check of these lines."""
    def add(function):
        CHECKS.update(dict.fromkeys(names, function))
        return function
    return add


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("speed", [SPEED], indirect=True)
@pytest.mark.parametrize("line", LINES, ids=[line["name"] for line in LINES])
def test_what_the_field_showed(make_service, origins, redis, fake, store, line):
    assert line["name"] in CHECKS, f"nothing checks that: {line['want']}"
    service = make_service(**origins, **fast_clock(SPEED)).start()
    CHECKS[line["name"]](World(line, service, redis, fake, store, *service.new_team()))


def test_every_check_has_its_line():
    assert set(CHECKS) <= {line["name"] for line in LINES}


# ---- what destinations answer ----------------------------------------------------------------


def answered(world, hint=None):
    """A channel that gets the line's answers to one event: its destination and the channel."""
    provider = world.line["provider"]
    destination = destinations.webhook(world.fake) if provider == "webhook" else getattr(destinations, provider)()
    channel = world.service.add_channel(world.key, provider, destination.config)
    for answer in world.line.get("answers") or [world.line["answer"]]:
        world.fake.script({"destination": destination.name, **answer, **(hint or {})})
    world.redis.publish(make_event(world.team))
    return destination, channel


def health(world, key, channel):
    return world.service.get(f"/v1/channels/{channel['id']}/health", key=key).json()


def delivered(world, channel, attempts):
    until(lambda: [row[:2] for row in rows_of(world.store, channel)] == [("delivered", attempts)], f"delivery at attempt {attempts}")


def first_error(world, channel):
    return until(lambda: world.store.query("SELECT a.detail FROM attempts a JOIN deliveries d ON d.id = a.delivery_id "
                                           "WHERE d.channel_id = %s ORDER BY a.number", id_to_uuid(channel["id"])), "an attempt")[0][0]


@check("discord-ban-with-retry-after")
def discord_pauses_for_everybody(world):
    """The fake counts any request to Discord within the minute as a violation."""
    _, told = answered(world, {"hint_s": 60, "hint_for": "discord"})
    until(lambda: verdicts_of(world.store, told) == ["wait"], "the answer")
    team, key = world.service.new_team()
    other = world.service.add_channel(key, "discord", destinations.discord().config)
    world.redis.publish(make_event(team))
    until(lambda: rows_of(world.store, other), "a delivery of another team")
    limits = [health(world, *whose)["rate_limited"] for whose in ((world.key, told), (key, other))]
    assert [limit["by"] for limit in limits] == ["Discord", "Discord"]
    own, all_of_it = (datetime.datetime.fromisoformat(limit["until"].replace("Z", "+00:00")) for limit in limits)
    assert datetime.timedelta(seconds=530) <= own - all_of_it <= datetime.timedelta(seconds=550)
    until(lambda: rows_of(world.store, other)[0][0] == "delivered", "Discord to be sent to again")
    assert rows_of(world.store, told)[0][:2] == ("pending", 1)


@check("slack-invalid-attachments")
def the_plain_form_goes_out_once(world):
    destination, channel = answered(world)
    delivered(world, channel, 2)
    assert [is_rich("slack", entry) for entry in world.fake.arrived(destination.name)] == [True, False]
    assert verdicts_of(world.store, channel) == ["reformed", "delivered"]


@check("slack-unknown-word")
def a_word_we_do_not_know_loses_nothing(world):
    world.line["answers"] = [world.line["answer"]] * 2
    destination, channel = answered(world)
    delivered(world, channel, 3)
    assert [is_rich("slack", entry) for entry in world.fake.arrived(destination.name)] == [True, False, False]
    assert verdicts_of(world.store, channel) == ["reformed", "retry", "delivered"]


@check("teams-page-of-a-proxy", "discord-page-of-a-proxy")
def a_stranger_is_tried_again(world):
    _, channel = answered(world)
    assert "with a page that is not" in first_error(world, channel)
    delivered(world, channel, 2)
    assert health(world, world.key, channel)["state"] == "healthy"


@check("webhook-404-then-204")
def a_404_is_not_the_end(world):
    _, channel = answered(world)
    delivered(world, channel, 2)


@check("webhook-301")
def a_redirect_is_told_and_tried_again(world):
    _, channel = answered(world)
    assert "redirected, which is not followed" in first_error(world, channel)
    delivered(world, channel, 2)


# ---- what owners paste -------------------------------------------------------------------------


def made(world):
    return world.service.request("POST", "/v1/channels", key=world.key, body={
        "name": "pasted", "provider": world.line["provider"], "config": world.line["config"], "events": ["capsule.create"]})


@check("teams-url-with-slash", "settings-with-spaces")
def it_is_taken_and_works(world):
    answer = made(world)
    assert answer.status == 201, answer.body
    world.redis.publish(make_event(world.team))
    delivered(world, answer.json(), 1)


def refused(world, field, *words):
    error = made(world)
    assert error.status == 400, error.body
    error = error.json()["error"]
    assert error["details"]["field"] == field and all(word in error["message"] for word in words), error


@check("googlechat-reply-or-fail")
def an_option_that_refuses_is_refused(world):
    refused(world, "webhook_url", "messageReplyOption", "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD")


@check("matrix-homeserver-with-api-path")
def the_path_of_the_api_is_ours_to_add(world):
    refused(world, "homeserver_url", "the path below /_matrix is added by us")


# ---- what is in an event -----------------------------------------------------------------------


KINDS = ["capsule.create", "capsule.pause", "template.snapshot.create"]
ACTORS = {"user", "api_key", "system"}
BREAKS_LINES = [chr(code) for code in [*range(0x20), *range(0x7f, 0xa0), 0x2028, 0x2029]]


def published(world):
    """The line's event through the whole service: its frame, its audit rows as text, and what each chat got."""
    chats = {}
    for provider, make in destinations.CHAT.items():
        chats[provider] = make()
        world.service.add_channel(world.key, provider, chats[provider].config, events=KINDS)
    stream = Stream(world.service, world.key)
    stream.connected()
    world.redis.publish({**world.line["event"], "team_id": world.team})
    frame = stream.wait_for(1)[0]
    until(lambda: world.store.query("SELECT count(*) FROM deliveries WHERE state = 'delivered'") == [(len(chats),)], "the messages")
    stream.close()
    assert world.redis.client.exists("wrenn:events:dead") == 0
    audit = world.service.get("/v1/audit-logs?resource_type=sandbox,snapshot", key=world.key).body.decode().rstrip("\n")
    assert not [c for c in BREAKS_LINES if c in audit]
    assert frame.data["actor"]["type"] in ACTORS
    datetime.datetime.strptime(frame.data["timestamp"], "%Y-%m-%dT%H:%M:%SZ")
    messages = {provider: world.fake.arrived(chat.name)[0]["body"] for provider, chat in chats.items()}
    for provider, body in messages.items():
        assert not blank_values(json.loads(body)), provider
    return frame.data, json.loads(audit)["items"], messages


def blank_values(value):
    """Texts of nothing but white space, wherever they are."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for item in value for text in blank_values(item)]
    return [value] if isinstance(value, str) and not value.strip() else []


@check("nul-in-error")
def a_nul_is_shown(world):
    frame, audit, messages = published(world)
    assert frame["error"] == "tar: bad magic \ufffd"
    assert [item["metadata"]["error"] for item in audit] == ["tar: bad magic \ufffd"]
    assert [provider for provider, body in messages.items() if "bad magic \ufffd" not in json.dumps(json.loads(body), ensure_ascii=False)] == []


@check("error-of-white-space")
def white_space_is_nothing(world):
    frame, audit, _ = published(world)
    assert "error" not in frame and "error" not in audit[0].get("metadata", {})


@check("next-line-in-a-name")
def a_next_line_is_escaped(world):
    frame, audit, _ = published(world)
    assert frame["actor"]["name"] == "A\u0085B"
    assert audit[0]["actor_name"] == "A\u0085B"


@check("actor-of-a-new-type")
def an_unknown_actor_is_the_system(world):
    frame, _, _ = published(world)
    assert frame["actor"]["type"] == "system" and frame["metadata"]["original_actor_type"] == "robot"
