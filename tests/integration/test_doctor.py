# SPDX-License-Identifier: Apache-2.0
"""`doctor` against servers that are set up wrongly: it names each trouble, and what to do."""
import contextlib
import json
import os
import resource
import sqlite3
import subprocess

import psycopg2
import pytest
from support import KEY, PROGRAM, fake_clock, free_port, until

pytestmark = pytest.mark.plain_only("one look at each server; nothing of it serves clients")


def findings(service, code, host="none", **settings):
    result = service.run("doctor", "--json", "--host", host, environment=settings)
    assert result.returncode == code, result
    return {found["check"]: found for found in json.loads(result.stdout)}


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_doctor_finds_nothing_wrong_and_then_each_wrong_setting_of_redis(make_service, redis, folder):
    service = make_service().start()
    service.stop()
    healthy = findings(service, 0)
    ours = {name: found for name, found in healthy.items() if name not in ("open files", "free disk")}  # the machine's
    assert {found["result"] for found in ours.values()} == {"ok"} and len(healthy) >= 11, healthy
    assert not any("remedy" in found for found in ours.values())
    assert healthy["redis role"]["text"] == "master, 0 replicas" and "resolver" not in healthy and "database pooling" not in healthy
    named = findings(service, 0, host="localhost")
    assert named["resolver"]["result"] == "ok" and "localhost has" in named["resolver"]["text"] and "outgoing TLS" in named
    unknown = findings(service, 0, host="no-such-host.invalid")
    assert unknown["resolver"]["result"] == "warning" and "resolv.conf" in unknown["resolver"]["remedy"] and "outgoing TLS" not in unknown
    redis.client.config_set("maxmemory", "100mb")
    redis.client.config_set("maxmemory-policy", "allkeys-lru")
    redis.client.config_set("timeout", "60")
    redis.client.config_set("appendonly", "no")
    ill = findings(service, 1)
    assert ill["redis maxmemory"]["result"] == "fault" and "noeviction" in ill["redis maxmemory"]["remedy"]
    assert ill["redis timeout"]["result"] == "warning" and "timeout 0" in ill["redis timeout"]["remedy"]
    assert ill["redis persistence"]["result"] == "warning" and "appendonly yes" in ill["redis persistence"]["remedy"]
    redis.client.xgroup_destroy("wrenn:events", "wrenn-events-v1")
    assert findings(service, 1)["consumer group"]["result"] == "warning"
    redis.client.xgroup_create("wrenn:events", "wrenn-events-v1-old", id="0")
    assert "does not exist" in findings(service, 1)["consumer group"]["text"], "another group, whose name begins like ours"
    ids = [redis.client.xadd("wrenn:events", {"x": "y"}) for _ in range(3)]
    redis.client.xgroup_create("wrenn:events", "wrenn-events-v1", id=ids[1])
    unknown = findings(service, 1)["consumer group"]
    assert unknown["result"] == "warning" and "unknown" in unknown["text"], "Redis does not count from the middle of a stream"
    redis.client.delete("wrenn:events")
    assert findings(service, 1)["consumer group"]["result"] == "warning"
    text = service.run("doctor", "--host", "none")
    assert text.returncode == 1 and any(line.startswith("fault   redis maxmemory") for line in text.stdout.splitlines())


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_doctor_names_a_replica_a_wrong_key_and_the_programs_on_the_port(make_service, redis, store, folder):
    service = make_service().start()
    team, key = service.new_team()
    service.add_webhook(key, "http://127.0.0.1:9/")
    taken = findings(service, 0)["port"]
    assert taken["result"] == "warning" and "wrenn-events" in taken["text"]
    service.stop()
    wrong = findings(service, 1, WRENN_ENCRYPTION_KEY="ab" * 32)["encryption key"]
    assert wrong["result"] == "fault" and "ab" * 8 not in str(wrong)
    store.query("ALTER TABLE store_facts RENAME TO elsewhere")
    unread = findings(service, 0)["encryption key"]
    assert unread["result"] == "warning" and "cannot compare" in unread["text"]
    store.query("ALTER TABLE elsewhere RENAME TO store_facts")
    port = free_port()
    redis.client.config_set("bind", "127.0.0.1")
    redis.client.config_set("port", str(port))
    redis.client.replicaof("127.0.0.1", str(free_port()))
    replica = findings(service, 1)["redis"]
    assert replica["result"] == "fault" and "replica" in replica["text"] and "redis+sentinel" in replica["remedy"]
    gone = findings(service, 1, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert gone["redis"]["result"] == "fault" and "redis version" not in gone


def has_remedy(found, words):
    return found["result"] == "warning" and words in found["remedy"]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_doctor_names_an_open_key_few_open_files_and_a_long_log(make_service, store, folder):
    service = make_service().start()
    service.stop()
    key_file = f"{folder}/key"
    with open(key_file, "w") as file:
        file.write(KEY)
    os.chmod(key_file, 0o644)
    secret = {"WRENN_ENCRYPTION_KEY": "", "WRENN_ENCRYPTION_KEY_FILE": key_file}
    assert has_remedy(findings(service, 0, **secret)["key file"], "chmod 600")
    os.chmod(key_file, 0o600)
    assert "key file" not in findings(service, 0, **secret)
    few = subprocess.run([PROGRAM, "doctor", "--json", "--host", "none"], env=service.environment, capture_output=True, text=True,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)))
    assert has_remedy(next(found for found in json.loads(few.stdout) if found["check"] == "open files"), "LimitNOFILE"), few
    with contextlib.closing(sqlite3.connect(store.path)) as reader:
        reader.execute("SELECT count(*) FROM deliveries").fetchall()
        os.truncate(store.path + "-wal", 2 << 30)  # takes no room
        assert has_remedy(findings(service, 0)["write-ahead log"], "read the store")


def test_doctor_names_a_clock_that_is_off(make_service, store):
    service = make_service().start()
    service.stop()
    late = findings(service, 0, **fake_clock(), FAKETIME="+3600")
    for name in ("redis clock", "database clock") if store.name == "postgres" else ("redis clock",):
        assert has_remedy(late[name], "NTP") and int(late[name]["text"].split()[0]) >= 3599, late


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_doctor_names_the_grant_that_is_missing(make_service, store, cluster):
    service = make_service().start()
    service.stop()
    healthy = findings(service, 0)
    assert healthy["database"]["result"] == "ok" and healthy["database clock"]["result"] == "ok"
    role = "reader_" + store.database
    with psycopg2.connect(host=cluster.folder, user="postgres", dbname=store.database) as connection:
        connection.cursor().execute(f"CREATE ROLE {role} LOGIN")
    ill = findings(service, 1, DATABASE_URL=store.url.replace("postgres@", f"{role}@").replace("user=postgres", f"user={role}"))
    assert ill["database"]["result"] == "fault" and "GRANT" in ill["database"]["text"], ill
    assert findings(service, 1, DATABASE_URL=f"postgres://nobody@127.0.0.1:{free_port()}/none")["database"]["result"] == "fault"


@contextlib.contextmanager
def pooler(folder, cluster, mode):
    """PgBouncer before the cluster; the address of its socket."""
    path = f"{folder}/pooler-{mode}"
    os.mkdir(path)
    with open(f"{path}/pgbouncer.ini", "w") as settings:
        settings.write(f"[databases]\n* = host={cluster.folder} user=postgres\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = {path}\n"
                       f"listen_port = 6432\nauth_type = any\npool_mode = {mode}\nlogfile = {path}/log\n")
    os.chmod(folder, 0o755)
    os.chmod(path, 0o777)
    user = ["-u", "postgres"] if os.getuid() == 0 else []
    process = subprocess.Popen(["/usr/sbin/pgbouncer", "-q", *user, f"{path}/pgbouncer.ini"])
    try:
        until(lambda: os.path.exists(f"{path}/.s.PGSQL.6432"), "the pooler")
        yield path
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_doctor_names_the_pooling_mode_of_the_database(make_service, store, folder, cluster):
    service = make_service().start()
    service.stop()
    assert findings(service, 0)["database pooling"]["text"] == "none"
    with pooler(folder, cluster, "session") as path:
        url = f"postgres:///{store.database}?host={path}&port=6432&user=postgres"
        assert findings(service, 0, DATABASE_URL=url)["database pooling"]["text"] == "a pooler in session mode"
    with pooler(folder, cluster, "transaction") as path:
        ill = findings(service, 1, DATABASE_URL=f"postgres:///{store.database}?host={path}&port=6432&user=postgres")
        assert ill["database"]["result"] == "fault" and "pool_mode=session" in ill["database"]["text"], ill
