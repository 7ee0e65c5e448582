# SPDX-License-Identifier: Apache-2.0
"""The channels API beyond making one: change, test, preview, deliveries, repair."""
import json
import uuid

import destinations
import pytest
from destinations import CHAT, webhook
from support import make_event, new_id, until
from test_providers import FORM_REFUSED, is_rich

BAD_ID = "ch-" + "0" * 25
# A message that its vendor will never take.
REJECTED = {"status": 400, "body": json.dumps({"message": "no\x01 such thing " + "x" * 4000, "code": 240000})}
UNKNOWN_DELIVERY = str(uuid.UUID(int=1))


@pytest.fixture
def owner(chat_service):
    return chat_service.new_team()


def deliveries(service, key, channel, query=""):
    answer = service.get(f"/v1/channels/{channel['id']}/deliveries{query}", key=key)
    assert answer.status == 200, answer.body
    return answer.json()


def verdicts(service, key, stream_id):
    """Verdict of every channel about one event. Needs no wait: the test's own events are stored at once."""
    return {c["channel_id"]: c["verdict"] for c in service.get(f"/v1/events/{stream_id}/explain", key=key).json().get("channels", [])}


def test_a_channel_is_renamed_and_gets_other_events(chat_service, owner, redis, fake):
    team, key = owner
    destination = webhook(fake)
    channel = chat_service.add_channel(key, "webhook", destination.config)
    answer = chat_service.request("PATCH", f"/v1/channels/{channel['id']}", key=key, body={"name": "Night Shift", "events": ["capsule.pause", "capsule.pause"]})
    assert answer.status == 200, answer.body
    assert (answer.json()["name"], answer.json()["events"]) == ("night-shift", ["capsule.pause"])
    redis.publish(make_event(team, "capsule.create"))
    redis.publish(make_event(team, "capsule.pause"))
    until(lambda: fake.arrived(destination.name), "the webhook")
    assert json.loads(fake.arrived(destination.name)[0]["body"])["event"] == "capsule.pause"


@pytest.mark.parametrize("body, status", [
    ({"name": "taken", "events": ["capsule.create"]}, 409),
    ({"name": "x", "events": []}, 400),
    ({"name": "x", "events": ["capsule.created"]}, 400),
    ({"name": "-x", "events": ["capsule.create"]}, 400),
    ({"events": ["capsule.create"]}, 400),
    ({"name": 7, "events": ["capsule.create"]}, 400),
    ("[]", 400), ("{", 400), ("x" * 70000, 413),
], ids=["taken", "no-event", "old-event", "bad-name", "no-name", "number", "array", "broken", "huge"])
def test_a_bad_change_is_refused(chat_service, owner, fake, body, status):
    _, key = owner
    chat_service.add_channel(key, "webhook", webhook(fake).config, name="taken")
    channel = chat_service.add_channel(key, "webhook", webhook(fake).config, name="mine")
    answer = chat_service.request("PATCH", f"/v1/channels/{channel['id']}", key=key, body=body, headers={"Content-Type": "application/json"})
    assert answer.status == status, answer.body
    assert chat_service.get(f"/v1/channels/{channel['id']}", key=key).json()["name"] == "mine"


ON_A_CHANNEL = [("GET", "", None), ("PATCH", "", {"name": "x", "events": ["capsule.create"]}),
                ("PUT", "/config", {"config": {"url": "http://127.0.0.1:9/x"}}), ("POST", "/enable", {"backlog": "skip"}),
                ("GET", "/deliveries", None), ("POST", "/recover", {"since": "2026-01-01T00:00:00Z"}), ("GET", "/health", None)]


@pytest.mark.parametrize("method, path, body", ON_A_CHANNEL)
def test_a_foreign_or_unknown_channel_is_not_found(chat_service, owner, fake, method, path, body):
    _, key = owner
    channel = chat_service.add_channel(key, "webhook", webhook(fake).config)
    _, foreign = chat_service.new_team()
    for who, channel_id, status in ((foreign, channel["id"], 404), (key, BAD_ID, 404), (key, "ch-!", 400), (None, channel["id"], 401)):
        answer = chat_service.request(method, f"/v1/channels/{channel_id}{path}", key=who, body=body)
        assert answer.status == status, (who, channel_id, answer.body)


@pytest.mark.parametrize("provider", [*CHAT, "webhook"])
def test_a_test_notification_arrives_and_leaves_nothing_behind(chat_service, owner, fake, store, provider):
    _, key = owner
    destination = CHAT[provider]() if provider in CHAT else webhook(fake)
    answer = chat_service.request("POST", "/v1/channels/test", key=key, body={"provider": provider, "config": destination.config})
    assert (answer.status, answer.json()["status"]) == (200, "ok"), answer.body
    assert bool(answer.json().get("warnings")) == (provider == "teams")
    assert len(fake.posted(destination.name)) == 1
    assert "test" in fake.posted(destination.name)[0]["shown"]
    assert store.query("SELECT count(*) FROM channels") == store.query("SELECT count(*) FROM deliveries") == [(0,)]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("provider", CHAT)
def test_a_test_whose_form_is_refused_goes_out_as_plain_text(chat_service, owner, fake, provider):
    _, key = owner
    destination = CHAT[provider]()
    fake.script({"destination": destination.name, **FORM_REFUSED[provider]})
    answer = chat_service.request("POST", "/v1/channels/test", key=key, body={"provider": provider, "config": destination.config})
    assert (answer.status, answer.json()["status"]) == (200, "ok"), answer.body
    rich, plain = fake.arrived(destination.name)
    assert is_rich(provider, rich) and not is_rich(provider, plain)
    assert plain["posted"] and "test" in plain["shown"]


def test_settings_that_will_end_are_accepted_with_a_warning_when_made_and_when_replaced(chat_service, owner):
    _, key = owner
    channel = chat_service.add_channel(key, "teams", destinations.teams_legacy().config)
    assert "connectors" in channel["warnings"][0]

    def replaced(config):
        answer = chat_service.request("PUT", f"/v1/channels/{channel['id']}/config", key=key, body={"config": config})
        assert answer.status == 200, answer.body
        return answer.json().get("warnings")

    flow = destinations.teams().config["webhook_url"].split("/workflows/")[1]
    lasting = f"https://default0a.1b.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/{flow}"
    assert replaced({"webhook_url": lasting}) is None
    assert replaced(destinations.teams_legacy().config) == channel["warnings"]
    assert "warnings" not in chat_service.get(f"/v1/channels/{channel['id']}", key=key).json()


def test_a_test_that_fails_says_why(chat_service, owner, fake):
    _, key = owner
    destination = destinations.slack()
    fake.script({"destination": destination.name, "status": 404, "body": "no_service"})
    answer = chat_service.request("POST", "/v1/channels/test", key=key, body={"provider": "slack", "config": destination.config})
    assert (answer.status, answer.json()["error"]["code"]) == (502, "delivery_failed")
    assert "404" in answer.json()["error"]["message"]


def test_tests_and_deliveries_keep_one_pace(chat_service, owner, redis, fake):
    """The destination counts: nobody is ever told off, and a test without its turn within ten seconds says so."""
    team, key = owner
    destination = destinations.slack()
    chat_service.add_channel(key, "slack", destination.config)
    for _ in range(5):
        redis.publish(make_event(team))
    until(lambda: fake.posted(destination.name), "the first delivery")
    answers = [chat_service.request("POST", "/v1/channels/test", key=key, body={"provider": "slack", "config": destination.config}) for _ in range(4)]
    assert 200 in {answer.status for answer in answers} <= {200, 429}, [answer.body for answer in answers]
    taken = sum(answer.status == 200 for answer in answers)
    until(lambda: len(fake.posted(destination.name)) == 5 + taken, "all deliveries")
    assert {entry["status"] for entry in fake.arrived(destination.name)} == {200}


def test_a_test_is_refused_until_the_destinations_hint_is_over(chat_service, owner, fake):
    _, key = owner
    destination = destinations.slack()
    fake.script({"destination": destination.name, "status": 429, "headers": {"Retry-After": "60"}, "hint_s": 60})
    body = {"provider": "slack", "config": destination.config}
    assert chat_service.request("POST", "/v1/channels/test", key=key, body=body).status == 502
    answer = chat_service.request("POST", "/v1/channels/test", key=key, body=body)
    assert (answer.status, answer.json()["error"]["code"]) == (429, "rate_limited")
    assert 50 <= int(answer.headers["Retry-After"]) <= 60
    assert len(fake.arrived(destination.name)) == 1


def test_the_eleventh_test_in_a_minute_is_too_many(chat_service, owner, fake):
    _, key = owner
    config = webhook(fake).config
    answers = [chat_service.request("POST", "/v1/channels/test", key=key, body={"provider": "webhook", "config": config}).status for _ in range(11)]
    assert answers == [200] * 10 + [429]


@pytest.mark.parametrize("provider", [*CHAT, "webhook"])
def test_a_preview_is_what_would_be_sent_without_its_secrets(chat_service, owner, fake, provider):
    _, key = owner
    destination = CHAT[provider]() if provider in CHAT else webhook(fake)
    for body in ({"provider": provider, "event": "capsule.destroy"}, {"provider": provider, "config": destination.config, "event": "capsule.destroy"}):
        answer = chat_service.request("POST", "/v1/channels/preview", key=key, body=body)
        assert answer.status == 200, answer.body
        assert "capsule.destroy" in answer.body.decode()
    assert fake.arrived() == []


@pytest.mark.parametrize("body, status", [({"provider": "fax", "event": "capsule.create"}, 400), ({"event": "capsule.create"}, 400),
                                          ({"provider": "slack", "event": "no.such"}, 400), ("{", 400)])
def test_a_bad_preview_is_refused(chat_service, owner, body, status):
    answer = chat_service.request("POST", "/v1/channels/preview", key=owner[1], body=body, headers={"Content-Type": "application/json"})
    assert answer.status == status, answer.body


def test_a_failed_delivery_is_seen_explained_and_sent_again(chat_service, owner, redis, fake):
    team, key = owner
    destination = destinations.discord()
    channel = chat_service.add_channel(key, "discord", destination.config)
    fake.script({"destination": destination.name, **REJECTED})
    stream_id = redis.publish(make_event(team))
    failed = until(lambda: deliveries(chat_service, key, channel, "?state=failed")["items"], "the failure")[0]
    one = chat_service.get(f"/v1/deliveries/{failed['id']}", key=key).json()
    assert [(a["status"], a["verdict"]) for a in one["attempts"]] == [(400, "rejected")]
    assert "\x01" not in json.dumps(one, ensure_ascii=False) and len(one["attempts"][0]["detail"]) <= 1024
    assert verdicts(chat_service, key, stream_id) == {channel["id"]: "failed"}

    answer = chat_service.request("POST", f"/v1/deliveries/{failed['id']}/redeliver", key=key)
    assert answer.status == 202, answer.body
    until(lambda: fake.posted(destination.name), "the second attempt")
    assert len(fake.arrived(destination.name)) == 2
    again, = until(lambda: deliveries(chat_service, key, channel, "?state=delivered")["items"], "its new state")
    assert (again["id"], again["attempts"]) == (failed["id"], 2)


def test_failed_deliveries_are_recovered_in_order(chat_service, owner, redis, fake):
    team, key = owner
    destination = destinations.discord()
    channel = chat_service.add_channel(key, "discord", destination.config)
    capsules = [new_id("cl-") for _ in range(4)]  # a fifth would open the breaker
    fake.script({"destination": destination.name, "times": 4, **REJECTED})
    for capsule in capsules:
        redis.publish(make_event(team, resource=capsule))
    until(lambda: len(deliveries(chat_service, key, channel, "?state=failed")["items"]) == 4, "four failures")
    answer = chat_service.request("POST", f"/v1/channels/{channel['id']}/recover", key=key, body={"since": "2020-01-01T00:00:00Z", "state": "failed"})
    assert answer.status == 202, answer.body
    until(lambda: len(fake.posted(destination.name)) == 4, "four messages")
    assert all(capsule in entry["shown"] for capsule, entry in zip(capsules, fake.posted(destination.name), strict=True))


def test_deliveries_are_paged_newest_first_and_filtered(chat_service, owner, redis, fake):
    team, key = owner
    channel = chat_service.add_channel(key, "webhook", webhook(fake).config)
    for kind in ("capsule.create", "capsule.pause", "capsule.create"):
        redis.publish(make_event(team, kind))
    until(lambda: len(deliveries(chat_service, key, channel, "?state=delivered")["items"]) == 3, "three deliveries")
    page = deliveries(chat_service, key, channel, "?limit=2")
    rest = deliveries(chat_service, key, channel, f"?limit=2&before={page['next_before']}&before_id={page['next_before_id']}")
    ids = [item["id"] for item in page["items"] + rest["items"]]
    assert len(set(ids)) == 3 and "next_before" not in rest
    assert [i["event"] for i in deliveries(chat_service, key, channel, "?event=capsule.pause")["items"]] == ["capsule.pause"]
    for query in ("?state=lost", "?limit=0", "?before=!", "?before_id=1", "?since=soon", "?event=no.such"):
        assert chat_service.get(f"/v1/channels/{channel['id']}/deliveries{query}", key=key).status == 400, query


def test_a_foreign_or_unknown_delivery_is_not_found(chat_service, owner, redis, fake):
    team, key = owner
    channel = chat_service.add_channel(key, "webhook", webhook(fake).config)
    redis.publish(make_event(team))
    mine = until(lambda: deliveries(chat_service, key, channel)["items"], "a delivery")[0]["id"]
    _, foreign = chat_service.new_team()
    for method, path in (("GET", ""), ("POST", "/redeliver")):
        for who, delivery, status in ((foreign, mine, 404), (key, UNKNOWN_DELIVERY, 404), (key, "x", 400), (None, mine, 401)):
            assert chat_service.request(method, f"/v1/deliveries/{delivery}{path}", key=who).status == status, (method, who, delivery)


def test_an_event_says_of_every_channel_why(chat_service, owner, redis, fake):
    team, key = owner
    taken = chat_service.add_channel(key, "webhook", webhook(fake).config, events=("capsule.create",))
    other = chat_service.add_channel(key, "webhook", webhook(fake).config, events=("host.up",))
    stream_id = redis.publish(make_event(team))
    until(lambda: deliveries(chat_service, key, taken, "?state=delivered")["items"], "the delivery")
    answer = chat_service.get(f"/v1/events/{stream_id}/explain", key=key)
    assert answer.status == 200, answer.body
    assert verdicts(chat_service, key, stream_id) == {taken["id"]: "delivered", other["id"]: "not_subscribed"}
    _, foreign = chat_service.new_team()
    assert chat_service.get(f"/v1/events/{stream_id}/explain", key=foreign).status == 404
    assert chat_service.get("/v1/events/1-1/explain", key=key).status == 404
    assert chat_service.get("/v1/events/nonsense/explain", key=key).status == 400


def test_a_follow_up_and_a_repeat_are_explained(chat_service, owner, redis, fake):
    team, key = owner
    destination = webhook(fake)
    channel = chat_service.add_channel(key, "webhook", destination.config, events=("capsule.create", "host.up"))
    capsule, host = new_id("cl-"), new_id("host-")
    redis.publish(make_event(team, resource=capsule))
    system = {"type": "system"}
    follow_up = redis.publish(make_event(team, resource=capsule, actor=system))
    redis.publish(make_event(team, "host.up", host, actor=system, outcome=None))
    repeat = redis.publish(make_event(team, "host.up", host, actor=system, outcome=None))
    until(lambda: len(deliveries(chat_service, key, channel, "?state=delivered")["items"]) == 2, "two deliveries")
    until(lambda: verdicts(chat_service, key, repeat) == {channel["id"]: "repeat"}, "the repeat's reason")
    assert verdicts(chat_service, key, follow_up) == {channel["id"]: "follow_up"}


def test_health_tells_of_failure_and_of_recovery(chat_service, owner, redis, fake):
    team, key = owner
    destination = webhook(fake)
    channel = chat_service.add_channel(key, "webhook", destination.config)

    def health():
        return chat_service.get(f"/v1/channels/{channel['id']}/health", key=key).json()

    assert (health()["state"], health()["backlog"]["pending"]) == ("healthy", 0)
    fake.script({"destination": destination.name, "status": 500})
    redis.publish(make_event(team))
    failing = until(lambda: (now := health())["state"] == "failing" and now, "the failure")
    assert (failing["breaker"], failing["backlog"]["pending"]) == ({"state": "closed", "failures": 1}, 1)
    assert "500" in failing["last_error"] and failing["failing_since"] and failing["last_error_at"]
    until(lambda: health()["state"] == "healthy" and health()["last_success_at"], "the recovery")
    assert "failing_since" not in health()


def test_the_api_is_described_where_it_is_served(chat_service):
    text = chat_service.get("/openapi.yaml").body.decode()
    for path in ("/v1/channels/{id}/enable", "/v1/channels/preview", "/v1/channels/{id}/recover", "/v1/deliveries/{id}/redeliver",
                 "/v1/channels/{id}/health", "/v1/events/{id}/explain"):
        assert path in text, path
