# SPDX-License-Identifier: Apache-2.0
"""What platform administrators see of the service, and dead letters that they offer again."""
import json

import pytest
from described import Description
from support import make_event, until

LETTERS = "/v1/admin/dead-letters"


def session(service, team, *more):
    """The header fields of a session, with the token that changes need."""
    cookie, csrf = service.run("sessions", "create", "--team", team, "--name", "Grace", "--role", "owner", *more).stdout.split()
    return {"Cookie": f"{cookie}; {csrf}", "X-CSRF-Token": csrf.partition("=")[2]}


def bury(redis, **fields):
    """Puts an entry aside as the consumer does."""
    return redis.client.xadd("wrenn:events:dead", {"id": "5-1", **fields})


def test_the_status_is_that_of_the_whole_service(service, redis, store, receiver):
    team, key = service.new_team()
    description, admin = Description(service), session(service, team, "--platform-admin")

    def status():
        answer = service.get("/v1/admin/status", headers=admin)
        assert answer.status == 200, answer.body
        description.check("GET", "/v1/admin/status", answer)
        return answer.json()

    def whole():
        now = status()
        return now if "ledger" in now and "stream" in now and now["workers"] else None

    first = until(whole, "the ledger's lease, the group and the worker")
    assert first["ledger"]["worker"] == first["answered_by"]
    assert first["workers"] == [{"name": first["answered_by"], "channels": 0}]
    assert first["deliveries"] == {"pending": 0, "is_more": False} and first["channels"] == {"disabled": 0, "paused": 0}
    assert first["store"]["engine"] == ("sqlite" if "sqlite" in service.environment["DATABASE_URL"] else "postgres")
    assert first["store"]["size_bytes"] > 10000 and "trouble" not in first["store"]
    receiver.answer = lambda request: 503
    channel = service.add_webhook(key, receiver.url)
    redis.publish(make_event(team))
    busy = until(lambda: status() if status()["deliveries"]["pending"] and status()["workers"][0]["channels"] else None, "the delivery to wait")
    assert busy["deliveries"]["pending"] == 1 and busy["deliveries"]["oldest_at"]
    assert busy["workers"] == [{"name": first["answered_by"], "channels": 1}]
    until(lambda: status()["stream"] == {"lag": 0, "unacknowledged": 0}, "the group to have read everything")
    store.query("UPDATE channel_state SET disabled_at = updated_at")
    assert status()["channels"]["disabled"] >= 1
    assert service.request("DELETE", f"/v1/channels/{channel['id']}", key=key).status == 204
    redis.stop()
    assert "stream" not in until(lambda: status() if "stream" not in status() else None, "the answer without Redis")


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_workers_without_channels_are_listed(make_service):
    service = make_service(WRENN_EVENTS_WORKERS="3").start()
    team, _ = service.new_team()
    admin = session(service, team, "--platform-admin")

    def workers():
        return service.get("/v1/admin/status", headers=admin).json()["workers"]

    until(lambda: len({worker["name"] for worker in workers()}) == 3, "all three workers")
    assert {worker["channels"] for worker in workers()} == {0}


def test_a_dead_letter_is_shown_and_offered_once(service, redis):
    team, key = service.new_team()
    description, admin = Description(service), session(service, team, "--platform-admin")

    def letters(query=""):
        answer = service.get(LETTERS + query, headers=admin)
        assert answer.status == 200, answer.body
        description.check("GET", LETTERS, answer)
        return answer.json()

    def offer(letter, status):
        answer = service.request("POST", f"{LETTERS}/{letter}/offer", headers=admin)
        description.check("POST", LETTERS + "/{letter}/offer", answer)
        assert answer.status == status, answer.body
        return answer.json()

    assert letters() == {"items": []}
    broken = redis.client.xadd("wrenn:events", {"payload": '{"broken \x07\u202e'})
    shown = until(lambda: letters()["items"], "the dead letter")[0]
    assert shown["event_id"] == broken and shown["reason"] and shown["payload"].startswith('{"broken') and "\x07" not in shown["payload"]
    good = bury(redis, payload=json.dumps(make_event(team)), reason="the store refuses this event")
    empty = bury(redis, payload="", reason="no payload")
    page = letters("?limit=2")
    assert [i["id"] for i in page["items"]] == [empty, good] and page["next_before"] == good
    assert [i["id"] for i in letters(f"?limit=2&before={good}")["items"]] == [shown["id"]]
    made = offer(good, 202)["event_id"]
    until(lambda: [i for i in service.get("/v1/audit-logs?action=create", key=key).json()["items"]], "the audit row")
    assert redis.client.xrange("wrenn:events", made, made)
    assert good not in [i["id"] for i in letters()["items"]]
    offer(good, 404)
    offer(empty, 409)
    offer("x", 400)
    for query in ("?limit=0", "?limit=x", "?before=now", "?limit=1&limit=2"):
        assert service.get(LETTERS + query, headers=admin).status == 400, query


def test_only_platform_administrators_get_in(service, redis):
    team, key = service.new_team()
    letter = bury(redis, payload="{}", reason="x")
    owner = session(service, team)
    admin = session(service, team, "--platform-admin")
    for method, path in (("GET", "/v1/admin/status"), ("GET", LETTERS), ("POST", f"{LETTERS}/{letter}/offer")):
        assert service.request(method, path).status == 401
        assert service.request(method, path, key=key).status in (401, 403), path
        assert service.request(method, path, headers=owner).status == 403, path
    assert service.request("POST", f"{LETTERS}/{letter}/offer", headers={"Cookie": admin["Cookie"]}).status == 403, "without the CSRF token"
    assert redis.client.xlen("wrenn:events:dead") == 1
