# SPDX-License-Identifier: Apache-2.0
"""Every provider end to end: a channel made through the API, an event in Redis, a message people can read."""
import json
import re

import destinations
import pytest
from destinations import CHAT
from support import id_to_uuid, make_event, new_id, until

DISCORD_FORM = {"message": "Invalid Form Body", "code": 50035, "errors": {"embeds": {}}}
GOOGLE_FORM = {"error": {"code": 400, "message": "Invalid JSON payload received.", "status": "INVALID_ARGUMENT"}}
TELEGRAM_FORM = {"ok": False, "error_code": 400, "description": "Bad Request: can't parse entities: Unsupported start tag \"x\""}
# How each provider refuses a message for its form alone.
FORM_REFUSED = {
    "discord": {"status": 400, "body": json.dumps(DISCORD_FORM)},
    "slack": {"status": 400, "body": "invalid_blocks"},
    "teams": {"status": 400, "body": '{"error":{"code":"TriggerInputSchemaMismatch","message":"no"}}'},
    "googlechat": {"status": 400, "body": json.dumps(GOOGLE_FORM)},
    "telegram": {"status": 400, "body": json.dumps(TELEGRAM_FORM)},
    "matrix": {"status": 400, "body": '{"errcode":"M_BAD_JSON","error":"bad formatted_body"}'},
}
GONE = {
    "discord": (404, '{"message":"Unknown Webhook","code":10015}'),
    "slack": (404, "no_service"),
    "teams": (400, '{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"off"}}'),
    "googlechat": (404, '{"error":{"code":404,"status":"NOT_FOUND","message":"gone"}}'),
    "telegram": (403, '{"ok":false,"error_code":403,"description":"Forbidden: bot was kicked from the supergroup chat"}'),
    "matrix": (403, '{"errcode":"M_FORBIDDEN","error":"not in room"}'),
}
RICH = {
    "discord": lambda body: "embeds" in body,
    "slack": lambda body: body["attachments"][0]["blocks"],
    "teams": lambda body: len(body["attachments"][0]["content"]["body"]) > 1,
    "googlechat": lambda body: "cardsV2" in body,
    "telegram": lambda body: body.get("parse_mode") == "HTML",
    "matrix": lambda body: "formatted_body" in body,
}


def is_rich(provider, entry):
    try:
        return bool(RICH[provider](json.loads(entry["body"])))
    except (KeyError, IndexError):
        return False


def rows_of(store, channel):
    return store.query("SELECT state, attempts, last_status, last_error FROM deliveries WHERE channel_id = %s ORDER BY stream_ms, stream_seq",
                       id_to_uuid(channel["id"]))


def verdicts_of(store, channel):
    return [row[0] for row in store.query("SELECT a.verdict FROM attempts a JOIN deliveries d ON d.id = a.delivery_id "
                                          "WHERE d.channel_id = %s ORDER BY a.number", id_to_uuid(channel["id"]))]


def add(service, key, destination):
    return service.add_channel(key, destination.provider, destination.config)


def delivered(store, channel, count=1):
    until(lambda: [row[0] for row in rows_of(store, channel)] == ["delivered"] * count, "the delivery")


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("provider", CHAT)
def test_an_event_arrives_as_a_rich_message(chat_service, redis, fake, store, provider):
    team, key = chat_service.new_team()
    destination = CHAT[provider]()
    channel = add(chat_service, key, destination)
    event = make_event(team, outcome="error", error="the host is full", metadata={"reason": "create_failed"})
    event["timestamp"] = "2026-05-24T05:02:08Z"
    redis.publish(event)
    delivered(store, channel)
    entry, = fake.arrived(destination.name)
    assert entry["posted"] and not entry["hidden"] and is_rich(provider, entry), entry
    for fact in (f"Capsule {event['resource']['id']} failed to start: the host is full", "capsule.create", "Ada", "create_failed",
                 "2026-05-24 05:02:08 UTC"):
        assert fact in entry["shown"].replace("\u2060", ""), fact
    assert verdicts_of(store, channel) == ["accepted" if provider == "teams" else "delivered"]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_legacy_teams_channel_works_and_its_owner_is_warned(chat_service, redis, fake, store):
    team, key = chat_service.new_team()
    destination = destinations.teams_legacy()
    channel = add(chat_service, key, destination)
    assert channel["warnings"]
    redis.publish(make_event(team))
    delivered(store, channel)
    assert len(fake.posted(destination.name)) == 1


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("provider", CHAT)
def test_a_refused_form_is_followed_at_once_by_the_plain_text(chat_service, redis, fake, store, provider):
    team, key = chat_service.new_team()
    destination = CHAT[provider]()
    channel = add(chat_service, key, destination)
    fake.script({"destination": destination.name, **FORM_REFUSED[provider]})
    event = make_event(team)
    redis.publish(event)
    delivered(store, channel)
    rich, plain = fake.arrived(destination.name)
    assert is_rich(provider, rich) and not is_rich(provider, plain)
    capsule = event["resource"]["id"]
    assert plain["posted"] and f"Capsule {capsule}: start requested" in plain["shown"] and "capsule.create" in plain["shown"]
    assert verdicts_of(store, channel)[0] == "reformed"


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_host_that_imitates_slack_gets_what_it_knows_and_then_plain_text(chat_service, redis, fake, store):
    team, key = chat_service.new_team()
    destination = destinations.mattermost()
    channel = add(chat_service, key, destination)
    redis.publish(make_event(team, outcome="error", error="the host is full @all"))
    delivered(store, channel)
    entry, = fake.arrived(destination.name)
    assert entry["posted"] and not entry["pings"] and "blocks" not in entry["body"]
    assert "failed to start: the host is full" in entry["shown"] and "Actor: " in entry["shown"]
    fake.script({"destination": destination.name, "status": 400, "body": '{"status_code":400}'})
    redis.publish(make_event(team))
    delivered(store, channel, 2)
    _, rich, plain = fake.arrived(destination.name)
    assert "attachments" in rich["body"] and "attachments" not in plain["body"] and plain["posted"]
    with pytest.raises(AssertionError):
        chat_service.add_channel(key, "slack", {"webhook_url": "https://other.example.org/hooks/a"})


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_key_that_is_not_valid_keeps_the_backlog(chat_service, redis, fake, store):
    """Google calls it an invalid argument, as it calls a message it does not understand."""
    team, key = chat_service.new_team()
    destination = destinations.googlechat()
    config = {"webhook_url": re.sub("key=[^&]*", "key=expired", destination.config["webhook_url"])}
    channel = chat_service.add_channel(key, "googlechat", config)
    redis.publish(make_event(team))
    until(lambda: verdicts_of(store, channel) == ["disabled"], "the answer")
    assert [row[0] for row in rows_of(store, channel)] == ["pending"]
    assert len(fake.arrived(destination.name)) == 1, "the plain form went out as well"


def test_a_migrated_telegram_group_is_followed_and_remembered(chat_service, redis, fake, store):
    team, key = chat_service.new_team()
    destination = destinations.telegram()
    channel = add(chat_service, key, destination)
    body = {"ok": False, "error_code": 400, "description": "Bad Request: group chat was upgraded to a supergroup chat",
            "parameters": {"migrate_to_chat_id": -1001234567890}}
    fake.script({"destination": destination.name, "status": 400, "body": json.dumps(body), "times": 0})
    redis.publish(make_event(team))
    delivered(store, channel)
    redis.publish(make_event(team))
    delivered(store, channel, 2)
    assert len(fake.arrived(destination.name)) == 1
    assert len(fake.posted("telegram/-1001234567890")) == 2
    assert "rebound" in verdicts_of(store, channel)


def test_a_matrix_alias_is_resolved_once_and_remembered(chat_service, redis, fake, store):
    team, key = chat_service.new_team()
    channel = add(chat_service, key, destinations.matrix("#ops:example.org"))
    for count in (1, 2):
        redis.publish(make_event(team))
        delivered(store, channel, count)
    assert len(fake.posted("matrix/!room-of-ops:example.org")) == 2
    assert [entry["method"] for entry in fake.arrived("matrix/#ops:example.org")] == ["GET"]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_matrix_repeats_a_message_under_one_transaction(chat_service, redis, fake, store):
    team, key = chat_service.new_team()
    destination = destinations.matrix()
    channel = add(chat_service, key, destination)
    fake.script({"destination": destination.name, "kind": "reset"})
    redis.publish(make_event(team))
    delivered(store, channel)
    first, second = (entry["path"].rsplit("/", 1)[1] for entry in fake.arrived(destination.name))
    assert first == second
    assert [str(row[0]) for row in store.query("SELECT id FROM deliveries")] == [first]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("provider", CHAT)
def test_nobody_is_disturbed_by_what_users_can_name(chat_service, redis, fake, store, provider):
    team, key = chat_service.new_team()
    destination = CHAT[provider]()
    channel = add(chat_service, key, destination)
    name = "@everyone @here @room <!channel> <@U012AB> <@123456789012345678> <users/all> **b** <b>x</b> &amp; \U0001f600 \u202e"
    redis.publish(make_event(team, actor={"type": "user", "id": new_id("usr-"), "name": name}, outcome="error", error=name * 60))
    delivered(store, channel)
    entry, = fake.posted(destination.name)
    assert entry["pings"] == []
    assert "\u202e" not in entry["body"]


def test_two_disabling_answers_disable_and_the_backlog_waits_for_its_owner(chat_service, redis, fake, store):
    """All providers at once, because each waits for the same ten seconds."""
    team, key = chat_service.new_team()
    channels = {}
    for provider, (status, body) in GONE.items():
        destination = CHAT[provider]()
        channels[provider] = (destination, add(chat_service, key, destination))
        fake.script({"destination": destination.name, "status": status, "body": body, "times": 2})
    redis.publish(make_event(team))
    for provider, (_, channel) in channels.items():
        until(lambda: chat_service.get(f"/v1/channels/{channel['id']}/health", key=key).json()["state"] == "disabled", provider)
        assert rows_of(store, channel)[0][0] == "pending"
    for destination, channel in channels.values():
        assert len(fake.arrived(destination.name)) == 2
        answer = chat_service.request("POST", f"/v1/channels/{channel['id']}/enable", key=key, body={"backlog": "deliver"})
        assert answer.status == 200, answer.body
    for destination, channel in channels.values():
        delivered(store, channel)
        assert len(fake.posted(destination.name)) == 1


@pytest.mark.parametrize("provider", CHAT)
def test_fifty_events_at_once_are_told_in_a_digest(chat_service, redis, fake, store, provider):
    team, key = chat_service.new_team()
    destination = CHAT[provider]()
    channel = add(chat_service, key, destination)
    failed = make_event(team, "capsule.destroy", outcome="error", error="host is away")
    events = [make_event(team, "capsule.destroy") for _ in range(49)] + [failed]
    with redis.client.pipeline() as pipeline:
        for event in events:
            pipeline.xadd("wrenn:events", {"payload": json.dumps(event, separators=(",", ":"))})
        pipeline.execute()
    until(lambda: len(rows_of(store, channel)) >= 51 and {r[0] for r in rows_of(store, channel)} <= {"delivered", "folded"}, "the digest")
    rows = store.query("SELECT state, event, digest_id, id FROM deliveries WHERE channel_id = %s", id_to_uuid(channel["id"]))
    digests = {str(row[3]) for row in rows if row[1] == "notification.digest"}
    folded = [row for row in rows if row[0] == "folded"]
    assert digests and folded and {str(row[2]) for row in folded} <= digests
    assert len(fake.posted(destination.name)) == len(rows) - len(folded) <= 25
    assert "host is away" in "".join(entry["shown"] for entry in fake.posted(destination.name))
    page = chat_service.get(f"/v1/channels/{channel['id']}/deliveries?state=folded&limit=1", key=key).json()
    assert page["items"][0]["digest_id"] in digests
