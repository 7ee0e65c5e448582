# SPDX-License-Identifier: Apache-2.0
"""Backups of the SQLite store while events are written, cut short, and restored."""
import json
import os
import sqlite3
import stat
import subprocess
import threading

import pytest
from support import PROGRAM, make_event, until

pytestmark = [pytest.mark.parametrize("store", ["sqlite"], indirect=True),
              pytest.mark.plain_only("one process that copies a file")]


class Load:
    """Publishes until it is stopped."""

    def __init__(self, redis, team):
        self.redis, self.team, self.sent, self.stopped = redis, team, [], threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopped.wait(0.002):
            self.sent.append(self.redis.publish(make_event(self.team)))

    def stop(self):
        self.stopped.set()
        self.thread.join()


def rows(path):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute("SELECT count(*) FROM audit_logs").fetchone()[0]


def test_a_backup_under_load_is_whole_private_and_restores_with_what_comes_again(make_service, redis, store, folder, receiver):
    receiver.answer = lambda request: 503
    service = make_service().start()
    team, key = service.new_team()
    service.add_webhook(key, receiver.url, events=["capsule.create"])
    load = Load(redis, team)
    until(lambda: store.query("SELECT count(*) FROM audit_logs")[0][0] > 50, "rows under load")
    copy = f"{folder}/copy.db"
    answer = service.run("backup", copy, "--json")
    assert answer.returncode == 0 and json.loads(answer.stdout) == {"file": copy, "bytes": os.path.getsize(copy)}, answer
    assert stat.S_IMODE(os.stat(copy).st_mode) == 0o600 and rows(copy) > 50
    assert not [name for name in os.listdir(folder) if name.startswith("copy.db") and name != "copy.db"]
    refused = service.run("backup", copy)
    assert refused.returncode == 2 and "exists" in refused.stderr
    load.stop()
    until(lambda: store.query("SELECT count(*) FROM audit_logs WHERE resource_type = 'sandbox'") == [(len(load.sent),)], "all rows")
    service.stop()
    refused = service.run("restore", copy)
    assert refused.returncode == 2 and "exists" in refused.stderr
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(store.path + suffix):
            os.rename(store.path + suffix, store.path + ".old" + suffix)
    open(store.path + "-wal", "w").close()
    assert service.run("restore", copy).returncode == 2
    os.unlink(store.path + "-wal")
    restored = service.run("restore", copy, "--json")
    assert restored.returncode == 0, restored
    said = json.loads(restored.stdout)
    pending = store.query("SELECT count(*) FROM deliveries WHERE state = 'pending'")[0][0]
    assert said == {"store": store.path, "pending": pending, "position": store.query("SELECT last_id FROM positions")[0][0]} and pending > 0
    receiver.answer = lambda request: 204
    service.start()
    until(lambda: store.query("SELECT count(*) FROM audit_logs WHERE resource_type = 'sandbox'") == [(len(load.sent),)], "the events since")


def test_a_backup_that_is_killed_under_load_leaves_no_file_of_its_name_and_loses_nothing(make_service, redis, store, folder):
    service = make_service().start()
    service.stop()
    with sqlite3.connect(store.path) as connection:
        connection.execute("CREATE TABLE filler (bytes BLOB)")
        connection.execute("INSERT INTO filler SELECT randomblob(1000000) FROM json_each(?)", [json.dumps(list(range(80)))])
    service.start()
    load = Load(redis, service.new_team()[0])
    until(lambda: store.query("SELECT count(*) FROM audit_logs")[0][0] > 0, "rows under load")
    copy = f"{folder}/copy.db"
    unrelated = f"{folder}/copy.db.part"
    open(unrelated, "w").close()

    def parts():
        return sorted(name for name in os.listdir(folder) if name.startswith("copy.db.") and not name.endswith(".part"))

    def is_cut_short():
        backup = subprocess.Popen([PROGRAM, "backup", copy], env=service.environment, stdout=subprocess.DEVNULL)
        until(lambda: parts() or backup.poll() is not None, "the copy to begin")
        backup.kill()
        if backup.wait() == 0:
            os.unlink(copy)  # it was faster than we
        return backup.returncode != 0

    until(is_cut_short, "a copy that is cut short")
    left = parts()
    assert left and not os.path.exists(copy)
    assert service.run("backup", copy).returncode == 0 and rows(copy) > 0 and parts() == left and os.path.exists(unrelated)
    load.stop()
    until(lambda: store.query("SELECT count(*) FROM audit_logs WHERE resource_type = 'sandbox'") == [(len(load.sent),)], "all rows")


def test_what_is_no_store_is_neither_backed_up_nor_restored(make_service, store, folder):
    service = make_service()
    for nothing in (["backup", f"{folder}/none.db"], ["restore", f"{folder}/missing"]):
        result = service.run(*nothing)
        assert result.returncode == 2 and "o such file" in result.stderr, result
    with open(f"{folder}/text", "w") as file:
        file.write("no database" * 1000)
    with sqlite3.connect(f"{folder}/other.db") as connection:
        connection.execute("CREATE TABLE x (y)")
    for name in ("text", "other.db"):
        result = service.run("restore", f"{folder}/{name}")
        assert result.returncode == 1 and not os.path.exists(store.path), result
    postgres = service.run("backup", f"{folder}/pg", environment={"DATABASE_URL": "postgres://localhost/x"})
    assert postgres.returncode == 2 and "pg_dump" in postgres.stderr
