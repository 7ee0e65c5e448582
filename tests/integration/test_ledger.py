# SPDX-License-Identifier: Apache-2.0
"""One worker of all writes the ledger: in the order of the stream, whoever it is and however it ends."""
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import threading
import time

import psycopg2
import pytest
from support import DEADLINE_S, make_event, new_id, until

SYSTEM = {"type": "system"}
KINDS = ("capsule.create", "capsule.pause", "capsule.resume", "capsule.destroy")


def pid_of(owner):
    """The process of a lease's owner, which is "<host>-<place>-<pid>-<random>"."""
    return int(owner.rsplit("-", 2)[1])


def leader(store):
    """The process that has the lease; None when nobody has."""
    rows = store.query("SELECT owner FROM ledger_leases")
    return pid_of(rows[0][0]) if rows else None


def another_leads(store, than):
    return lambda: leader(store) not in (None, than)


class Load:
    """250 events a second: lives of capsules, each request with its completion, and monitors that repeat themselves."""

    def __init__(self, redis, team):
        self.redis, self.team = redis, team
        self.published = []  # (stream id, kind, capsule, what should become of it)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def publish(self, kind, capsule, fate, **more):
        self.published.append((self.redis.publish(make_event(self.team, kind, capsule, **more)), kind, capsule, fate))
        self.stop.wait(0.004)

    def run(self):
        while not self.stop.is_set():
            capsule = new_id("cl-")
            for kind in KINDS[:3]:
                self.publish(kind, capsule, "told")
                self.publish(kind, capsule, "follow_up", actor=SYSTEM)
            for fate in ("told", "repeat"):
                self.publish("capsule.destroy", capsule, fate, actor=SYSTEM, metadata={"reason": "orphaned"})

    def some_more(self, count=200):
        before = len(self.published)
        until(lambda: len(self.published) >= before + count, "some more load")

    def end(self):
        self.stop.set()
        self.thread.join()
        return self.published


def told(receiver):
    """What arrived, in order, without the repetitions that a crash may cause."""
    seen, events = set(), []
    for request in list(receiver.requests):
        if request["headers"]["X-Wrenn-Delivery"] not in seen:
            seen.add(request["headers"]["X-Wrenn-Delivery"])
            body = json.loads(request["body"])
            events.append((body["event"], body["resource"]["id"]))
    return events


def expect_the_order_of_the_stream(published, receiver, redis, store):
    until(lambda: redis.has_acknowledged(published[-1][0]), "all to be acknowledged")
    wanted = [event for event in published if event[3] == "told"]
    # Rows become visible in the order they are committed in.
    assert store.query("SELECT stream_id FROM deliveries ORDER BY stream_ms, stream_seq") == [(event[0],) for event in wanted]
    assert dict(store.query("SELECT stream_id, reason FROM suppressed")) == {
        event[0]: event[3] for event in published if event[3] != "told"}
    audited = [(event[1].split(".")[1], event[2]) for event in published if event[3] != "follow_up"]
    rows = store.query("SELECT action, resource_id FROM audit_logs WHERE resource_type = 'sandbox'")
    assert sorted(rows) == sorted(audited)
    until(lambda: len(told(receiver)) >= len(wanted), "all webhooks")
    assert told(receiver) == [(event[1], event[2]) for event in wanted]


def test_the_ledger_keeps_the_order_of_the_stream_whoever_writes_it(make_service, redis, receiver, store, folder):
    first = make_service(WRENN_EVENTS_WORKERS="2").start()
    second = make_service(WRENN_EVENTS_WORKERS="4")
    second.log_path = f"{folder}/second.log"
    second.start()
    team, key = first.new_team()
    first.add_webhook(key, receiver.url, events=KINDS)
    load = Load(redis, team)
    try:
        load.some_more()
        killed = leader(store)
        os.kill(killed, signal.SIGKILL)
        until(another_leads(store, killed), "another to take over from a dead one")
        load.some_more()
        stopped = leader(store)
        leaving, staying = (first, second) if stopped in children(first) else (second, first)
        leaving.process.send_signal(signal.SIGTERM)
        until(another_leads(store, stopped), "another to take over from one that is stopped")
        assert leaving.process.wait(timeout=DEADLINE_S) == 0
        load.some_more()
        assert leader(store) in children(staying)
        assert staying.get("/metrics").body.decode().count("wrenn_events_ledger_leader 1\n") == 1
    finally:
        published = load.end()
    expect_the_order_of_the_stream(published, receiver, redis, store)
    assert [consumer["name"] for consumer in redis.client.xinfo_consumers("wrenn:events", "wrenn-events-v1")] == ["ledger"]


@pytest.mark.plain_only(reason="it waits for processes that start again")
def test_the_order_needs_no_word_between_the_processes(make_service, redis, receiver, store):
    """The Redis user may not use the wake channel: a writer ends, and no other process is notified of its last rows."""
    redis.client.execute_command("ACL", "SETUSER", "default", "resetchannels", "&wrenn:sse")
    service = make_service(WRENN_EVENTS_WORKERS="4").start()
    team, key = service.new_team()
    service.add_webhook(key, receiver.url, events=KINDS)
    load = Load(redis, team)
    try:
        for _ in range(5):
            load.some_more(30)
            killed = leader(store)
            os.kill(killed, signal.SIGKILL)
            until(another_leads(store, killed), "another to take over from a dead one")
        load.some_more(30)
    finally:
        published = load.end()
    expect_the_order_of_the_stream(published, receiver, redis, store)


@pytest.mark.plain_only(reason="it waits for processes that start again")
def test_a_lone_worker_that_is_killed_again_and_again_loses_and_doubles_nothing(make_service, redis, receiver, store):
    service = make_service().start()
    team, key = service.new_team()
    service.add_webhook(key, receiver.url, events=KINDS)
    load = Load(redis, team)
    try:
        for has_batch in (True, False, True, False):
            load.some_more(30)
            with busy(store) if has_batch else contextlib.nullcontext():
                if has_batch:
                    wait_for_a_batch(redis, load)
                service.kill()
            service.start()
        load.some_more(30)
    finally:
        published = load.end()
    expect_the_order_of_the_stream(published, receiver, redis, store)


def children(service):
    with open(f"/proc/{service.process.pid}/task/{service.process.pid}/children") as file:
        return [int(pid) for pid in file.read().split()]


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_a_writer_that_freezes_is_replaced_and_spoils_nothing_when_it_thaws(make_service, redis, receiver, store, folder):
    first = make_service().start()
    team, key = first.new_team()
    first.add_webhook(key, receiver.url, events=KINDS)
    second = make_service()
    second.log_path = f"{folder}/second.log"
    second.start()
    load = Load(redis, team)
    try:
        load.some_more()
        assert leader(store) == first.process.pid
        first.process.send_signal(signal.SIGSTOP)
        try:
            until(lambda: leader(store) == second.process.pid, "the second to take over")
            load.some_more()
        finally:
            first.process.send_signal(signal.SIGCONT)
        until(lambda: "no longer writes the ledger" in first.log_text(), "the first to notice")
        load.some_more()
        assert leader(store) == second.process.pid
    finally:
        published = load.end()
    expect_the_order_of_the_stream(published, receiver, redis, store)


@contextlib.contextmanager
def busy(store):
    """Another program keeps the store from every commit of the ledger."""
    if store.name == "sqlite":
        with contextlib.closing(sqlite3.connect(store.path, timeout=30, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
        return
    with contextlib.closing(psycopg2.connect(host=store.cluster.folder, user="postgres", dbname=store.database)) as other:
        other.cursor().execute("LOCK TABLE public.audit_logs")
        yield


def wait_for_a_batch(redis, load):
    """While the store is busy, so that the batch stays where it is. One that was committed before is acknowledged meanwhile."""
    load.some_more(20)
    until(lambda: redis.client.xpending("wrenn:events", "wrenn-events-v1")["pending"], "a batch that waits for the store")


def note_leases_given_back(store):
    store.query("CREATE TABLE given_back (owner text)")
    if store.name == "sqlite":
        store.query("CREATE TRIGGER note_lease AFTER DELETE ON ledger_leases BEGIN INSERT INTO given_back VALUES (OLD.owner); END")
        return
    store.query("CREATE FUNCTION note_lease() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "INSERT INTO wrenn_events.given_back VALUES (OLD.owner); RETURN OLD; END $$")
    store.query("CREATE TRIGGER note_lease AFTER DELETE ON ledger_leases FOR EACH ROW EXECUTE FUNCTION note_lease()")


def note_arrivals(receiver):
    """When each delivery came first."""
    arrivals = {}

    def answer(request):
        arrivals.setdefault(request["headers"]["X-Wrenn-Delivery"], time.time())
        return 204

    receiver.answer = answer
    return arrivals


def possible_from(published, held):
    """Since when an event can be stored. `held` has when the store was busy."""
    return next((end for begin, end in held if begin < published < end), published)


def test_an_upgrade_while_the_store_is_busy_hands_the_ledger_over_at_once(make_service, redis, receiver, store, folder, record_property):
    """On one port and under load. Nobody waits for the end of a lease, nor for a delivery that the old process still waits for."""
    running = make_service(WRENN_EVENTS_DRAIN_S="0").start()
    team, key = running.new_team()
    running.add_webhook(key, receiver.url, events=KINDS)
    note_leases_given_back(store)
    arrivals = note_arrivals(receiver)
    port, owners, held = running.port, [], []
    load = Load(redis, team)
    try:
        for generation in range(3):
            load.some_more(100)
            successor = make_service(WRENN_EVENTS_LISTEN=f"127.0.0.1:{port}")
            successor.port, successor.log_path = port, f"{folder}/service-{generation}.log"
            successor.launch()
            successor.wait_for_line("another worker writes the ledger")
            owners += store.query("SELECT owner FROM ledger_leases")[0]
            with busy(store):
                began = time.time()
                before = len(load.published)
                wait_for_a_batch(redis, load)
                running.process.send_signal(signal.SIGTERM)
                running.wait_for_line("stopping")
                until(lambda: len(load.published) > before + 50, "events that wait")
            held.append((began, time.time()))
            until(lambda: leader(store) == successor.process.pid, "the successor to write the ledger")
            assert running.process.wait(timeout=DEADLINE_S) == 0
            running = successor
    finally:
        published = load.end()
    expect_the_order_of_the_stream(published, receiver, redis, store)
    assert store.query("SELECT owner FROM given_back") == [(owner,) for owner in owners]
    late = [arrivals[str(delivery)] - possible_from(int(stream_id.split("-")[0]) / 1000, held)
            for delivery, stream_id in store.query("SELECT id, stream_id FROM deliveries")]
    record_property("measured", f"an event in three upgrades while {store.name} is busy: delivered {max(late):.2f} s after it could be stored, at most")


def test_a_stop_gives_the_ledger_back_before_its_deliveries_end(make_service, redis, receiver, store, folder):
    old = make_service().start()
    team, key = old.new_team()
    old.add_webhook(key, receiver.url, events=KINDS)
    reached, gate = threading.Event(), threading.Event()

    def answer(request):
        reached.set()
        gate.wait()
        return 204

    receiver.answer = answer
    first = redis.publish(make_event(team))
    until(reached.is_set, "a request under way")
    new = make_service()
    new.log_path = f"{folder}/new.log"
    new.start()
    try:
        old.process.send_signal(signal.SIGTERM)
        until(lambda: leader(store) == new.process.pid, "the other to write the ledger")
        second = redis.publish(make_event(team))
        until(lambda: store.query("SELECT stream_id FROM deliveries ORDER BY stream_ms") == [(first,), (second,)], "the next row")
        assert old.process.poll() is None
    finally:
        gate.set()
    assert old.process.wait(timeout=DEADLINE_S) == 0
    until(lambda: len(receiver.requests) == 2, "both webhooks")


def test_a_redis_that_lost_its_progress_gives_again_what_changes_nothing(make_service, redis, receiver, store):
    service = make_service().start()
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)

    def publish(count):
        ids = [redis.publish(make_event(team)) for _ in range(count)]
        until(lambda: redis.has_acknowledged(ids[-1]), "the acknowledgements")
        return ids

    before = publish(5)
    service.stop()
    redis.client.xgroup_setid("wrenn:events", "wrenn-events-v1", "0")
    service.start()
    after = publish(2)
    service.wait_for_line("the consumer group is behind the ledger")
    assert store.query("SELECT stream_id FROM deliveries ORDER BY stream_ms, stream_seq") == [(stream_id,) for stream_id in before + after]
    assert store.query("SELECT count(*) FROM audit_logs WHERE resource_type = 'sandbox'") == [(7,)]
    until(lambda: store.query("SELECT count(*) FROM deliveries WHERE state = 'delivered'") == [(7,)], "every result")
    assert len(receiver.requests) == 7


def put_back(backup, store):
    """Follows docs/operations.md: SQLite would replay the log of the file that was there into this one."""
    for left in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(store.path + left)
    os.replace(backup, store.path)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_orderly_stop_leaves_one_whole_file(make_service, redis, store, folder, workers):
    service = make_service(WRENN_EVENTS_WORKERS=workers).start()
    team, _ = service.new_team()
    # Whoever is the last to close a file empties its log; here that is never the service.
    with contextlib.closing(sqlite3.connect(store.path)) as other:
        other.execute("SELECT count(*) FROM audit_logs").fetchall()
        redis.publish(make_event(team))
        until(lambda: store.query("SELECT count(*) FROM audit_logs WHERE resource_type = 'sandbox'") == [(1,)], "the row")
        assert os.path.getsize(store.path + "-wal") > 0
        service.stop()
        assert os.path.getsize(store.path + "-wal") == 0
        shutil.copy(store.path, f"{folder}/copy.db")
    with contextlib.closing(sqlite3.connect(f"{folder}/copy.db")) as copy:
        assert copy.execute("SELECT count(*) FROM audit_logs WHERE resource_type = 'sandbox'").fetchall() == [(1,)]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_an_older_copy_of_the_store_gets_again_what_it_lacks(make_service, redis, receiver, store, folder):
    service = make_service().start()
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)

    def publish(count):
        ids = [redis.publish(make_event(team)) for _ in range(count)]
        until(lambda: redis.has_acknowledged(ids[-1]), "the acknowledgements")
        return ids

    before = publish(5)
    service.stop()
    shutil.copy(store.path, f"{folder}/backup")
    service.start()
    lost = publish(10)
    service.stop()
    put_back(f"{folder}/backup", store)
    service.start()
    after = publish(3)
    rows = store.query("SELECT stream_id FROM deliveries ORDER BY rowid")
    assert rows == [(stream_id,) for stream_id in before + lost + after]
    assert store.query("SELECT count(*) FROM audit_logs WHERE resource_type = 'sandbox'") == [(18,)]
    service.wait_for_line("the store is behind the consumer group")


def test_an_id_used_again_for_another_event_is_a_dead_letter(service, redis, receiver, store):
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)
    lost = redis.publish(make_event(team))
    until(lambda: len(receiver.requests) == 1, "the first webhook")
    until(lambda: redis.client.xinfo_groups("wrenn:events")[0]["pending"] == 0, "the acknowledgement")
    # As after a failover to a server that lacked the last entry.
    other = json.dumps(make_event(team))
    redis.client.pipeline().delete("wrenn:events").xadd("wrenn:events", {"payload": other}, id=lost).execute()
    letters = until(lambda: redis.client.xrange("wrenn:events:dead"), "the dead letter")
    assert letters[0][1]["id"] == lost and letters[0][1]["payload"] == other
    assert "another event was committed under this id" in letters[0][1]["reason"]
    until(lambda: "another event was committed under this id" in service.log_text(), "the line in the log")
    assert "wrenn_events_ledger_reused_ids_total 1\n" in service.get("/metrics").body.decode()
    assert store.query("SELECT count(*) FROM deliveries") == [(1,)]
