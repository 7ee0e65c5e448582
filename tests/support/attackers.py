# SPDX-License-Identifier: Apache-2.0
"""Teams that use their API keys against all others: what the isolation tests and `make bench` let them do."""
import contextlib
import hashlib
import itertools
import multiprocessing
import os
import socket
import threading
import uuid

from support import id_to_uuid, make_event, new_id


class Attackers:
    """Threads of a process of their own that call `act` again and again, until the block ends."""

    def __init__(self, act, threads=8):
        self.act, self.thread_count = act, threads
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
        except Exception as fault:
            faults.append(fault)

    @property
    def acts(self):
        return self.counter.value

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.process.join()
        assert self.process.exitcode == 0, "an attacker failed, see its traceback"


def reading_audit(service, keys):
    """Filters that no row passes."""
    turns = itertools.cycle(keys)
    return lambda: service.get("/v1/audit-logs?resource_type=nothing", key=next(turns))


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


def making_at_unknown_hosts(service, teams):
    """Whether they are refused depends on WRENN_CHANNELS_ALLOW_PRIVATE; what was made goes again."""
    turns, numbers = itertools.cycle(teams), itertools.count()

    def act():
        (_, key), number = next(turns), next(numbers)
        answer = service.request("POST", "/v1/channels", key=key, body={
            "name": f"nowhere {number}", "provider": "webhook", "config": {"url": f"http://never-{number}.invalid/"},
            "events": ["capsule.create"]})
        if answer.status == 201:
            service.request("DELETE", f"/v1/channels/{answer.json()['id']}", key=key)
    return act


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


def fill_audit_log(store, team, count):
    """Rows of a team in a SQLite store."""
    store.query(f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
                "INSERT INTO audit_logs (id, team_id, actor_type, resource_type, action, scope, status, metadata, created_at) "
                "SELECT printf('00000000-0000-4000-8000-%012d', i), %s, 'user', 'sandbox', 'create', 'team', 'success', '{}', "
                "strftime('%Y-%m-%dT%H:%M:%fZ', 'now') FROM n", id_to_uuid(team))
