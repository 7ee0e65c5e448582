# SPDX-License-Identifier: Apache-2.0
"""One event, end to end: published to Redis, seen live, delivered signed, kept in the audit log."""
import base64
import hashlib
import hmac
import json
import sqlite3
import subprocess

import pytest
from support import Stream, id_to_uuid, make_event, new_id, until

pytestmark = pytest.mark.plain_too(reason="the whole way of an event, with the program that users run")


def signature_by_openssl(secret, message):
    """HMAC-SHA-256 by a program that is not ours."""
    result = subprocess.run(["openssl", "dgst", "-sha256", "-hmac", secret], input=message,
                            capture_output=True, check=True)
    return result.stdout.decode().split("= ")[1].strip()


def test_an_event_arrives_live_as_a_signed_webhook_and_in_the_audit_log(service, redis, receiver):
    team, key = service.new_team()
    channel = service.add_webhook(key, receiver.url)
    stream = Stream(service, key)
    stream.connected()
    event = make_event(team, resource=new_id("cl-"), metadata={"template": "minimal-ubuntu"})

    stream_id = redis.publish(event)

    frame = stream.wait_for(1)[0]
    assert frame.id == stream_id
    assert frame.event == "capsule.create"
    assert frame.data == {**event, "sandbox": None}

    request = until(lambda: receiver.requests, "the webhook")[0]
    headers = request["headers"]
    assert json.loads(request["body"]) == event
    assert request["body"] == json.dumps(event, separators=(",", ":")).encode()
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Wrenn-Attempt"] == "1"
    assert headers["User-Agent"].startswith("wrenn-events/")
    stamp = headers["X-Wrenn-Timestamp"]
    assert headers["X-Wrenn-Signature"] == "sha256=" + signature_by_openssl(
        channel["secret"], stamp.encode() + b"." + request["body"])

    standard_key = base64.b64decode(channel["secret"])
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request["body"]
    standard = base64.b64encode(hmac.new(standard_key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == "v1," + standard
    assert headers["webhook-id"] == headers["X-Wrenn-Delivery"]

    page = service.get("/v1/audit-logs?resource_type=sandbox", key=key).json()
    assert [(e["action"], e["resource_id"], e["status"], e["actor_name"], e["metadata"]) for e in page["items"]] == [
        ("create", event["resource"]["id"], "success", "Ada", {"template": "minimal-ubuntu"})]


def test_an_acknowledged_entry_is_already_in_the_store(service, redis, store):
    team, _ = service.new_team()
    stream_id = redis.publish(make_event(team))
    until(lambda: redis.has_acknowledged(stream_id), "the acknowledgement")
    rows = store.query("SELECT action FROM audit_logs WHERE team_id = %s AND resource_type = 'sandbox'", id_to_uuid(team))
    assert rows == [("create",)]


def test_an_entry_is_not_acknowledged_while_the_store_refuses_it(service, redis, cluster, store):
    if store.name != "postgres":
        return check_locked_sqlite(service, redis, store)
    team, _ = service.new_team()
    store.query("ALTER TABLE audit_logs RENAME TO audit_logs_away")
    redis.publish(make_event(team))
    until(lambda: "ledger" in service.log_text() or redis.client.xinfo_groups("wrenn:events")[0]["pending"], "the attempt")
    assert redis.client.xinfo_groups("wrenn:events")[0]["pending"] == 1
    store.query("ALTER TABLE audit_logs_away RENAME TO audit_logs")
    until(lambda: store.query("SELECT count(*) FROM audit_logs WHERE team_id = %s", id_to_uuid(team))[0][0] == 1, "the row")
    return None


def check_locked_sqlite(service, redis, store):
    team, _ = service.new_team()
    connection = sqlite3.connect(store.path, timeout=30, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    redis.publish(make_event(team))
    until(lambda: redis.client.xinfo_groups("wrenn:events")[0]["pending"] == 1, "the entry to be read")
    assert connection.execute("SELECT count(*) FROM audit_logs WHERE resource_type = 'sandbox'").fetchone() == (0,)
    connection.execute("ROLLBACK")
    connection.close()
    until(lambda: redis.client.xinfo_groups("wrenn:events")[0]["pending"] == 0, "the acknowledgement")
    assert store.query("SELECT count(*) FROM audit_logs WHERE resource_type = 'sandbox'") == [(1,)]


def test_a_failing_receiver_is_tried_again_with_the_same_delivery_id(service, redis, receiver, store):
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)
    receiver.answer = lambda request: 503 if request["headers"]["X-Wrenn-Attempt"] == "1" else 204
    redis.publish(make_event(team))
    until(lambda: len(receiver.requests) == 2, "the second attempt")
    first, second = receiver.requests
    assert first["body"] == second["body"]
    assert first["headers"]["X-Wrenn-Delivery"] == second["headers"]["X-Wrenn-Delivery"]
    assert second["headers"]["X-Wrenn-Attempt"] == "2"
    until(lambda: store.query("SELECT state, attempts FROM deliveries") == [("delivered", 2)], "the state")


def test_a_retry_survives_a_restart(make_service, redis, receiver, store):
    service = make_service().start()
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)
    receiver.answer = lambda request: 500
    redis.publish(make_event(team))
    until(lambda: store.query("SELECT attempts FROM deliveries") == [(1,)], "the first attempt's result")
    service.kill()
    receiver.answer = lambda request: 204
    service.start()
    until(lambda: store.query("SELECT state FROM deliveries") == [("delivered",)], "the delivery")
    assert [r["headers"]["X-Wrenn-Attempt"] for r in receiver.requests] == ["1", "2"]


def test_a_follow_up_is_neither_delivered_nor_recorded_but_a_genuine_one_is(service, redis, receiver, store):
    team, key = service.new_team()
    service.add_webhook(key, receiver.url, events=("capsule.destroy", "capsule.create"))
    capsule, other = new_id("cl-"), new_id("cl-")
    system = {"type": "system"}
    redis.publish(make_event(team, "capsule.destroy", capsule))
    redis.publish(make_event(team, "capsule.destroy", capsule, actor=system))
    redis.publish(make_event(team, "capsule.destroy", other, actor=system))
    redis.publish(make_event(team, "capsule.create", other))
    until(lambda: len(receiver.requests) == 3, "three webhooks")
    got = [json.loads(r["body"]) for r in receiver.requests]
    assert [(e["event"], e["resource"]["id"], e["actor"]["type"]) for e in got] == [
        ("capsule.destroy", capsule, "user"), ("capsule.destroy", other, "system"), ("capsule.create", other, "user")]
    rows = service.get("/v1/audit-logs?resource_type=sandbox", key=key).json()["items"]
    assert sorted((r["action"], r["resource_id"], r.get("metadata", {}).get("reason", "")) for r in rows) == sorted([
        ("destroy", capsule, ""), ("destroy", other, "host_reported"), ("create", other, "")])
