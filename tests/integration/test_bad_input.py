# SPDX-License-Identifier: Apache-2.0
"""Everything that comes from outside may be wrong, huge, slow or hostile. Each fault gets a clear answer or
a counter, and the service goes on."""
import contextlib
import json
import os
import re
import socket
import subprocess

import pytest
import redis as redis_module
from support import DEADLINE_S, PROGRAM, Stream, make_event, new_id, until


def metric(service, prefix):
    """The sum of the metric lines that begin with `prefix`."""
    lines = service.get("/metrics").body.decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(prefix))


def raw(service, data, shut=False):
    """Sends bytes, returns everything up to the end of the connection."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=DEADLINE_S) as client:
        client.sendall(data)
        if shut:
            client.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while True:
                piece = client.recv(65536)
                if not piece:
                    return answer
                answer += piece
        except ConnectionResetError:
            return answer


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer else 0


POISON = {
    "no JSON": "{nope",
    "an array": "[]",
    "a number": "5",
    "nothing": "",
    "no event": '{"timestamp":"2026-05-24T05:02:08Z"}',
    "an event that is no string": '{"event":5}',
    "no team": '{"event":"capsule.create","timestamp":"2026-05-24T05:02:08Z","actor":{"type":"system"},"resource":{"id":"x","type":"sandbox"}}',
    "a team id out of range": '{"event":"host.up","timestamp":"2026-05-24T05:02:08Z","team_id":"team-f5lxx1zz5pnorynqglhzmsp34","actor":{"type":"system"},"resource":{"id":"x","type":"host"}}',
    "a member twice": '{"event":"host.up","event":"host.down","timestamp":"2026-05-24T05:02:08Z","team_id":"team-0000000000000000000000000","actor":{"type":"system"},"resource":{"id":"x","type":"host"}}',
    "metadata that is no text": '{"event":"host.up","timestamp":"2026-05-24T05:02:08Z","team_id":"team-0000000000000000000000000","actor":{"type":"system"},"resource":{"id":"x","type":"host"},"metadata":{"a":1}}',
    "deep nesting": '{"event":"host.up","x":' + "[" * 5000 + "]" * 5000 + "}",
    "too long": '{"event":"host.up","x":"' + "x" * 70000 + '"}',
    "half an escape": '{"event":"host.up","x":"\\ud8"}',
    "text behind": '{"event":"host.up"} x',
}


def test_entries_that_cannot_be_read_go_to_the_dead_letters_with_the_reason(service, redis, receiver, store):
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)
    ids = {redis.client.xadd("wrenn:events", {"payload": text}): (name, text) for name, text in POISON.items()}
    ids[redis.client.xadd("wrenn:events", {"payload": b'{"event":"host.up","x":"\xff"}'})] = ("bad UTF-8", None)
    ids[redis.client.xadd("wrenn:events", {"other": "field"})] = ("no payload", None)
    good = redis.publish(make_event(team))
    until(lambda: len(receiver.requests) == 1, "the good event after the bad ones")
    binary = redis_module.Redis(unix_socket_path=redis.socket)
    until(lambda: binary.xlen("wrenn:events:dead") == len(ids), "the dead letters")
    for _, fields in binary.xrange("wrenn:events:dead"):
        name, text = ids.pop(fields[b"id"].decode())
        assert fields[b"reason"], name
        if text is not None:
            assert fields[b"payload"].decode() == text, name
    assert not ids
    until(lambda: redis.client.xinfo_groups("wrenn:events")[0]["pending"] == 0, "all acknowledged")
    assert store.query("SELECT last_id FROM positions") == [(good,)]


def test_unknown_kinds_and_events_about_nothing_go_nowhere(service, redis, receiver, store):
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)
    stream = Stream(service, key)
    stream.connected()
    redis.publish({**make_event(team), "event": "volume.attach", "resource": {"id": new_id("vol-"), "type": "volume"}})
    redis.publish(make_event(team, resource="cl-" + "0" * 25, outcome="error", error="unknown template"))
    good = redis.publish(make_event(team))
    assert [f.id for f in stream.wait_for(1)] == [good]
    until(lambda: receiver.requests, "the webhook")
    assert len(receiver.requests) == 1
    assert store.query("SELECT count(*) FROM audit_logs WHERE resource_type <> 'channel'") == [(1,)]
    assert redis.client.exists("wrenn:events:dead") == 0
    stream.close()


def test_no_payload_can_forge_a_frame(service, redis):
    team, key = service.new_team()
    stream = Stream(service, key)
    stream.connected()
    nasty = "x\r\n\r\nid: 1-1\nevent: forged\ndata: {}\n\n\u2028\u2029"
    sent = redis.publish(make_event(team, "template.snapshot.create", nasty, outcome="error", error=nasty, metadata={"a\nb": nasty}))
    redis.client.xadd("wrenn:events", {"payload": json.dumps(make_event(team), indent=2)})
    frames = stream.wait_for(2)
    assert frames[0].id == sent and frames[0].data["resource"]["id"] == nasty
    assert frames[1].event == "capsule.create"
    assert len(stream.events()) == 2
    stream.close()


REQUESTS = [
    (b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
    (b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 405),
    (b"BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"garbage\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"".join(b"h%d: v\r\n" % n for n in range(200)) + b"\r\n", 431),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nbig: " + b"v" * 40000 + b"\r\n\r\n", 431),
    (b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
    (b"GET /v1/channels/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400),
    (b"POST /v1/channels HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST /v1/channels HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", 413),
    (b"POST /v1/channels HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b"x" * 65536 + b"\r\n1\r\nx\r\n0\r\n\r\n", 413),
    (b"GET /v1/channels HTTP/1.1\r\nHost: x\r\nX-API-Key: nonsense\r\nConnection: close\r\n\r\n", 401),
    (b"GET /v1/channels HTTP/1.1\r\nHost: x\r\nCookie: wrenn_sid=" + b"Z" * 64 + b"\r\nConnection: close\r\n\r\n", 401),
]


def test_bad_requests_get_the_envelope_and_the_service_goes_on(service):
    for data, expected in REQUESTS:
        answer = raw(service, data)
        assert status_of(answer) == expected, (data[:80], answer[:300])
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b"x-request-id: req_" in head.lower(), data[:80]
        error = json.loads(body)["error"]
        assert error["code"] and error["message"] and isinstance(error["retryable"], bool)
    assert service.get("/healthz").status == 200


def test_a_half_closed_client_still_gets_its_answer(service):
    answer = raw(service, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", shut=True)
    assert status_of(answer) == 200


def test_pipelined_requests_are_answered_in_order(service):
    answer = raw(service, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 3 + b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200"] * 3 + [b"404"]


BODIES = [
    ("{", "body"), ("[]", None), ('{"name":5}', None), ("", None), ('{"a":1,"a":2}', None), ("{" * 3000, None),
    ('{"name":"a/b","provider":"webhook","config":{"url":"http://127.0.0.1:1/"},"events":["host.up"]}', "name"),
    ('{"name":"a","provider":"fax","config":{},"events":["host.up"]}', "provider"),
    ('{"name":"a","provider":"webhook","config":{"url":"http://127.0.0.1:1/"},"events":[]}', "events"),
    ('{"name":"a","provider":"webhook","config":{"url":"http://127.0.0.1:1/"},"events":["capsule.created"]}', "events"),
    ('{"name":"a","provider":"webhook","config":{},"events":["host.up"]}', "url"),
    ('{"name":"a","provider":"webhook","config":{"url":5},"events":["host.up"]}', None),
    ('{"name":"a","provider":"webhook","config":{"url":"ftp://example.com/"},"events":["host.up"]}', "url"),
    ('{"name":"a","provider":"webhook","config":{"url":"http://u:p@127.0.0.1/"},"events":["host.up"]}', "url"),
    ('{"name":"a","provider":"webhook","config":{"url":"http://127.0.0.1/#x"},"events":["host.up"]}', "url"),
    ('{"name":"a","provider":"webhook","config":{"url":"http://' + "a" * 5000 + '/"},"events":["host.up"]}', "url"),
]


def test_bad_bodies_are_400_naming_the_field_and_never_echo_a_value(service):
    _, key = service.new_team()
    for body, field in BODIES:
        answer = service.request("POST", "/v1/channels", body=body, key=key, headers={"Content-Type": "application/json"})
        assert answer.status == 400, (body[:100], answer.body)
        error = answer.json()["error"]
        assert error["code"] == "invalid_request"
        if field and field != "body":
            assert error["details"]["field"] == field, (body[:100], error)
        assert "u:p" not in error["message"]
    assert service.get("/v1/channels", key=key).json() == []


OTHER_TYPES = ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", "", None)


def test_a_body_of_another_type_is_taken_from_a_key_and_never_from_a_cookie(service):
    team, key = service.new_team()
    cookies = service.run("sessions", "create", "--team", team, "--name", "Ada", "--role", "owner").stdout.split()
    session = {"Cookie": "; ".join(cookies), "X-CSRF-Token": cookies[1].split("=")[1]}

    def create(name, content_type, headers, key=None):
        body = '{"name":"%s","provider":"webhook","config":{"url":"http://127.0.0.1:1/"},"events":["host.up"]}' % name
        fields = headers if content_type is None else {**headers, "Content-Type": content_type}
        return service.request("POST", "/v1/channels", body=body, key=key, headers=fields)

    for content_type in OTHER_TYPES:
        answer = create("a", content_type, session)
        assert answer.status == 415, content_type
        assert answer.json()["error"]["code"] == "invalid_request"
    assert service.get("/v1/channels", key=key).json() == []
    assert create("a", "Application/JSON; charset=utf-8", session).status == 201
    channel = service.get("/v1/channels", key=key).json()[0]["id"]
    assert service.request("POST", f"/v1/channels/{channel}/enable", headers=session).status == 200  # no body, no type
    for number, content_type in enumerate(OTHER_TYPES):
        assert create(f"key-{number}", content_type, {}, key=key).status == 201, content_type


def test_a_text_that_no_setting_can_hold_is_refused_by_its_name(service):
    _, key = service.new_team()
    good = {"name": "a", "provider": "webhook", "config": {"url": "http://127.0.0.1:1/"}, "events": ["host.up"]}
    channel = service.request("POST", "/v1/channels", body=good, key=key).json()["id"]
    bad = [("POST", "/v1/channels", {**good, **members}, field) for members, field in (
        ({"name": "\0"}, "name"), ({"provider": "web\0hook"}, "provider"), ({"config": {"url": "http://127.0.0.1:1/\0"}}, "url"),
        ({"events": ["host.up", "\0"]}, "events"))]
    bad += [("PATCH", f"/v1/channels/{channel}", {"name": "b\0", "events": ["host.up"]}, "name"),
            ("PUT", f"/v1/channels/{channel}/config", {"config": {"secret": "\0-of-forty-characters-is-no-secret-at-all"}}, "secret"),
            ("POST", f"/v1/channels/{channel}/enable", {"backlog": "skip\0"}, "backlog"),
            ("POST", f"/v1/channels/{channel}/recover", {"since": "1h\0"}, "since"),
            ("POST", "/v1/channels/test", {"provider": "webhook", "config": {"url": "\0"}}, "url"),
            ("POST", "/v1/channels/preview", {"provider": "slack", "event": "host.up\0"}, "event")]
    for method, path, body, field in bad:
        answer = service.request(method, path, body=body, key=key)
        assert answer.status == 400 and answer.json()["error"]["details"] == {"field": field}, (path, body, answer.body)
        assert "a NUL" in answer.json()["error"]["message"]
    assert [found["id"] for found in service.get("/v1/channels", key=key).json()] == [channel]


def test_private_targets_are_refused_unless_allowed(make_service):
    service = make_service(WRENN_CHANNELS_ALLOW_PRIVATE="false").start()
    _, key = service.new_team()
    for url in ("http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://10.0.0.1/", "http://169.254.169.254/latest", "http://0x7f000001/",
                "http://2130706433/", "http://[::ffff:127.0.0.1]/", "http://100.64.0.1/", "http://0.0.0.0/"):
        answer = service.request("POST", "/v1/channels", key=key, body={"name": "a", "provider": "webhook", "config": {"url": url}, "events": ["host.up"]})
        assert answer.status == 400 and answer.json()["error"]["details"]["field"] == "url", url
        assert url not in answer.body.decode()


@pytest.mark.parametrize("query", ["last_event_id=x", "last_event_id=1", "last_event_id=", "last_event_id=1-1&since=1m", "since=", "since=yesterday", "since=5",
                                   "event=nonsense", "event=capsule.created", "outcome=maybe", "outcome=", "last_event_id=99999999999999999999999-0"])
def test_bad_stream_queries_are_400(service, query):
    _, key = service.new_team()
    stream = Stream(service, key, "?" + query)
    assert stream.status == 400
    stream.close()
    assert service.get("/v1/events/wait?" + query, key=key).status == 400


def test_redis_answers_of_the_wrong_type_are_survived(service, redis, receiver):
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)
    redis.client.delete("wrenn:events")
    redis.client.set("wrenn:events", "a string")
    until(lambda: service.get("/readyz").status == 503, "readiness to go down")
    assert service.get("/healthz").status == 200
    redis.client.delete("wrenn:events")
    redis.publish(make_event(team))
    until(lambda: service.get("/readyz").status == 200, "readiness to come back")
    until(lambda: receiver.requests, "the webhook")


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_corrupt_database_is_named_and_never_overwritten(make_service, store):
    with open(store.path, "wb") as file:
        file.write(b"this is not a database, and somebody may still want it" * 100)
    service = make_service()
    service.launch()
    assert service.process.wait(timeout=DEADLINE_S) == 1
    assert "DATABASE_URL" in service.log_text()
    assert open(store.path, "rb").read(20) == b"this is not a databa"


def test_a_taken_port_is_a_clear_error(make_service, service):
    # SO_REUSEPORT lets our own siblings in; a stranger's socket is a fault.
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        second = make_service(WRENN_EVENTS_LISTEN=f"127.0.0.1:{stranger.getsockname()[1]}")
        second.launch()
        assert second.process.wait(timeout=DEADLINE_S) == 1
        assert f"WRENN_EVENTS_LISTEN: 127.0.0.1:{stranger.getsockname()[1]} is in use by " in second.log_text()
        assert f"(pid {os.getpid()})" in second.log_text()


def test_no_secret_is_in_the_log(service, redis, receiver):
    team, key = service.new_team()
    channel = service.add_webhook(key, receiver.url + "?token=very-secret-token")
    receiver.answer = lambda request: 500
    redis.publish(make_event(team))
    until(lambda: receiver.requests, "the failing webhook")
    service.get("/v1/channels?key=" + key, headers={"Cookie": "wrenn_sid=" + "a" * 64})
    log = service.log_text() + service.get("/metrics").body.decode() + service.get("/v1/channels", key=key).body.decode()
    for secret in (key, channel["secret"], "very-secret-token", "000102030405060708090a0b"):
        assert secret not in log


@pytest.mark.plain_only(reason="a writer of the log that is blocked cannot stop before a fork, and the leak checker reports it")
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_log_that_nobody_reads_holds_nothing_up(make_service, workers):
    service = make_service(WRENN_EVENTS_WORKERS=workers)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"\0" * 4096)
    os.set_blocking(writer, True)
    service.process = subprocess.Popen([PROGRAM, "serve"], env=service.environment, stdout=subprocess.DEVNULL, stderr=writer)
    try:
        until(service.answers, "readiness without a log")
        service.process.terminate()
        assert service.process.wait(timeout=DEADLINE_S) == 0
    finally:
        service.process.kill()
        os.close(reader)
        os.close(writer)
