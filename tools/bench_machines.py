# SPDX-License-Identifier: Apache-2.0
"""Several machines, for docs/scaling.md: 1, 2 and 4 processes on one Redis and one PostgreSQL, and how long the others need
when one of them is killed, freezes, or loses Redis or the database alone."""
import os
import shutil
import signal
import tempfile
import threading
import time
import types

from attackers import add_teams
from bench_deliver import ENDPOINTS, Sink, flat_out
from bench_live import Client, write_teams
from bench_stack import SafePostgres, Stack, per, show_cpu
from bench_table import row
from machines import Machine
from support import PostgresStore, Redis, make_event, until

WORKERS = (1, 2, 4)
LEDGER_EVENTS = 20_000
STREAMS = 1000  # in each process, one of each team
LIVE_EVENTS, LIVE_RATE = 4000, 1000


# ---- 1, 2 and 4 processes ---------------------------------------------------------------------


def wal_bytes(stack):
    return int(stack.store.query("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")[0][0])


def ledger(stack):
    """Events a second, CPU of each, and bytes of PostgreSQL's log, of a team without channels. The other workers stand by."""
    [(team, _)] = stack.add_teams(1)
    stack.take_in()
    before, log, started = stack.cpu(), wal_bytes(stack), time.monotonic()
    stack.publish([team], LEDGER_EVENTS)
    stack.take_in()
    return LEDGER_EVENTS / (time.monotonic() - started), per(stack.cpu(), before, LEDGER_EVENTS), (wal_bytes(stack) - log) / LEDGER_EVENTS


def live(stack):
    """p99 of the first process, and CPU of each event, with STREAMS streams in each process."""
    teams = write_teams(stack.folder, "teams", [(*team, "-") for team in stack.add_teams(STREAMS)])
    servers = [types.SimpleNamespace(name="ours", port=service.port, stream="wrenn:events") for service in stack.services]
    clients = [Client(server, teams, stack.redis, STREAMS, rate=LIVE_RATE, window=5000, events=LIVE_EVENTS) for server in servers]
    stack.take_in()
    before = stack.cpu()
    found = clients[0].load()
    stack.take_in()
    used = per(stack.cpu(), before, LIVE_EVENTS)
    for client in clients:
        client.close()
    return found["p99_ms"], used


def show_size(workers, rounds):
    name = f"{workers} process{'es' if workers > 1 else ''}"
    with Sink() as sink, Stack("postgres", workers) as stack:
        rate, used = flat_out(stack, sink, ENDPOINTS, 30, rounds)
        row(f"{name}: signed webhooks to {ENDPOINTS} endpoints", f"{rate:,.0f} /s", cpu=show_cpu(used), store="postgres")
        rate, used, log = ledger(stack)
        row(f"{name}: events into the ledger", f"{rate:,.0f} /s, {log:,.0f} bytes of WAL each", cpu=show_cpu(used), store="postgres")
        p99, used = live(stack)
        row(f"{name}: {LIVE_RATE:,} events/s, {STREAMS:,} streams in each process, p99", f"{p99:.1f} ms", cpu=show_cpu(used), store="postgres")


# ---- one machine of two fails -------------------------------------------------------------------


class Pair:
    """Two machines. The first has the ledger's lease and that of the only channel."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="wrenn-bench-")
        os.chmod(self.folder, 0o755)
        os.mkdir(f"{self.folder}/pg")
        self.redis, self.cluster, self.sink = Redis(self.folder), SafePostgres(f"{self.folder}/pg"), Sink()
        self.store = PostgresStore(self.cluster)
        self.machines = [Machine(f"{self.folder}/{number}", self.redis, self.store) for number in range(2)]
        self.first.service.start()
        [(self.team, key)] = add_teams(self.store, 1)
        self.first.service.add_webhook(key, self.sink.url(0))
        self.publish()
        self.sink.wait(1)
        until(lambda: "delivered" in self.states(), "the result")
        self.machines[1].service.start()
        return self

    @property
    def first(self):
        return self.machines[0]

    def publish(self):
        self.redis.publish(make_event(self.team, metadata={"sent_us": str(time.time_ns() // 1000)}))  # the sink counts these

    def states(self):
        return [state for state, in self.store.query("SELECT state FROM deliveries")]

    def __exit__(self, *_):
        for machine in self.machines:
            machine.service.kill()
        self.sink.__exit__()
        self.redis.stop()
        self.cluster.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def kill(machine):
    machine.service.kill()


def freeze(machine):
    machine.service.process.send_signal(signal.SIGSTOP)


def lose_redis(machine):
    machine.redis.cut()


def lose_database(machine):
    machine.database.cut()


FAILURES = {"is killed": kill, "freezes, or its machine is gone": freeze, "loses Redis alone": lose_redis, "loses the database alone": lose_database}


def fail_over(fail):
    """Seconds until an event is in the ledger, and until it is delivered."""
    with Pair() as pair:
        fail(pair.first)
        started = time.monotonic()
        pair.publish()
        until(lambda: len(pair.states()) == 2, "the ledger")
        stored = time.monotonic() - started
        pair.sink.wait(2)
        return stored, time.monotonic() - started


def show_failures():
    """All at once: they wait, most of the time."""
    found = {}
    threads = [threading.Thread(target=lambda name=name: found.update({name: fail_over(FAILURES[name])})) for name in FAILURES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in FAILURES:
        stored, delivered = found[name]
        row(f"the process that leads {name}: an event is in the ledger, and delivered", f"{stored:.1f} s, {delivered:.1f} s", store="postgres")


def show_machines(rounds):
    show_failures()
    for workers in WORKERS:
        show_size(workers, rounds)
