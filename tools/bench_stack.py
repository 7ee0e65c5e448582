# SPDX-License-Identifier: Apache-2.0
"""What a service needs, for `make bench`: Redis, a store and one worker or two, all private, and the CPU of them all."""
import json
import os
import pathlib
import shutil
import tempfile
import time

from attackers import add_teams
from bench_servers import cpu_us
from support import Postgres, PostgresStore, Redis, Service, SqliteStore, make_event, until

STORES = os.environ.get("STORES", "sqlite,postgres").split(",")


class SafePostgres(Postgres):
    """Unlike the tests' server it syncs every commit to disk."""

    def start(self):
        self._ctl("-w", "-l", f"{self.folder}/server.log", "-o", f"-k {self.folder} -c listen_addresses=''", "start")

    @property
    def pid(self):
        return int((pathlib.Path(self.folder) / "data/postmaster.pid").read_text().split()[0])


def tree_us(pid):
    """Microseconds of a process, its children, and the children that have ended."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    ended = (int(stat[13]) + int(stat[14])) * 1e6 / os.sysconf("SC_CLK_TCK")
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return cpu_us(pid) + ended + sum(cpu_us(child) for child in children)


class Stack:
    """Context manager: starts everything, calling prepare(service) before each service starts; stops and removes it on exit."""

    def __init__(self, store, workers=1, prepare=lambda service: None, **settings):
        self.kind, self.workers, self.prepare, self.settings = store, workers, prepare, settings

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="wrenn-bench-")
        self.redis = Redis(self.folder)
        self.cluster = None
        if self.kind == "postgres":
            place = f"{self.folder}/postgres"
            os.chmod(self.folder, 0o755)
            os.mkdir(place)
            self.cluster = SafePostgres(place)
        self.store = PostgresStore(self.cluster) if self.cluster else SqliteStore(self.folder)
        self.services = []
        for number in range(self.workers):
            place = f"{self.folder}/worker-{number}"
            os.mkdir(place)
            self.services.append(Service(place, self.redis.url, self.store.url, **self.settings))
            self.prepare(self.services[-1])
        self.start()
        return self

    @property
    def service(self):
        return self.services[0]

    def start(self):
        for service in self.services:
            service.start()

    def end(self):
        for service in self.services:
            service.end()

    def __exit__(self, *_):
        for service in self.services:
            if service.process and service.process.poll() is None:
                service.kill()
        self.redis.stop()
        if self.cluster:
            self.cluster.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def cpu(self):
        """Microseconds so far, by program."""
        used = {"service": sum(cpu_us(service.process.pid) for service in self.services), "Redis": cpu_us(self.redis.process.pid)}
        if self.cluster:
            used["PostgreSQL"] = tree_us(self.cluster.pid)
        return used

    def publish(self, teams, count):
        """`count` events to each team, each with the time it left at."""
        pipe = self.redis.client.pipeline(transaction=False)
        for _ in range(count):
            for team in teams:
                event = make_event(team, metadata={"sent_us": str(time.time_ns() // 1000)})
                pipe.xadd("wrenn:events", {"payload": json.dumps(event, separators=(",", ":"))})
        pipe.execute()

    def take_in(self):
        """Waits until every event is in the ledger."""
        group = lambda: self.redis.client.xinfo_groups("wrenn:events")[0]
        until(lambda: group()["lag"] == 0 and group()["pending"] == 0, "the ledger", 300)

    def deliver_all(self):
        """Waits until the result of every delivery is stored."""
        self.take_in()
        until(lambda: self.store.query("SELECT count(*) FROM deliveries WHERE state = 'pending'")[0][0] == 0, "the results", 300)

    def add_teams(self, count):
        """(team id, API key) of new teams, put into the store as the command line does."""
        return add_teams(self.store, count)


def show_cpu(used, digits=1):
    """Formats the CPU time of each program, and the sum. `used` maps program to us."""
    parts = ", ".join(f"{name} {us:.{digits}f}" for name, us in used.items())
    return f"{sum(used.values()):.{digits}f} us ({parts})"


def per(used, before, count):
    return {name: (used[name] - before[name]) / count for name in used}
