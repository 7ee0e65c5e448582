# SPDX-License-Identifier: Apache-2.0
"""The command line as a person and a script use it."""
import json
import os
import subprocess
import threading

import pytest
from support import DEADLINE_S, PROGRAM, PostgresStore, Stream, free_port, make_event, new_id, until


def test_the_program_explains_itself_and_wrong_use_is_exit_2(service):
    for arguments in (["--help"], ["help"], ["--version"]):
        result = service.run(*arguments)
        assert result.returncode == 0 and result.stdout and not result.stderr, arguments
    for arguments in ([], ["nonsense"], ["serve", "extra"], ["serve", "--nonsense"], ["publish"], ["publish", "capsule.create"],
                      ["wait"], ["keys"], ["keys", "nonsense"], ["keys", "create"], ["keys", "create", "--team", "team-1", "--name", "x"],
                      ["wait", "capsule.create", "--timeout", "soon"], ["tail", "extra"],
                      ["console", "extra"], ["console", "--api-key", "k", "--event", "host.*"]):
        result = service.run(*arguments)
        assert result.returncode == 2 and result.stderr and not result.stdout, arguments


def test_bad_settings_stop_the_start_each_with_a_line(service):
    result = service.run("serve", "--check", environment={
        "WRENN_ENCRYPTION_KEY": "x" * 64, "WRENN_EVENTS_LISTEN": "nowhere", "WRENN_EVENTS_WORKERS": "-1", "WRENN_EVENTS_AUDIT": "some",
        "WRENN_EVENTS_KEEPALIVE_S": "never", "WRENN_EVENTS_NONSENSE": "1", "REDIS_URL": "http://x", "DATABASE_URL": "mysql://x"})
    assert result.returncode == 2
    for name in ("WRENN_ENCRYPTION_KEY", "WRENN_EVENTS_LISTEN", "WRENN_EVENTS_WORKERS", "WRENN_EVENTS_AUDIT",
                 "WRENN_EVENTS_KEEPALIVE_S", "WRENN_EVENTS_NONSENSE", "REDIS_URL", "DATABASE_URL"):
        assert len([line for line in result.stderr.splitlines() if line.startswith(name + ":")]) == 1, (name, result.stderr)
    assert "xxxx" not in result.stderr
    assert service.run("serve", "--check").returncode == 0


def test_publish_prints_the_id_and_the_event_is_the_contracts_json(service, redis):
    team, _ = service.new_team()
    capsule, user = new_id("cl-"), new_id("usr-")
    result = service.run("publish", "capsule.pause", "--team", team, "--resource", capsule, "--outcome", "error", "--error", "no host",
                         "--reason", "pause_failed", "--actor", "user", "--actor-id", user, "--actor-name", "Ada", "--metadata", "a=b=c")
    assert result.returncode == 0, result.stderr
    entry = redis.client.xrange("wrenn:events", result.stdout.strip(), result.stdout.strip())[0]
    event = json.loads(entry[1]["payload"])
    assert list(event) == ["event", "outcome", "timestamp", "team_id", "actor", "resource", "metadata", "error"]
    assert event["actor"] == {"type": "user", "id": user, "name": "Ada"}
    assert event["metadata"] == {"a": "b=c", "reason": "pause_failed"}
    assert " " not in entry[1]["payload"].replace("no host", "")


def test_publish_of_lines_stops_at_the_first_bad_one_and_names_it(service, redis, folder):
    team, _ = service.new_team()
    lines = [json.dumps(make_event(team)) for _ in range(3)]
    result = service.run("publish", "-", stdin="\n".join([lines[0], lines[1], "{not json", lines[2]]) + "\n")
    assert result.returncode == 2
    assert "line 3" in result.stderr
    assert len(result.stdout.split()) == 2
    assert redis.client.xlen("wrenn:events") == 2
    with open(f"{folder}/lines", "w") as file:
        file.write("\n".join(lines))
    result = service.run("publish", "--file", f"{folder}/lines")
    assert result.returncode == 0 and len(result.stdout.split()) == 3
    as_json = service.run("publish", "-", "--json", stdin="\n".join(lines[:2]))
    assert [json.loads(line) for line in as_json.stdout.splitlines()] == [{"id": entry[0]} for entry in redis.client.xrange("wrenn:events")[-2:]]
    for kind, team_id in (("capsule.created", team), ("capsule.create", "team-zzz"), ("capsule.create", "cl-" + "0" * 25)):
        assert service.run("publish", kind, "--team", team_id, "--resource", new_id("cl-")).returncode == 2
    assert redis.client.xlen("wrenn:events") == 7


def test_tail_prints_json_lines_and_resumes_after_a_restart(make_service, redis):
    service = make_service().start()
    team, key = service.new_team()
    marker = redis.publish(make_event(team))
    tail = subprocess.Popen([PROGRAM, "tail", "--since", "earliest", "--count", "20"], stdout=subprocess.PIPE, text=True,
                            env={**service.environment, "WRENN_BASE_URL": service.url, "WRENN_API_KEY": key})
    assert json.loads(tail.stdout.readline())["team_id"] == team and marker
    service.kill()
    sent = [make_event(team) for _ in range(19)]
    for event in sent:
        redis.publish(event)
    service.start()
    lines = [json.loads(tail.stdout.readline()) for _ in range(19)]
    assert [line["resource"]["id"] for line in lines] == [event["resource"]["id"] for event in sent]
    assert tail.wait(timeout=DEADLINE_S) == 0


def test_tail_and_wait_refuse_a_wrong_key_at_once(service):
    for arguments in (["tail"], ["wait", "capsule.create"]):
        result = service.run(*arguments, environment={"WRENN_API_KEY": "wrn_" + "0" * 32})
        assert result.returncode == 3 and "401" in result.stderr, result
        assert "wrn_" not in result.stderr


def test_wait_ends_with_the_outcome_whichever_comes_first(service, redis):
    team, key = service.new_team()
    mine = {"WRENN_API_KEY": key}
    system = {"type": "system"}
    redis.publish(make_event(team, "template.snapshot.create", "early", actor=system))
    result = service.run("wait", "template.snapshot.create", "--resource", "early", "--since", "1m", environment=mine)
    assert result.returncode == 0 and json.loads(result.stdout)["resource"]["id"] == "early" and json.loads(result.stdout)["id"]
    timer = threading.Timer(0.3, lambda: redis.publish(make_event(
        team, "template.snapshot.create", "late", actor=system, outcome="error", error="disk full", metadata={"reason": "snapshot_failed"})))
    timer.start()
    result = service.run("wait", "template.snapshot.create", "--resource", "late", "--since", "1m", environment=mine)
    assert result.returncode == 1
    assert "snapshot_failed" in result.stderr and "disk full" in result.stderr
    result = service.run("wait", "template.snapshot.create", "--resource", "never", "--timeout", "1s", environment=mine)
    assert result.returncode == 124


def test_keys_are_listed_without_the_key_and_a_revoked_one_stops_working(service):
    team, key = service.new_team()
    assert service.get("/v1/channels", key=key).status == 200
    listing = service.run("keys", "list").stdout
    line = next(line for line in listing.splitlines() if key[:10] in line)
    assert key not in listing and team in line
    assert service.run("keys", "revoke", line.split("\t")[0]).returncode == 0
    assert service.get("/v1/channels", key=key).status == 401
    assert Stream(service, key).status == 401
    again = service.run("keys", "revoke", line.split("\t")[0])
    assert again.returncode == 1 and "no such key" in again.stderr, again
    assert service.run("keys", "revoke", "key-1").returncode == 2


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_a_team_that_is_not_there_is_exit_1(service):
    """The embedded store adds it."""
    for command in (["keys", "create"], ["sessions", "create", "--role", "owner"]):
        unknown, malformed = (service.run(*command, "--team", team, "--name", "x") for team in (new_id("team-"), "team-1"))
        assert unknown.returncode == 1 and "there is no team team-" in unknown.stderr and not unknown.stdout, unknown
        assert malformed.returncode == 2 and "expected team-" in malformed.stderr, malformed


def test_two_workers_share_the_port_and_the_work(make_service, redis, receiver, store):
    service = make_service(WRENN_EVENTS_WORKERS="2").start()
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)
    streams = [Stream(service, key) for _ in range(8)]
    for stream in streams:
        stream.connected()
    ids = [redis.publish(make_event(team)) for _ in range(200)]
    for stream in streams:
        assert [f.id for f in stream.wait_for(200)] == ids
        stream.close()
    until(lambda: store.query("SELECT count(*) FROM deliveries WHERE state = 'delivered'") == [(200,)], "all deliveries")
    assert len(receiver.requests) == 200
    assert [c["name"] for c in redis.client.xinfo_consumers("wrenn:events", "wrenn-events-v1")] == ["ledger"]
    metrics = service.get("/metrics").body.decode()
    assert "wrenn_events_" in metrics


def test_commands_name_the_store_and_never_make_one(service, folder):
    """In another folder the same settings mean another store, in which nobody would look."""
    team, _ = service.new_team()
    listed = service.run("teams", "list")
    assert [line.split("\t")[:2] for line in listed.stdout.splitlines() if line.startswith(team)] == [[team, "Test"]]
    assert listed.stderr.startswith("store: ") and "postgres://" not in listed.stderr
    empty = f"{folder}/empty"
    os.mkdir(empty)
    there = {"DATABASE_URL": "", "WRENN_EVENTS_DATA_DIR": ""}
    for command in (["teams", "list"], ["teams", "create", "--name", "x"], ["keys", "list"], ["keys", "create", "--team", team, "--name", "x"],
                    ["keys", "revoke", new_id("key-")], ["sessions", "create", "--team", team, "--name", "x", "--role", "owner"]):
        result = subprocess.run([PROGRAM, *command], cwd=empty, env={**service.environment, **there}, capture_output=True, text=True, timeout=DEADLINE_S)
        assert result.returncode == 2 and not result.stdout, result
        assert f"{empty}/var/wrenn-events.db: there is no store yet;" in result.stderr
        assert os.listdir(empty) == []


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_commands_make_no_schema_in_another_database(service, cluster):
    other = PostgresStore(cluster)
    result = service.run("keys", "list", environment={"DATABASE_URL": other.url})
    assert result.returncode == 2, result
    assert f"the PostgreSQL database {other.database} on {cluster.folder}: there is no store yet;" in result.stderr
    assert other.query("SELECT count(*) FROM pg_namespace WHERE nspname = 'wrenn_events'") == [(0,)]


@pytest.mark.plain_only("one request of a command")
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_health_says_ready_not_ready_or_not_there(service, redis):
    def says(code, *arguments):
        """The first answer with this code: a busy machine may take longer than the command waits."""
        def ask():
            result = service.run("health", *arguments)
            return result if result.returncode == code else None
        return until(ask, f"exit code {code}")

    ready = says(0)
    assert (ready.stdout, ready.stderr) == ('{"status":"ready"}\n', "")
    redis.stop()
    away = says(1)
    assert not away.stdout and "redis" in away.stderr
    assert says(0, "--live").stdout == '{"status":"ok"}\n'
    redis.start()
    nobody = says(3, "--url", f"http://127.0.0.1:{free_port()}")
    assert not nobody.stdout and "does not answer" in nobody.stderr


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_keys_teams_and_sessions_print_json_too(service):
    def said(*arguments):
        result = service.run(*arguments, "--json")
        assert result.returncode == 0, result
        return [json.loads(line) for line in result.stdout.splitlines()]

    team, = said("teams", "create", "--name", "A \"team\"")
    listed = {each["id"]: each for each in said("teams", "list")}
    assert set(listed[team["id"]]) == {"id", "name", "created_at"} and listed[team["id"]]["name"] == "A \"team\""
    key, = said("keys", "create", "--team", team["id"], "--name", "ci")
    row, = [each for each in said("keys", "list") if each["id"] == key["id"]]
    assert (row["team_id"], row["name"], row["last_used_at"]) == (team["id"], "ci", None) and key["key"].startswith(row["prefix"])
    session, = said("sessions", "create", "--team", team["id"], "--name", "Ada", "--role", "owner")
    assert set(session) == {"wrenn_sid", "wrenn_csrf"}
    for typed, meant in (("creat", "create"), ("lst", "list"), ("revok", "revoke")):
        assert f"did you mean {meant}?" in service.run("keys", typed).stderr
