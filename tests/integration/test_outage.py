# SPDX-License-Identifier: Apache-2.0
"""Promise 10: Redis or the database goes away; the service sits it out, says so, and loses nothing."""
import concurrent.futures
import json
import resource
import signal
import sqlite3

import pytest
from support import Stream, id_to_uuid, make_event, until
from test_endpoints import ALL, World
from trails import EXPORT, verify_export


def ready(service):
    answer = service.get("/readyz")
    return answer.status, answer.body.decode()


def test_redis_stops_for_a_while_and_nothing_is_lost(service, redis, receiver, store):
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)
    stream = Stream(service, key)
    stream.connected()
    before = [redis.publish(make_event(team)) for _ in range(20)]
    stream.wait_for(20)

    redis.stop()
    until(lambda: ready(service)[0] == 503, "readiness to go down")
    assert "redis" in json.loads(ready(service)[1])["error"]["message"]
    assert service.get("/healthz").status == 200
    assert service.get("/v1/channels", key=key).status == 200  # needs no Redis
    until(lambda: any("source" in c for c in stream.comments), "the comment about the lost source")

    redis.start()
    after = [redis.publish(make_event(team)) for _ in range(20)]
    assert [f.id for f in stream.wait_for(40)] == before + after  # the same connection goes on
    until(lambda: ready(service)[0] == 200, "readiness to come back")
    until(lambda: store.query("SELECT count(*) FROM deliveries WHERE state = 'delivered'") == [(40,)], "all deliveries")
    assert len({r["headers"]["X-Wrenn-Delivery"] for r in receiver.requests}) == 40
    stream.close()


def test_redis_killed_under_load_loses_nothing_it_kept(service, redis, receiver, store):
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)
    stream = Stream(service, key)
    stream.connected()
    for round_number in range(3):
        for _ in range(100):
            redis.publish(make_event(team))
        redis.stop(signal.SIGKILL)
        redis.start()
    redis.publish(make_event(team))
    kept = [entry for entry, _ in redis.client.xrange("wrenn:events")]
    until(lambda: stream.events() and stream.events()[-1].id == kept[-1], "the last event")
    got = [f.id for f in stream.events()]
    assert len(set(got)) == len(got)
    assert [i for i in got if i in set(kept)] == kept
    until(lambda: len({r["headers"]["X-Wrenn-Delivery"] for r in receiver.requests}) >= len(kept), "the webhooks")
    rows = {row[0] for row in store.query("SELECT stream_id FROM deliveries")}
    assert set(kept) <= rows
    stream.close()


def test_a_flushed_redis_does_not_stop_the_service(service, redis, receiver):
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)
    redis.publish(make_event(team))
    until(lambda: len(receiver.requests) == 1, "the first webhook")
    live = Stream(service, key, "?since=earliest")
    first = live.wait_for(1)[0].id
    redis.client.flushall()
    second = redis.publish(make_event(team))
    until(lambda: len(receiver.requests) == 2, "the webhook after the loss")
    until(lambda: [f.event for f in live.frames if f.event][1:] == ["capsule.create", "connected", "capsule.create"], "the gap and what follows it")
    assert live.frames[-2].data["gap"] is True and live.frames[-2].id is None
    live.close()
    back = Stream(service, key, last_id=first)
    assert back.connected().data["gap"] is True
    assert [f.id for f in back.wait_for(1)] == [second]
    back.close()
    assert service.get(f"/v1/events/wait?last_event_id={first}", key=key).status == 409
    stream = Stream(service, key, "?since=earliest")
    until(lambda: stream.events() and stream.events()[-1].id == second, "the event after the loss")
    stream.close()


def test_the_group_is_made_again_from_the_stored_position(service, redis, receiver, store):
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)
    first = redis.publish(make_event(team))
    until(lambda: store.query("SELECT last_id FROM positions") == [(first,)], "the position")
    until(lambda: redis.client.xinfo_groups("wrenn:events")[0]["pending"] == 0, "the acknowledgement")
    service.stop()
    redis.client.xgroup_destroy("wrenn:events", "wrenn-events-v1")
    second = redis.publish(make_event(team))
    service.start()
    until(lambda: len(receiver.requests) == 2, "the webhook published while nobody read")
    assert store.query("SELECT stream_id FROM deliveries ORDER BY stream_ms, stream_seq") == [(first,), (second,)]


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_postgres_stops_for_a_while_and_nothing_is_lost(redis, receiver, make_service, store, cluster):
    service = make_service().start()
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)
    stream = Stream(service, key)
    stream.connected()
    cluster.stop()
    try:
        until(lambda: ready(service)[0] == 503, "readiness to go down")
        assert "store" in json.loads(ready(service)[1])["error"]["message"]
        answer = service.get("/v1/channels", key=key)
        assert answer.status == 503 and answer.headers["Retry-After"]
        assert answer.json()["error"]["code"] == "service_unavailable"
        # Whoever it is cannot be told now. A browser must come back for the answer, and nobody is let in meanwhile.
        answer = service.get("/v1/events/stream", key="wrn_" + "0" * 32, headers={"Accept": "text/event-stream"})
        assert answer.status == 200 and answer.body.startswith(b": ") and b"\nretry: " in answer.body and b"data:" not in answer.body
        assert service.get("/v1/events/stream", key="wrn_" + "0" * 32, headers={"Accept": "application/json"}).status == 503
        ids = [redis.publish(make_event(team)) for _ in range(50)]
        assert [f.id for f in stream.wait_for(50)] == ids  # live goes on, without the capsule rows
        assert redis.client.xinfo_groups("wrenn:events")[0]["pending"] > 0
    finally:
        cluster.start()
    until(lambda: ready(service)[0] == 200, "readiness to come back")
    until(lambda: len(receiver.requests) >= 50, "all webhooks")
    until(lambda: redis.client.xinfo_groups("wrenn:events")[0]["pending"] == 0, "the acknowledgements")
    assert store.query("SELECT count(*), count(DISTINCT stream_id) FROM deliveries") == [(50, 50)]
    stream.close()


def expect_unavailable(answer, name):
    assert answer.status == 503 and int(answer.headers["Retry-After"]) > 0, (name, answer.status, answer.body)


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_every_endpoint_of_channels_says_so_while_postgres_is_away(service, redis, receiver, store, cluster):
    world = World(service, redis, store, receiver)
    cluster.stop("fast")  # in order: a crash may take the last result with it, and then it is sent again
    try:
        until(lambda: ready(service)[0] == 503, "readiness to go down")
        for name in ALL:
            expect_unavailable(world.ask(name), name)
        expect_unavailable(world.ask("preview", {"event": make_event(world.team)}), "preview of an event of one's own")
    finally:
        cluster.start()
    until(lambda: ready(service)[0] == 200, "readiness to come back")
    assert world.ask("list").json()[0]["name"] == "first"
    assert world.ask("delivery").json()["state"] == "failed"
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_every_change_says_so_while_another_program_keeps_the_sqlite_file(service, redis, receiver, store):
    world = World(service, redis, store, receiver)
    # Neither a test nor a preview writes anything.
    changes = ("create", "update", "config", "enable", "recover", "redeliver", "expect", "expect_no_more", "delete")
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with concurrent.futures.ThreadPoolExecutor(len(changes)) as pool:
            for name, answer in zip(changes, pool.map(world.ask, changes)):
                expect_unavailable(answer, name)
        until(lambda: ready(service)[0] == 503, "readiness to know it")
        assert "locked" in json.loads(ready(service)[1])["error"]["message"]
        for name in set(ALL) - set(changes):
            assert world.ask(name).status == 200, name
    finally:
        other.execute("ROLLBACK")
        other.close()
    until(lambda: ready(service)[0] == 200, "readiness to come back")
    assert [channel["name"] for channel in world.ask("list").json()] == ["first"]
    assert world.ask("delivery").json()["state"] == "failed"


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_readiness_knows_of_a_table_that_nobody_can_write_to(service, redis, store):
    team, _ = service.new_team()
    store.query("ALTER TABLE audit_logs RENAME TO audit_logs_away")
    redis.publish(make_event(team))
    until(lambda: ready(service)[0] == 503, "readiness to go down")
    assert "store" in json.loads(ready(service)[1])["error"]["message"]
    store.query("ALTER TABLE audit_logs_away RENAME TO audit_logs")
    until(lambda: ready(service)[0] == 200, "readiness to come back")


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_the_service_starts_while_postgres_and_redis_are_away(redis, make_service, store, cluster, receiver):
    redis.stop()
    cluster.stop()
    service = make_service()
    try:
        service.launch()
        until(lambda: answers(service), "liveness")
        assert ready(service)[0] == 503
    finally:
        cluster.start()
    redis.start()
    until(lambda: ready(service)[0] == 200, "readiness")
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)
    redis.publish(make_event(team))
    until(lambda: receiver.requests, "the webhook")


def answers(service):
    try:
        return service.get("/healthz").status == 200
    except OSError:
        return False


@pytest.mark.plain_only("the unit tests of the store meet every error of SQLite under the sanitizers")
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_sqlite_file_that_takes_no_more_bytes_loses_nothing(make_service, redis, store, tmp_path):
    service = make_service()
    service.prefix = ["env", "--ignore-signal=XFSZ", *service.prefix]  # a write past the limit is an error, not the end
    service.start()
    team, key = service.new_team()
    limit = lambda size: resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    rows = lambda: store.query("SELECT count(*) FROM audit_logs WHERE team_id = %s", id_to_uuid(team))[0][0]
    for _ in range(20):
        redis.publish(make_event(team))
    until(lambda: rows() == 20, "the first rows")
    limit(8192)
    try:
        for _ in range(20):
            redis.publish(make_event(team))
        until(lambda: ready(service)[0] == 503, "readiness to go down")
        assert "store" in json.loads(ready(service)[1])["error"]["message"]
        expect_unavailable(service.get(EXPORT, key=key), "an export that has to be signed")
        assert service.get("/v1/audit-logs", key=key).status == 200 and rows() < 40
    finally:
        limit(resource.RLIM_INFINITY)
    until(lambda: ready(service)[0] == 200, "readiness to come back")
    until(lambda: rows() == 40, "the rows of all events")
    assert redis.client.xlen("wrenn:events:dead") == 0 and store.query("PRAGMA integrity_check") == [("ok",)]
    assert verify_export(service, key, tmp_path) == 40
