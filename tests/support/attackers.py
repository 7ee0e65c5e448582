# SPDX-License-Identifier: Apache-2.0
"""Teams that use their API keys against all others: what the isolation tests and `make bench` let them do."""
import contextlib
import fcntl
import hashlib
import http.client
import itertools
import multiprocessing
import os
import pathlib
import resource
import socket
import subprocess
import threading
import uuid

from support import id_to_uuid, make_event, new_id, until
from terminals import SHOWN, obeyed, on_a_terminal

NETWORK = pathlib.Path(__file__).resolve().parent.parent / "integration/bad_network.c"
CALLERS = 16  # more than a queue of length 0 takes
SHORT_SECRETS = ("a", "fifteen-letters", "whsec_", "whsec_c2hvcnQ=")


class BadNetwork:
    """bad_network.c says what is wrong with it. Look-ups of names below silent.test get no answer until the end."""

    def __init__(self, folder):
        self.asked, self.library = pathlib.Path(folder) / "asked", pathlib.Path(folder) / "network.so"
        self.lock = open(self.asked, "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        subprocess.run(["cc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", self.library, NETWORK], check=True)

    def settings(self, others=()):
        """Environment for a service: `others` plus the preloaded library."""
        preloaded = [dict(others).get("LD_PRELOAD"), str(self.library)]
        return {**dict(others), "LD_PRELOAD": ":".join(filter(None, preloaded)), "SILENT_WHILE": str(self.asked)}

    def count(self):
        """Look-ups so far."""
        return self.asked.stat().st_size

    def end(self):
        fcntl.flock(self.lock, fcntl.LOCK_UN)
        self.lock.close()


@contextlib.contextmanager
def swallowed_packets(port=0):
    """Nobody answers a handshake at the first address of names below deaf.test. The block gets the port."""
    with contextlib.ExitStack() as opened:
        listener = opened.enter_context(socket.socket())
        listener.bind(("127.0.0.9", port))
        listener.listen(0)
        for _ in range(CALLERS):
            caller = opened.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


class Attackers:
    """Threads of a process of their own that call `act` again and again, until the block ends, or each of them once."""

    def __init__(self, act, threads=8, once=False):
        self.act, self.thread_count, self.once = act, threads, once
        self.ending, self.counter = multiprocessing.Event(), multiprocessing.Value("Q", 0)
        self.process = multiprocessing.Process(target=self._run, daemon=True)

    def _run(self):
        os.nice(10)  # they would be another machine's
        faults = []
        threads = [threading.Thread(target=self._act, args=(faults,)) for _ in range(self.thread_count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if faults:
            raise faults[0]

    def _act(self, faults):
        try:
            while not faults and not self.ending.is_set():
                self.act()
                with self.counter.get_lock():
                    self.counter.value += 1
                if self.once:
                    return
        except Exception as fault:
            faults.append(fault)

    @property
    def acts(self):
        return self.counter.value

    def wait_for_acts(self, count=1):
        until(lambda: self.acts >= count or not self.process.is_alive(), "the others to act")

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.process.join()
        assert self.process.exitcode == 0, "an attacker failed, see its traceback"


def reading_audit(service, keys):
    """Filters that no row passes. Each answer is about some of the rows, and says where to go on."""
    turns = itertools.cycle(keys)

    def act():
        page = service.get("/v1/audit-logs?action=nothing", key=next(turns)).json()
        assert page["items"] == [] and page["next_before"], "all rows of a team were read for one request"
    return act


def asking_for_audit(service, keys):
    """Reads audit pages of the maximum size, and ignores failures."""
    turns = itertools.cycle(keys)

    def act():
        with contextlib.suppress(OSError, http.client.HTTPException):
            service.get("/v1/audit-logs?limit=200", key=next(turns))
    return act


def making_and_deleting(service, redis, teams, url, channels=10):
    """Channels that hang at `url`, deleted while their requests are under way."""
    turns = itertools.cycle(teams)

    def act():
        team, key = next(turns)
        made = [service.add_webhook(key, url) for _ in range(channels)]
        redis.publish(make_event(team))
        for channel in made:
            service.request("DELETE", f"/v1/channels/{channel['id']}", key=key)
    return act


def making_at_hosts(service, teams, domain):
    """Channels at names below `domain`. Those that are made go again."""
    turns, numbers = itertools.cycle(teams), itertools.count()

    def act():
        (_, key), number = next(turns), next(numbers)
        answer = service.request("POST", "/v1/channels", key=key, body={
            "name": f"nowhere {number}", "provider": "webhook", "config": {"url": f"http://never-{number}.{domain}/"},
            "events": ["capsule.create"]})
        if answer.status == 201:
            service.request("DELETE", f"/v1/channels/{answer.json()['id']}", key=key)
        return answer.status
    return act


def moving_backlogs(service, key, channels):
    """What was dropped is to be sent again, and is skipped."""
    turns = itertools.cycle(channels)

    def act():
        path = f"/v1/channels/{next(turns)['id']}"
        service.request("POST", f"{path}/recover", key=key, body={"states": ["dropped"], "since": "2000-01-01T00:00:00Z"})
        service.request("POST", f"{path}/enable", key=key, body={"backlog": "skip"})
    return act


def trying_short_secrets(service, keys, url):
    """For new webhooks, and for one that there is."""
    numbers = itertools.count()
    channels = [service.add_webhook(key, url)["id"] for key in keys]

    def act():
        number = next(numbers)
        key, channel = keys[number % len(keys)], channels[number % len(keys)]
        config = {"url": url, "secret": SHORT_SECRETS[number % len(SHORT_SECRETS)]}
        for method, path, body in (("POST", "/v1/channels", {"name": f"short {number}", "provider": "webhook", "events": ["capsule.create"]}),
                                   ("PUT", f"/v1/channels/{channel}/config", {})):
            answer = service.request(method, path, key=key, body={**body, "config": config})
            assert answer.status in (400, 429) and (answer.status == 429 or b"secret" in answer.body), answer.body
    return act


def printing(service, key, count):
    """A team's events on terminals."""
    commands = itertools.cycle([["tail"], ["tail", "--json"]])

    def act():
        seen = on_a_terminal(service, key, *next(commands), "--count", str(count), "--since", "earliest")
        assert seen.count(SHOWN) >= count and not obeyed(seen), (obeyed(seen), seen[-2000:])
    return act


class UnreadLog:
    """A pipe for the log of a service: it has room for the first lines, until it is filled up."""

    def __init__(self, service):
        self.reader, self.writer = os.pipe()
        service.prefix = ["bash", "-c", f'exec "$@" 2>&{self.writer}', "bash"]
        service.descriptors = [self.writer]

    def fill(self):
        os.set_blocking(self.writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self.writer, b"\0" * 4096)
        os.set_blocking(self.writer, True)

    def read_until(self, line, count):
        """Until this is in so many lines."""
        said = b""
        while said.count(line) < count:
            said += os.read(self.reader, 65536)

    def close(self):
        os.close(self.reader)
        os.close(self.writer)


@contextlib.contextmanager
def little_memory(service, more):
    """The service gets at most so many bytes more than it has."""
    pid = service.process.pid
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[0])
    before = resource.prlimit(pid, resource.RLIMIT_AS)
    resource.prlimit(pid, resource.RLIMIT_AS, (pages * resource.getpagesize() + more, before[1]))
    yield
    resource.prlimit(pid, resource.RLIMIT_AS, before)


@contextlib.contextmanager
def idle_connections(service, count):
    """They ask for nothing."""
    with contextlib.ExitStack() as opened:
        for _ in range(count):
            opened.enter_context(socket.create_connection(("127.0.0.1", service.port)))
        yield


def add_teams(store, count):
    """(team id, API key) of new teams, put into the store as the command line does."""
    teams, team_rows, key_rows = [], [], []
    for number in range(count):
        team, key = uuid.uuid4(), "wrn_" + uuid.uuid4().hex
        teams.append((new_id("team-", team), key))
        team_rows += [team, f"Bench {number}", f"bench-{team}"]
        key_rows += [uuid.uuid4(), team, hashlib.sha256(key.encode()).hexdigest(), key[:8]]
    for at in range(0, count, 100):
        some = min(100, count - at)
        store.query("INSERT INTO teams (id, name, slug) VALUES " + ", ".join(["(%s, %s, %s)"] * some), *team_rows[3 * at:3 * (at + some)])
        store.query("INSERT INTO team_api_keys (id, team_id, name, key_hash, key_prefix) VALUES " + ", ".join(["(%s, %s, 'bench', %s, %s)"] * some),
                    *key_rows[4 * at:4 * (at + some)])
    return teams


NEW_UUID = ("lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8' || "
            "substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))")  # in SQLite


def fill_audit_log(store, team, count, metadata="{}"):
    """Rows of a team in a SQLite store."""
    store.query(f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
                "INSERT INTO audit_logs (id, team_id, actor_type, resource_type, action, scope, status, metadata, created_at) "
                f"SELECT {NEW_UUID}, %s, 'user', 'sandbox', 'create', 'team', 'success', %s, "
                "strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM n", id_to_uuid(team), metadata)


def fill_deliveries(store, team, count, state):
    """So many in a SQLite store for each that the team has."""
    ms = "printf('%012x', d.stream_ms - n.i)"
    made = {"id": f"substr({ms}, 1, 8) || '-' || substr({ms}, 9) || '-8' || substr({NEW_UUID}, 16)",
            "created_at": "strftime('%Y-%m-%dT%H:%M:%f000Z', (d.stream_ms - n.i) / 1000.0, 'unixepoch')",
            "stream_ms": "d.stream_ms - n.i", "stream_seq": "0", "stream_id": "(d.stream_ms - n.i) || '-0'", "state": f"'{state}'"}
    columns = [row[1] for row in store.query("PRAGMA table_info(deliveries)")]
    store.query(f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
                f"INSERT INTO deliveries ({', '.join(columns)}) SELECT {', '.join(made.get(column, 'd.' + column) for column in columns)} "
                "FROM deliveries d, n WHERE d.team_id = %s", id_to_uuid(team))
