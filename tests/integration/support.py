# SPDX-License-Identifier: Apache-2.0
"""The real things the tests run against: Redis, PostgreSQL, the service, a webhook receiver and
a Server-Sent-Events client. Everything listens on a socket in a temporary folder or on a free port of
127.0.0.1, and is stopped by its pid. Waiting is always for a condition, with a deadline."""
import collections
import datetime
import glob
import http.client
import http.server
import itertools
import json
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import uuid

import psycopg2
import redis
from described import check_status
from leaks import collector

PROGRAM = os.environ["WRENN_EVENTS_PROGRAM"]
KEY = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
DEADLINE_S = 240  # nobody waits that long, except on a machine with far too much to do


def until(condition, what="the condition", deadline_s=DEADLINE_S):
    """Returns the first true result of condition(); fails when it stays false."""
    end = time.monotonic() + deadline_s
    pause = threading.Event()
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline_s} s for {what}")
        pause.wait(0.02)


def need_open_files(count):
    """Lets this process, and what it starts from now on, open so many files, or says what is in the way."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= count:
        return
    assert hard == resource.RLIM_INFINITY or hard >= count, \
        f"this test needs {count} open files, and the hard limit is {hard}; `ulimit -Hn` shows it, an administrator raises it"
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def new_id(prefix, value=None):
    """A public id: prefix and the UUID as 25 base-36 digits, written without the program's code."""
    number = (value or uuid.uuid4()).int
    digits = ""
    for _ in range(25):
        number, digit = divmod(number, 36)
        digits = DIGITS[digit] + digits
    return prefix + digits


def id_to_uuid(text):
    number = 0
    for digit in text.split("-", 1)[1]:
        number = number * 36 + DIGITS.index(digit)
    return uuid.UUID(int=number)


# Below the ephemeral ports. Two flavours may be tested side by side, each by several processes, and each process has its own
# 500: the service listens with SO_REUSEPORT, so two tests on one port would not notice each other.
PORTS = 500
FIRST_PORT = int(os.environ.get("WRENN_TEST_FIRST_PORT", "20000")) + PORTS * int(os.environ.get("PYTEST_XDIST_WORKER", "gw11").removeprefix("gw"))
ports = itertools.cycle(range(FIRST_PORT, FIRST_PORT + PORTS))


def free_port():
    for port in ports:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Redis:
    """A private server that keeps its data over a restart."""

    def __init__(self, folder, *arguments):
        self.folder = folder
        self.arguments = arguments
        self.socket = f"{folder}/redis.sock"
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", self.folder,
             "--appendonly", "yes", "--appendfsync", "no", "--save", "",
             "--logfile", f"{self.folder}/redis.log", *self.arguments])
        self.client = redis.Redis(unix_socket_path=self.socket, decode_responses=True)
        until(self.answers, "Redis to answer")

    def answers(self):
        try:
            return self.client.ping()
        except redis.RedisError:
            return False

    @property
    def url(self):
        return f"unix://{self.socket}"

    def stop(self, how=signal.SIGTERM):
        self.client.close()
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait()

    def publish(self, event):
        """XADD and PUBLISH as the control plane does (contract a.2); returns the stream id."""
        text = event if isinstance(event, str) else json.dumps(event, separators=(",", ":"))
        stream_id = self.client.xadd("wrenn:events", {"payload": text}, maxlen=10000)
        self.client.publish("wrenn:sse", text)
        return stream_id

    def has_acknowledged(self, last):
        """The group has read up to this entry, and nothing is pending. Both from one answer: the entry may be read between two."""
        groups = self.client.xinfo_groups("wrenn:events")
        return groups and groups[0]["last-delivered-id"] == last and groups[0]["pending"] == 0


class Postgres:
    """A private cluster; each test gets a database of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.as_user = []
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(folder, "postgres")
            self.as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        subprocess.run([*self.as_user, f"{self.bin}/initdb", "-D", f"{folder}/data", "-A", "trust",
                        "-U", "postgres", "-N", "-E", "UTF8", "--locale=C.UTF-8"],
                       check=True, stdout=subprocess.DEVNULL, cwd=folder)
        self.start()

    def start(self):
        self._ctl("-w", "-l", f"{self.folder}/server.log", "-o",
                  f"-k {self.folder} -c listen_addresses='' -c fsync=off", "start")

    def stop(self, mode="immediate"):
        self._ctl("-m", mode, "stop")

    def _ctl(self, *arguments):
        subprocess.run([*self.as_user, f"{self.bin}/pg_ctl", "-D", f"{self.folder}/data", "-s", *arguments],
                       check=True, cwd=self.folder)

    def create_database(self):
        name = "test_" + uuid.uuid4().hex
        connection = psycopg2.connect(host=self.folder, user="postgres", dbname="postgres")
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {name} STRATEGY file_copy")
        connection.close()
        return name


class SqliteStore:
    name = "sqlite"

    def __init__(self, folder):
        self.path = f"{folder}/events.db"
        self.url = f"sqlite:{self.path}"

    def query(self, sql, *values):
        connection = sqlite3.connect(self.path, timeout=30)
        try:
            rows = connection.execute(sql.replace("%s", "?"), [str(v) if isinstance(v, uuid.UUID) else v for v in values]).fetchall()
            connection.commit()
            return rows
        finally:
            connection.close()


class PostgresStore:
    name = "postgres"

    def __init__(self, cluster, database=None):
        self.cluster = cluster
        self.database = database or cluster.create_database()
        self.url = f"postgres:///{self.database}?host={cluster.folder}&user=postgres"
        self.connection = None

    def query(self, sql, *values):
        """Keeps one connection, as a new one costs more than most statements. Each statement is a transaction."""
        try:
            return self.run(sql, values)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            if not self.connection or not self.connection.closed:
                raise
            return self.run(sql, values)  # the server was restarted, or has ended our session

    def run(self, sql, values):
        if not self.connection or self.connection.closed:
            self.connection = psycopg2.connect(host=self.cluster.folder, user="postgres", dbname=self.database,
                                               options="-c search_path=wrenn_events,public -c timezone=UTC")
            self.connection.autocommit = True
        cursor = self.connection.cursor()
        cursor.execute(sql, [str(v) if isinstance(v, uuid.UUID) else v for v in values])
        return cursor.fetchall() if cursor.description else []


def fake_clock():
    """Settings of a service that has its time from Debian's libfaketime."""
    return {"LD_PRELOAD": glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")[0], "NO_FAKE_STAT": "1"}


def fast_clock(speed):
    """Settings with which all clocks of a service run `speed` times as fast."""
    return {**fake_clock(), "FAKETIME": f"+0 x{speed}"}


class Clock:
    """The wall clock of the services it is given to; the monotonic one stays as it is. Others see nothing of it."""

    def __init__(self, folder):
        self.path = f"{folder}/clock"
        self.set(0)

    @property
    def settings(self):
        return {**fake_clock(), "FAKETIME_TIMESTAMP_FILE": self.path, "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def set(self, ahead_s):
        """Sets the clock this many seconds ahead of the machine's clock, from the next look at it."""
        with open(self.path + ".new", "w") as file:
            file.write(f"{ahead_s:+d}\n")
        os.replace(self.path + ".new", self.path)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Service:
    """The program itself, as `serve`, on a free port."""

    launched = []  # those of the running test

    def __init__(self, folder, redis_url, store_url, **settings):
        self.folder = folder
        self.port = free_port()
        self.log_path = f"{folder}/service.log"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("WRENN_EVENTS_") and k != "DATABASE_URL"},
            "DATABASE_URL": store_url,
            "REDIS_URL": redis_url,
            "WRENN_ENCRYPTION_KEY": KEY,
            "WRENN_CHANNELS_ALLOW_PRIVATE": "true",
            "WRENN_EVENTS_LISTEN": f"127.0.0.1:{self.port}",
            "WRENN_EVENTS_DATA_DIR": f"{folder}/data",
            "WRENN_EVENTS_CLAIM_IDLE_S": "1",
            **settings,
        }
        self.process = None
        self.must_run = False
        self.prefix = os.environ.get("RUN_SERVICE_BY", "").split()  # a command that runs the program
        self.arguments = []  # of `serve`
        self.descriptors = []  # that the program inherits

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def launch(self):
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen([*self.prefix, PROGRAM, "serve", *self.arguments], env=self.environment, stderr=self.log,
                                        stdout=self.log, pass_fds=self.descriptors)
        self.must_run = True
        if self not in Service.launched:
            Service.launched.append(self)

    def loss(self):
        """What to say when it ended and the test neither asked it to nor killed it; nothing while it runs."""
        if not self.must_run or self.process.poll() is None:
            return ""
        code = self.process.returncode
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return f"the service on port {self.port} ended by itself {how}; the end of its log:\n{self.log_text()[-2000:]}"

    def start(self):
        self.launch()
        until(self.is_ready, "the service to be ready")
        return self

    def is_ready(self):
        assert not self.loss(), self.loss()
        return self.answers()

    def answers(self):
        try:
            return self.get("/readyz").status == 200
        except OSError:
            return False

    def log_text(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()

    def wait_for_line(self, text):
        """A thread writes the log, so a line may come after what it tells of."""
        until(lambda: text in self.log_text(), f"{text!r} in the log")

    def kill(self):
        self.must_run = False
        self.process.kill()
        self.process.wait()
        for left in glob.glob(f"/dev/shm/*faketime_*_{self.process.pid}"):  # what libfaketime had no time to remove
            os.unlink(left)

    def tell_collector(self):
        """All it said and stored so far is looked through after the last test."""
        collector.learn("the encryption key", KEY)
        if os.path.exists(self.log_path):
            collector.hear_file("log", self.log_path)
        path = self.environment["DATABASE_URL"].removeprefix("sqlite:")
        for suffix in ("", "-wal"):
            collector.hear_file("store" + suffix, path + suffix)

    def stop(self):
        """Ends it in order; an unclean end fails the test."""
        try:
            self.end()
        finally:
            self.tell_collector()

    def end(self):
        if self.process is None or self.process.poll() is not None:
            assert not self.loss() or self.process.returncode >= 0, self.loss()
            return
        try:
            collector.hear("metrics", self.get("/metrics").body)
        except OSError:
            pass  # it may be hung or have its port closed on purpose
        if self.environment.get("FAKETIME", "").startswith("+0 x") and float(self.environment["FAKETIME"][4:]) > 1:
            return self.kill()  # an orderly end would have 1.5 s of real time, too little under load
        self.must_run = False
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=DEADLINE_S)
        assert code == 0, f"exit code {code}: " + self.log_text()[-2000:]

    def run(self, *arguments, stdin=None, environment=None, timeout=DEADLINE_S):
        return subprocess.run([PROGRAM, *arguments], env={**self.environment, "WRENN_BASE_URL": self.url, **(environment or {})},
                              input=stdin, capture_output=True, text=True, timeout=timeout)

    def new_team(self):
        """(team id, API key), made by the command line on SQLite, by the tables on PostgreSQL."""
        team = self.run("teams", "create", "--name", "Test").stdout.strip()
        key = self.run("keys", "create", "--team", team, "--name", "test").stdout.strip()
        assert re.fullmatch("wrn_[0-9a-f]{32}", key), (team, key)
        return team, key

    def request(self, method, path, body=None, key=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            fields = dict(headers or {})
            if key:
                fields["X-API-Key"] = key
            parsed = body
            if body is not None and not isinstance(body, (bytes, str)):
                body = json.dumps(body)
                fields.setdefault("Content-Type", "application/json")
            connection.request(method, path, body, fields)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
            self.remember(method, path, parsed, key, answer)
            check_status(method, path, answer.status)
            return answer
        finally:
            connection.close()

    @staticmethod
    def remember(method, path, body, key, answer):
        collector.learn("an API key", key)
        if isinstance(body, dict):
            collector.learn_config(body.get("config"))
        said = answer.body
        if method == "POST" and path == "/v1/channels" and answer.status == 201:
            shown_once = answer.json()  # the one place where a secret may be shown
            collector.learn("a webhook's secret", shown_once.pop("secret", None))
            said = json.dumps(shown_once)
        collector.hear(f"{method} {path} {answer.status}", f"{answer.headers}\n".encode() + (said if isinstance(said, bytes) else said.encode()))

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def add_webhook(self, key, url, events=("capsule.create", "capsule.destroy", "capsule.pause"), name=None):
        return self.add_channel(key, "webhook", {"url": url}, events, name or "hook-" + uuid.uuid4().hex[:8])

    def add_channel(self, key, provider, config, events=("capsule.create", "capsule.destroy", "capsule.pause"), name=None):
        answer = self.request("POST", "/v1/channels", key=key, body={
            "name": name or f"{provider}-{uuid.uuid4().hex[:8]}", "provider": provider,
            "config": config, "events": list(events)})
        assert answer.status == 201, answer.body
        return answer.json()


Frame = collections.namedtuple("Frame", "id event data")


class Stream:
    """An EventSource written from the standard's text, on a raw socket: records every frame."""

    def __init__(self, service, key, query="", last_id=None, path="/v1/events/stream", headers=()):
        self.frames = []
        self.comments = []
        self.retry = None
        self.ended = threading.Event()
        self.socket = socket.create_connection(("127.0.0.1", service.port), timeout=DEADLINE_S)
        lines = [f"GET {path}{query} HTTP/1.1", "Host: localhost", *headers]
        if key:
            lines.append(f"X-API-Key: {key}")
        if last_id:
            lines.append(f"Last-Event-ID: {last_id}")
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = http.client.parse_headers(self.file)
        self.thread = threading.Thread(target=self._read, daemon=True)
        if self.status == 200:
            self.thread.start()

    def _chunks(self):
        while True:
            size = int(self.file.readline() or b"0", 16)
            if size == 0:
                return
            data = self.file.read(size)
            if len(data) < size or self.file.read(2) != b"\r\n":
                return
            yield data

    def _read(self):
        rest = b""
        try:
            for chunk in self._chunks():
                rest += chunk
                while b"\n\n" in rest:
                    block, rest = rest.split(b"\n\n", 1)
                    self._take(block.decode())
        except (OSError, ValueError):
            pass
        self.ended.set()

    def _take(self, block):
        fields = {}
        for line in block.split("\n"):
            if line.startswith(":"):
                self.comments.append(line[1:].strip())
                continue
            name, _, value = line.partition(": ")
            assert name in ("id", "event", "data", "retry"), block
            fields[name] = value
        if "retry" in fields:
            self.retry = int(fields["retry"])
        if fields:
            data = json.loads(fields["data"]) if "data" in fields else None
            self.frames.append(Frame(fields.get("id"), fields.get("event"), data))

    def events(self):
        return [f for f in list(self.frames) if f.event not in (None, "connected")]

    def connected(self):
        return until(lambda: [f for f in list(self.frames) if f.event == "connected"], "the connected frame")[0]

    def wait_for(self, count, deadline_s=DEADLINE_S):
        until(lambda: len(self.events()) >= count or self.ended.is_set(), f"{count} events", deadline_s)
        return self.events()

    def last_id(self):
        ids = [f.id for f in list(self.frames) if f.id]
        return ids[-1] if ids else None

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.file.close()
        self.socket.close()


class Receiver:
    """A webhook's far end: keeps every request, answers 204 or what `answer` says."""

    def __init__(self):
        self.requests = []
        self.answer = lambda request: 204
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                request = {"path": self.path, "headers": dict(self.headers), "body": body}
                status = receiver.answer(request)
                receiver.requests.append({**request, "status": status})
                self.send_response(status)
                if status != 204:
                    self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/hook"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def ask_for_snapshot(store, team, name, ago_s):
    """The row that the control plane writes when somebody asks for a snapshot."""
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=ago_s)
    store.query("INSERT INTO audit_logs (id, team_id, actor_type, actor_name, resource_type, resource_id, action, scope, status, metadata, created_at)"
                " VALUES (%s, %s, 'user', 'Ada', 'snapshot', %s, 'create', 'team', 'success', '{}', %s)",
                uuid.uuid4(), id_to_uuid(team), name, at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


def make_event(team, kind="capsule.create", resource=None, actor=None, outcome="success", metadata=None, error=None):
    """An event in the member order of contract a.3."""
    types = {"capsule": "sandbox", "template": "snapshot", "host": "host"}
    event = {"event": kind}
    if outcome:
        event["outcome"] = outcome
    event["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    event["team_id"] = team
    event["actor"] = actor or {"type": "user", "id": new_id("usr-"), "name": "Ada"}
    event["resource"] = {"id": resource or new_id("cl-"), "type": types[kind.split(".")[0]]}
    if metadata:
        event["metadata"] = metadata
    if error:
        event["error"] = error
    return event
