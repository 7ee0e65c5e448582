# SPDX-License-Identifier: Apache-2.0
"""Two machines on one Redis and one PostgreSQL: one of them loses one of these or freezes, while the other goes on."""
import json
import signal
import threading
import uuid

import pytest
from destinations import slack
from machines import Machine
from support import Stream, make_event, new_id, until
from test_doctor import pooler
from test_ledger import leader, pid_of

pytestmark = [pytest.mark.parametrize("store", ["postgres"], indirect=True),
              pytest.mark.plain_only("what each machine does runs with sanitizers in other tests")]


@pytest.fixture
def machines(folder, redis, store):
    both = [Machine(f"{folder}/{name}", redis, store) for name in ("one", "two")]
    for machine in both:
        machine.service.start()
    yield both
    for machine in both:
        machine.close()


def first_with(pid, machines):
    """Who has a lease comes first."""
    return sorted(machines, key=lambda machine: machine.service.process.pid != pid)


class Feed:
    """Events of one team that go to a webhook and to streams."""

    def __init__(self, redis, receiver, team):
        self.redis, self.receiver, self.team = redis, receiver, team
        self.ids, self.capsules = [], []

    def publish(self, count):
        for _ in range(count):
            self.capsules.append(new_id("cl-"))
            self.ids.append(self.redis.publish(make_event(self.team, resource=self.capsules[-1])))

    def publish_together(self, count):
        """In one transaction, so that they are read together."""
        self.capsules += [new_id("cl-") for _ in range(count)]
        pipeline = self.redis.client.pipeline()
        for capsule in self.capsules[-count:]:
            text = json.dumps(make_event(self.team, resource=capsule))
            pipeline.xadd("wrenn:events", {"payload": text})
            pipeline.publish("wrenn:sse", text)
        self.ids += pipeline.execute()[::2]

    def hold_back(self, number):
        """The destination answers the event of this number when the gate is set; after that, at once."""
        gate = threading.Event()
        gate.reached = threading.Event()

        def answer(request):
            if json.loads(request["body"])["resource"]["id"] == self.capsules[number] and not gate.reached.is_set():
                gate.reached.set()
                gate.wait()
            return 204

        self.receiver.answer = answer
        return gate

    def wait_for_rows(self, store):
        until(lambda: store.query("SELECT count(*) FROM deliveries") == [(len(self.ids),)], "every row")

    def arrived(self):
        """What came to the webhook, repetitions included."""
        return [json.loads(request["body"])["resource"]["id"] for request in list(self.receiver.requests)]

    def expect_all(self):
        """The only channel sends one at a time. So what was under way when a machine failed comes twice, or three times if it
        was too slow to be answered in time before."""
        until(lambda: set(self.arrived()) >= set(self.capsules), "every delivery")
        found = self.arrived()
        assert list(dict.fromkeys(found)) == self.capsules
        assert len(found) <= len(self.capsules) + 2

    def expect_live(self, stream):
        assert [frame.id for frame in stream.wait_for(len(self.ids))] == self.ids


def expire_leases(store):
    """As if the leases had run out."""
    store.query("UPDATE ledger_leases SET expires_at = expires_at - interval '1 hour' RETURNING owner")
    store.query("UPDATE channel_state SET lease_until = '2020-01-01T00:00:00.000000Z' WHERE lease_until IS NOT NULL RETURNING channel_id")


def test_a_machine_that_loses_redis_tells_its_clients_and_leaves_the_ledger_to_the_other(machines, redis, receiver, store):
    until(lambda: leader(store), "a leader")
    one, two = first_with(leader(store), machines)
    team, key = two.service.new_team()
    one.service.add_webhook(key, receiver.url)
    streams = [Stream(machine.service, key) for machine in (one, two)]
    for stream in streams:
        stream.connected()
    feed = Feed(redis, receiver, team)
    feed.publish(3)
    feed.expect_all()
    one.redis.cut(is_silent=False)
    until(lambda: "source lost" in streams[0].comments, "the clients to hear of it")
    until(lambda: "redis" in one.readiness(), "readiness to say so")
    feed.publish(5)
    until(lambda: leader(store) == two.service.process.pid, "the other to write the ledger")
    feed.expect_all()
    feed.expect_live(streams[1])
    until(lambda: two.readiness() == "ready", "the other to be ready")
    one.redis.mend()
    feed.expect_live(streams[0])
    until(lambda: "source back" in streams[0].comments and one.readiness() == "ready", "the machine to be back")
    feed.publish(3)
    feed.expect_all()
    for stream in streams:
        feed.expect_live(stream)
        stream.close()


def test_a_machine_that_loses_its_database_stays_live_and_sends_nothing_that_it_cannot_store(machines, redis, receiver, store):
    team, key = machines[0].service.new_team()
    machines[0].service.add_webhook(key, receiver.url)
    streams = {machine: Stream(machine.service, key) for machine in machines}
    for stream in streams.values():
        stream.connected()
    feed = Feed(redis, receiver, team)
    gate = feed.hold_back(3)
    feed.publish(8)
    feed.wait_for_rows(store)
    until(lambda: gate.reached.is_set(), "a request under way")
    [(holder,)] = store.query("SELECT lease_owner FROM channel_state WHERE lease_owner IS NOT NULL AND channel_id <> %s", uuid.UUID(int=0))
    one, two = first_with(int(holder.rsplit("-", 2)[1]), machines)
    one.database.cut()
    gate.set()
    until(lambda: "store" in one.readiness(), "readiness to say so")
    store.query("UPDATE ledger_leases SET expires_at = expires_at - interval '1 hour' RETURNING owner")
    until(lambda: leader(store) == two.service.process.pid, "the other to write the ledger")
    feed.publish(3)
    feed.wait_for_rows(store)
    feed.expect_live(streams[one])
    one.database.mend()
    feed.expect_all()
    until(lambda: one.readiness() == "ready", "the machine to be back")
    until(lambda: store.query("SELECT DISTINCT state FROM deliveries") == [("delivered",)], "every result")
    for stream in streams.values():
        stream.close()


def note_writers(store):
    """Whoever tries to store the ledger's position leaves the name of its machine and who has the lease, whether the row changes or not."""
    store.query("CREATE TABLE writers (machine text, leader text)")
    store.query("CREATE FUNCTION note_writer() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "INSERT INTO wrenn_events.writers SELECT current_setting('application_name'), owner FROM wrenn_events.ledger_leases; RETURN NEW; END $$")
    store.query("CREATE TRIGGER note_writer BEFORE INSERT ON positions FOR EACH ROW EXECUTE FUNCTION note_writer()")


@pytest.mark.parametrize("batches", [(5,), (1, 4)], ids=["and-a-read-under-way", "and-no-read"])
def test_a_machine_that_freezes_with_a_batch_in_hand_writes_nothing_when_it_thaws(machines, redis, receiver, store, batches):
    until(lambda: leader(store), "a leader")
    one, two = first_with(leader(store), machines)
    note_writers(store)
    team, key = two.service.new_team()
    two.service.add_webhook(key, receiver.url)
    streams = [Stream(machine.service, key) for machine in (one, two)]
    for stream in streams:
        stream.connected()
    feed = Feed(redis, receiver, team)
    one.database.cut()
    for count in batches:  # two are the most that it holds: then it reads no further
        feed.publish_together(count)
        until(lambda: redis.client.xpending("wrenn:events", "wrenn-events-v1")["pending"] == len(feed.ids), "the leader to read the batch")
    until(one.database.holds.is_set, "the leader to ask the database")
    one.service.process.send_signal(signal.SIGSTOP)
    try:
        expire_leases(store)
        until(lambda: leader(store) == two.service.process.pid, "the other to write the ledger")
        feed.publish(5)
        feed.wait_for_rows(store)
        until(lambda: len(feed.arrived()) >= len(feed.ids), "every delivery")
    finally:
        one.database.go_on()
        one.service.process.send_signal(signal.SIGCONT)
    until(lambda: "this worker no longer writes the ledger" in one.service.log_text(), "the first to notice")
    feed.publish(3)
    feed.wait_for_rows(store)
    until(lambda: len(feed.arrived()) >= len(feed.ids), "every delivery")
    for stream in streams:
        feed.expect_live(stream)
        stream.close()
    leaders = {machine.name: machine.service.process.pid for machine in machines}
    writers = store.query("SELECT machine, leader FROM writers")
    assert writers and all(pid_of(owner) == leaders[machine] for machine, owner in writers), (writers, leaders)
    until(lambda: store.query("SELECT DISTINCT state FROM deliveries") == [("delivered",)], "every result")
    assert list(dict.fromkeys(feed.arrived())) == feed.capsules
    assert len(feed.arrived()) <= store.query("SELECT sum(attempts) FROM deliveries")[0][0], "nobody sends what another sent"
    assert store.query("SELECT count(*) FROM audit_logs WHERE resource_type = 'sandbox'") == [(len(feed.ids),)]


def test_a_pause_that_one_machine_was_asked_for_binds_the_other(make_service, redis, origins, fake):
    first, second = (make_service(**origins).start() for _ in range(2))
    until(lambda: redis.client.pubsub_numsub("wrenn:events:wake") == [("wrenn:events:wake", 2)], "both to listen")
    _, key = first.new_team()
    destination = slack()
    channel = first.add_channel(key, "slack", destination.config)
    health = lambda service: service.get(f"/v1/channels/{channel['id']}/health", key=key).json()
    test = lambda service: service.request("POST", "/v1/channels/test", key=key, body={"provider": "slack", "config": destination.config})
    fake.script({"destination": destination.name, "status": 429, "headers": {"Retry-After": "600"}, "hint_s": 600})
    assert test(first).status == 502
    until(lambda: "rate_limited" in health(second), "the other to hear of it")
    refused = test(second)
    assert refused.status == 429 and int(refused.headers["Retry-After"]) > 500
    assert len(fake.arrived(destination.name)) == 1


def test_two_workers_share_their_work_through_a_pooler_in_session_mode(make_service, redis, receiver, store, folder, cluster):
    with pooler(folder, cluster, "session") as path:
        through = f"postgres:///{store.database}?host={path}&port=6432&user=postgres"
        first, second = (make_service(DATABASE_URL=through).start() for _ in range(2))
        team, key = second.new_team()
        second.add_webhook(key, receiver.url)
        feed = Feed(redis, receiver, team)
        feed.publish(5)
        feed.expect_all()
        first.kill()
        feed.publish(5)
        until(lambda: leader(store) == second.process.pid, "the other to write the ledger")
        expire_leases(store)
        feed.expect_all()
        second.stop()
