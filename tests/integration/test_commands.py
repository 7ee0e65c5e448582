# SPDX-License-Identifier: Apache-2.0
"""`tail` and `wait` as clients of a service that is away, behind a proxy, distrusted, or hostile to a terminal."""
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import time

import pytest
from clients import Listener, read_head
from fakes import make_certificate
from support import DEADLINE_S, PROGRAM, SqliteStore, free_port, make_event, new_id, until
from terminals import SHOWN, hostile_event, obeyed, on_a_terminal

SNAPSHOT = "template.snapshot.create"


@pytest.fixture
def store(folder):
    """One store will do: what the commands see does not come from it."""
    return SqliteStore(folder)


class Front(Listener):
    """A proxy in front of the service, with TLS when it has a certificate. Answers the first requests itself from `answers`, forwards the
    rest, and notes the query of each."""

    def __init__(self, service, answers=(), certificate=None):
        self.service = service
        self.answers = list(answers)
        self.queries = []
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        super().__init__()
        self.url = f"{'https' if certificate else 'http'}://localhost:{self.port}"

    def serve(self, client):
        if self.tls:
            client = self.tls.wrap_socket(client, server_side=True)
        head = read_head(client)
        self.queries.append((time.monotonic(), head.split()[1].decode().partition("?")[2]))
        if self.answers:
            client.sendall(self.answers.pop(0))
            return
        with socket.create_connection(("127.0.0.1", self.service.port)) as server:
            server.sendall(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            while piece := server.recv(65536):
                client.sendall(piece)


@pytest.fixture
def make_front():
    fronts = []

    def make(*arguments, **more):
        fronts.append(Front(*arguments, **more))
        return fronts[-1]

    yield make
    for front in fronts:
        front.close()


class Running:
    """A command under way, with what it said so far."""

    def __init__(self, service, *arguments, **environment):
        self.said = []
        self.process = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env={**service.environment, "WRENN_BASE_URL": service.url, **environment})
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()

    def listen(self):
        for line in self.process.stderr:
            self.said.append(line.strip())

    def wait(self):
        """Its exit code, when all that it said was heard."""
        code = self.process.wait(timeout=DEADLINE_S)
        self.listener.join(DEADLINE_S)
        return code

    def says(self, words):
        until(lambda: any(words in line for line in self.said), f"{words!r} in {self.said}")

    def event(self):
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def run():
    commands = []

    def start(*arguments, **more):
        commands.append(Running(*arguments, **more))
        return commands[-1]

    yield start
    for command in commands:
        command.end()


def answer(status, *fields, body=""):
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}", "Connection: close", "", body]).encode()


def test_the_exit_code_tells_what_went_wrong(service, redis, make_front):
    team, key = service.new_team()
    mine = {"WRENN_API_KEY": key}
    redis.publish(make_event(team, SNAPSHOT, "broken", actor={"type": "system"}, outcome="error", error="disk full"))
    assert service.run("wait", SNAPSHOT, "--since", "60", environment=mine).returncode == 1
    for command in (["wait", "capsule.created"], ["tail", "--event", "capsule.created"]):
        refused = service.run(*command, environment=mine)
        assert refused.returncode == 2 and "capsule.created" in refused.stderr and "capsule.pause, " in refused.stderr, refused
    for command in (["wait", SNAPSHOT], ["tail"]):
        shut_out = service.run(*command, environment={"WRENN_API_KEY": "wrn_" + "0" * 32})
        assert shut_out.returncode == 3 and "401" in shut_out.stderr and service.url in shut_out.stderr, shut_out
    moved = make_front(service, [answer("301 Moved Permanently", "Location: https://elsewhere.example/")])
    redirected = service.run("wait", SNAPSHOT, environment={**mine, "WRENN_BASE_URL": moved.url})
    assert redirected.returncode == 2 and "a redirect to https://elsewhere.example/" in redirected.stderr, redirected
    for command in (["wait", SNAPSHOT], ["tail"]):
        stranger = make_front(service, [answer("200 OK", "Content-Type: text/html", body="<html>hello</html>")])
        page = service.run(*command, environment={**mine, "WRENN_BASE_URL": stranger.url})
        assert page.returncode == 3 and "not wrenn-events" in page.stderr, page
    assert service.run("wait", SNAPSHOT, "--timeout", "1", environment=mine).returncode == 124


def test_what_cannot_be_reached_is_named_with_its_cause(service, make_front, folder, run):
    _, key = service.new_team()
    certificate = make_certificate(folder)
    front = make_front(service, certificate=certificate)
    nobody = f"http://127.0.0.1:{free_port()}"
    for url, cause in ((nobody, "connection refused"), ("http://host.invalid:1", "unknown host")):
        ended = service.run("wait", SNAPSHOT, "--url", url, "--api-key", key, "--timeout", "1s")
        lines = ended.stderr.splitlines()
        assert ended.returncode == 3 and lines[-1] == f"wrenn-events: cannot reach {url}: {cause}", ended
        assert len([line for line in lines if line.endswith(f"{cause}; retrying")]) == 1, lines
        tail = run(service, "tail", WRENN_BASE_URL=url, WRENN_API_KEY=key)
        tail.says(f"cannot reach {url}: {cause}; retrying")
    for command in (["wait", SNAPSHOT], ["tail"]):
        distrusted = service.run(*command, "--url", front.url, "--api-key", key)
        assert distrusted.returncode == 3 and f"{front.url}: bad certificate: self-signed" in distrusted.stderr, distrusted
    trusting = service.run("wait", SNAPSHOT, "--url", front.url, "--api-key", key, "--timeout", "1s", "--cacert", certificate[0])
    assert trusting.returncode == 124, trusting
    run(service, "tail", WRENN_BASE_URL=front.url, WRENN_API_KEY=key, WRENN_EVENTS_CA_FILE=certificate[0]).says("connected to " + front.url)
    missing = service.run("tail", "--api-key", key, "--cacert", f"{folder}/no.pem")
    assert missing.returncode == 2 and f"{folder}/no.pem: no such file" in missing.stderr, missing


def test_publish_says_where_and_ends_with_the_code_of_the_failure(service, redis, folder):
    team, _ = service.new_team()
    event = ["publish", "capsule.create", "--team", team, "--resource", new_id("cl-")]
    done = service.run(*event)
    assert (done.returncode, done.stderr) == (0, f"wrenn-events: published to {redis.url}\n")
    unknown = service.run("publish", "capsule.created", *event[2:])
    assert unknown.returncode == 2 and "capsule.create, capsule.pause, " in unknown.stderr, unknown
    assert service.run("publish", "--file", f"{folder}/none").returncode == 2
    away = service.run(*event, environment={"REDIS_URL": f"redis://127.0.0.1:{free_port()}"})
    assert away.returncode == 3 and "refused" in away.stderr, away
    redis.client.execute_command("ACL", "SETUSER", "default", "-xadd")
    shut_out = service.run(*event)
    redis.client.execute_command("ACL", "SETUSER", "default", "+xadd")
    assert shut_out.returncode == 3 and "NOPERM" in shut_out.stderr, shut_out
    away = service.run("keys", "list", environment={"DATABASE_URL": f"postgres://u@127.0.0.1:{free_port()}/x"})
    assert away.returncode == 3 and away.stderr, away


def test_since_is_the_same_moment_in_every_try_and_then_a_cursor(service, redis, make_front, run):
    team, key = service.new_team()
    busy = answer("503 Service Unavailable", "Retry-After: 2")
    front = make_front(service, [busy, b"", busy])
    wait = run(service, "wait", SNAPSHOT, "--since", "1s", WRENN_BASE_URL=front.url, WRENN_API_KEY=key)
    until(lambda: len(front.queries) >= 5, "the wait to go on")
    began_at = front.queries[0][0] - 1
    for asked_at, query in front.queries[:4]:
        reach_s = int(re.search(r"since=(\d+)s", query)[1])
        assert reach_s >= asked_at - began_at - 0.5, front.queries
    assert "last_event_id=" in front.queries[4][1] and "since" not in front.queries[4][1], front.queries
    assert all(int(re.search(r"timeout=(\d+)", query)[1]) < 55 for _, query in front.queries)
    redis.publish(make_event(team, SNAPSHOT, "base", actor={"type": "system"}))
    assert wait.event()["resource"]["id"] == "base"
    assert wait.process.wait(timeout=DEADLINE_S) == 0
    assert len([line for line in wait.said if "retrying" in line]) == 3, wait.said
    wait.says("answers again")


def test_tail_begins_a_moment_before_it_was_started(make_service, redis, run):
    service = make_service().start()
    team, key = service.new_team()
    service.kill()
    tail = run(service, "tail", WRENN_API_KEY=key)
    tail.says("connection refused; retrying")
    sent = redis.publish(make_event(team))
    service.start()
    assert tail.event()["id"] == sent
    tail.says("connected to " + service.url)
    service.kill()
    tail.says("retrying")
    later = redis.publish(make_event(team))
    service.start()
    assert tail.event()["id"] == later
    tail.says("reconnected")


def test_output_that_cannot_be_written_is_an_error(service, redis):
    team, key = service.new_team()
    redis.publish(make_event(team))
    for command in (["tail", "--since", "earliest"], ["wait", "capsule.create", "--since", "earliest"], ["keys", "list"], ["help"],
                    ["publish", "capsule.create", "--team", team, "--resource", new_id("cl-")]):
        with open("/dev/full", "w") as full:
            ended = subprocess.run([PROGRAM, *command], stdout=full, stderr=subprocess.PIPE, text=True, timeout=DEADLINE_S,
                                   env={**service.environment, "WRENN_BASE_URL": service.url, "WRENN_API_KEY": key})
        assert ended.returncode == 1 and "standard output: no space left on device" in ended.stderr, (command, ended)


def test_a_reader_who_has_gone_ends_the_command_without_a_word(service, redis, run):
    team, key = service.new_team()
    redis.publish(make_event(team))
    tail = run(service, "tail", "--since", "earliest", WRENN_API_KEY=key)
    tail.event()
    tail.process.stdout.close()
    redis.publish(make_event(team))
    assert tail.wait() == -13
    assert tail.said == [f"wrenn-events: connected to {service.url}"]


def test_a_terminal_gets_nothing_of_an_event_that_it_could_obey(service, redis):
    team, key = service.new_team()
    redis.publish(hostile_event(team, SNAPSHOT))
    for command in (["tail", "--count", "1"], ["tail", "--count", "1", "--json"], ["wait", SNAPSHOT]):
        seen = on_a_terminal(service, key, *command, "--since", "earliest")
        assert SHOWN in seen, seen
        assert not obeyed(seen), (command, obeyed(seen))
    lines = on_a_terminal(service, key, "wait", SNAPSHOT, "--since", "earliest").splitlines()
    assert json.loads(lines[0])["error"] == json.loads(service.run("wait", SNAPSHOT, "--since", "earliest", environment={"WRENN_API_KEY": key}).stdout)["error"]


def test_the_key_may_come_from_a_file(service, folder):
    _, key = service.new_team()
    with open(f"{folder}/key", "w") as file:
        file.write(key + "\n")
    assert service.run("wait", SNAPSHOT, "--timeout", "1", "--api-key-file", f"{folder}/key", environment={"WRENN_API_KEY": ""}).returncode == 124
    for path, text, words in (("empty", "", "no API key"), ("two", key + "\nX-Evil: 1", "expected one API key"), ("none", None, "no such file")):
        path = f"{folder}/{path}"
        if text is not None:
            with open(path, "w") as file:
                file.write(text)
        refused = service.run("tail", "--api-key-file", path)
        assert refused.returncode == 2 and words in refused.stderr and key not in refused.stderr, refused


def test_tail_says_when_events_are_gone(service, redis):
    team, key = service.new_team()
    tail = Running(service, "tail", "--json", WRENN_API_KEY=key)
    tail.says("connected")
    first = redis.publish(make_event(team))
    assert tail.event()["id"] == first
    redis.client.flushall()
    redis.publish(make_event(team))
    tail.says("are lost")
    tail.end()


def test_publish_bears_a_pause_of_its_input(service, redis):
    """Longer than a reply may take: Redis is not to blame for it."""
    team, _ = service.new_team()
    line = json.dumps(make_event(team)) + "\n"
    publish = subprocess.Popen([PROGRAM, "publish", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=service.environment)
    publish.stdin.write(line)
    publish.stdin.flush()
    until(lambda: redis.client.xlen("wrenn:events") == 1, "the first event")
    began = time.monotonic()
    until(lambda: time.monotonic() > began + 6, "a pause")
    output, _ = publish.communicate(line, timeout=DEADLINE_S)
    assert publish.returncode == 0 and len(output.split()) == 2
    assert redis.client.xlen("wrenn:events") == 2
