# SPDX-License-Identifier: Apache-2.0
"""The tree of a team and the rows of its audit trail are equal, however the service ends."""
import datetime
import hashlib
import hmac
import json
import os
import threading
import uuid

import pytest
from support import id_to_uuid, make_event, new_id, until

pytestmark = pytest.mark.plain_only("kills of a slow program take long; the unit tests of the ledger cover its memory")

KILLS = 20
PERSON = {"type": "user", "id": new_id("usr-"), "name": "Ada"}


class Load:
    """What a user and the system do, each event once, as fast as Redis takes them."""

    def __init__(self, redis, team):
        self.redis, self.team, self.count = redis, team, 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.stop.wait(0.002):
            by_person = self.count % 2 == 0
            self.redis.publish(make_event(self.team, "capsule.destroy", new_id("cl-"), **(
                {"actor": PERSON, "outcome": "error", "error": "no room for Ada"} if by_person
                else {"actor": {"type": "system"}, "metadata": {"reason": "ttl_expired"}})))
            self.count += 1

    def some_more(self, count):
        before = self.count
        until(lambda: self.count >= before + count, "some more load")

    def end(self):
        self.stop.set()
        self.thread.join()


def sha(*pieces):
    return hashlib.sha256(b"".join(pieces)).digest()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def root(hashes):
    if len(hashes) == 1:
        return hashes[0]
    left = 1 << (len(hashes) - 1).bit_length() - 1
    return sha(b"\1", root(hashes[:left]), root(hashes[left:]))


class Trail:
    """One team's tree and rows, as the store has them, hashed again by code that is not the program's code."""

    def __init__(self, store, team):
        self.team = team
        self.number, self.size, self.frontier = store.query(
            "SELECT tree, size, frontier FROM audit_trees WHERE team_id = %s", id_to_uuid(team))[0]
        self.leaves = store.query("SELECT idx, audit_id, hash FROM audit_leaf WHERE tree = %s ORDER BY idx", self.number)
        self.keys = {subject: bytes(key) for subject, key in store.query(
            "SELECT subject, key FROM audit_salts WHERE team_id = %s", id_to_uuid(team))}
        self.rows = {str(row[0]): row for row in store.query(
            "SELECT id, actor_type, actor_id, actor_name, resource_type, resource_id, action, scope, status, metadata, created_at "
            "FROM audit_logs WHERE team_id = %s", id_to_uuid(team))}

    def hash(self, audit_id):
        row_id, actor, actor_id, actor_name, kind, resource, action, scope, status, metadata, at = self.rows[audit_id]
        row_id = new_id("log-", uuid.UUID(str(row_id)))
        metadata = json.loads(metadata) if isinstance(metadata, str) else metadata
        if isinstance(at, datetime.datetime):
            at = at.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        person = actor_id if actor == "user" else ""

        def commit(path, value):
            salt = hmac.digest(self.keys[person], row_id.encode() + b"\0" + path.encode(), "sha256")
            return {"c": hmac.digest(salt, canonical(value), "sha256").hex()}

        columns = {"team_id": self.team, "id": row_id, "created_at": at, "actor_type": actor, "actor_id": actor_id,
                   "actor_name": actor_name, "resource_type": kind, "resource_id": resource, "action": action, "scope": scope,
                   "status": status}
        data = {name: commit(name, value) if person and name in ("actor_id", "actor_name") else value
                for name, value in columns.items() if value}
        if metadata:
            data["metadata"] = {name: commit("metadata." + name, value) if name in ("error", "name", "email") else value
                                for name, value in metadata.items()}
        return sha(b"\0", canonical({**data, "v": 1}))

    def expect_equal(self):
        assert [idx for idx, _, _ in self.leaves] == list(range(self.size))
        assert sorted(str(audit_id) for _, audit_id, _ in self.leaves) == sorted(self.rows)
        assert [bytes(hash) for _, _, hash in self.leaves] == [self.hash(str(audit_id)) for _, audit_id, _ in self.leaves]
        pieces = [bytes(self.frontier)[at:at + 32] for at in range(0, len(self.frontier), 32)]
        joined = pieces.pop()
        while pieces:
            joined = sha(b"\1", pieces.pop(), joined)
        assert joined == root([bytes(hash) for _, _, hash in self.leaves])


def test_a_kill_at_any_point_leaves_tree_and_rows_equal(make_service, redis, receiver, store, tmp_path):
    elsewhere = tmp_path / "checkpoints"  # not there yet
    service = make_service(WRENN_EVENTS_AUDIT_CHECKPOINT_DIR=str(elsewhere)).start()
    team, key = service.new_team()
    load = Load(redis, team)
    try:
        for _ in range(KILLS):
            load.some_more(20)
            service.kill()
            service.start()
            service.add_webhook(key, "http://127.0.0.1:9/")  # a row that waits for the ledger
    finally:
        load.end()
    wanted = load.count + KILLS
    until(lambda: store.query("SELECT coalesce(max(size), 0) FROM audit_trees") == [(wanted,)], "every row to be a leaf")
    Trail(store, team).expect_equal()

    assert "audit.checkpoint" not in str(redis.client.xrange("wrenn:events")), "no channel wants them"
    service.add_webhook(key, receiver.url, events=["audit.checkpoint"])
    wanted += 1  # the row about it
    service.kill()
    store.query("UPDATE store_facts SET value = '2026-01-01T00:00:00Z' WHERE name = 'audit_round'")  # hours ago
    service.start()
    until(lambda: service.get("/v1/audit-logs/checkpoint", key=key).json().get("size") == wanted, "the hourly checkpoint")
    newest = service.get("/v1/audit-logs/checkpoint", key=key).json()
    (signer,) = service.get("/v1/audit-logs/key", key=key).json()["items"]
    origin = signer["key"].split("+")[0]
    assert newest["note"].split("\n")[:2] == [f"{origin}/audit/{team}", str(wanted)]
    assert newest["size"] == wanted and f"\n\n\u2014 {origin} " in newest["note"]
    until(lambda: "checkpoint of an audit log" in service.log_text(), "the line in the log")
    until(lambda: newest["note"] in [json.loads(request["body"])["metadata"]["note"] for request in list(receiver.requests)],
          "the checkpoint to reach the channel")
    assert os.stat(f"{service.folder}/data/audit-signing.key").st_mode & 0o777 == 0o600

    until(lambda: "cannot write a checkpoint" in service.log_text(), "the folder that is missing")
    service.kill()
    elsewhere.mkdir()
    service.start()
    left = elsewhere / f"{team}-{wanted}.note"
    until(left.exists, "the checkpoint that the kill kept on the host")
    assert left.read_text() == newest["note"]
    until(lambda: store.query("SELECT size FROM audit_published") == [(wanted,)], "the store to know that it has left")
