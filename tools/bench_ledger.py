# SPDX-License-Identifier: Apache-2.0
"""The ledger of `make bench`: events in bulk and one by one, beside rows that are only appended."""
import json
import os
import re
import sqlite3
import statistics
import time

import psycopg2
from bench_stack import STORES, Stack, per, show_cpu
from bench_table import ratio, row
from support import make_event, until

EVENTS = 30_000
SINGLE_SECONDS, SINGLE_RATE = 8, 2000
BARE_ROWS, GROUP = 30_000, 500


def bare_rows():
    """A key that only grows, ids as bytes, times as numbers, and the text of an event."""
    return [(at, os.urandom(16), os.urandom(16), 1779598928000000 + at, json.dumps(make_event("team"))) for at in range(BARE_ROWS)]


def bare_sqlite(stack):
    """Microseconds of CPU for a row, with the service's durability."""
    rows = bare_rows()
    path = f"{stack.folder}/bare.db"
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; DROP TABLE IF EXISTS t; "
                     "CREATE TABLE t (at INTEGER PRIMARY KEY, id BLOB, team BLOB, created_us INTEGER, event TEXT)")
    before = time.process_time()
    for at in range(0, len(rows), GROUP):
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows[at:at + GROUP])
        db.execute("COMMIT")
    used = time.process_time() - before
    db.close()
    return used * 1e6 / len(rows)


def bare_postgres(stack):
    rows = bare_rows()
    connection = psycopg2.connect(host=stack.cluster.folder, user="postgres", dbname="postgres")
    cursor = connection.cursor()
    cursor.execute("DROP TABLE IF EXISTS t; CREATE TABLE t (at bigint PRIMARY KEY, id uuid, team uuid, created_us bigint, event text)")
    connection.commit()
    values = [cursor.mogrify("(%s, %s, %s, %s, %s)", (at, one.hex(), two.hex(), us, text)) for at, one, two, us, text in rows]
    before, before_store = time.process_time(), stack.cpu()["PostgreSQL"]
    for at in range(0, len(rows), GROUP):
        cursor.execute(b"INSERT INTO t VALUES " + b",".join(values[at:at + GROUP]))
        connection.commit()
    used = (time.process_time() - before) * 1e6 + stack.cpu()["PostgreSQL"] - before_store
    connection.close()
    return used / len(rows)


def count_of_commits(stack):
    text = stack.service.get("/metrics").body.decode()
    return int(re.search(r"^wrenn_events_ledger_commits_total (\d+)", text, re.M).group(1))


def text_of(team):
    return json.dumps(make_event(team), separators=(",", ":"))


def in_bulk(stack, team):
    """EVENTS entries lie in the stream when the service starts: the rate it drains them at, and CPU of each."""
    stack.end()
    pipe = stack.redis.client.pipeline(transaction=False)
    for _ in range(EVENTS):
        pipe.xadd("wrenn:events", {"payload": text_of(team)})
    pipe.execute()
    stack.service.launch()
    group = lambda: stack.redis.client.xinfo_groups("wrenn:events")[0]
    until(lambda: group()["lag"] < EVENTS, "the first batch", 60)
    first, started, before = group()["lag"], time.monotonic(), stack.cpu()
    stack.take_in()
    elapsed, used = time.monotonic() - started, per(stack.cpu(), before, first)
    until(stack.service.answers, "the service to be ready")
    stack.redis.client.xtrim("wrenn:events", maxlen=0)
    return first / elapsed, used


def add_singly(stack, stream, text, seconds):
    """Adds events one by one at an even pace. How many, and in how many seconds."""
    count, started = int(SINGLE_RATE * seconds), time.monotonic()
    for number in range(count):
        time.sleep(max(0, started + number / SINGLE_RATE - time.monotonic()))
        stack.redis.client.xadd(stream, {"payload": text}, maxlen=10000)
    return count, time.monotonic() - started


def singly(stack, team):
    """The pace, commits a second, and CPU of each event, without what Redis needs to take it in."""
    text = text_of(team)
    before = stack.cpu()["Redis"]
    count, _ = add_singly(stack, "bench:unread", text, 2)
    publisher = (stack.cpu()["Redis"] - before) / count
    before, commits = stack.cpu(), count_of_commits(stack)
    count, elapsed = add_singly(stack, "wrenn:events", text, SINGLE_SECONDS)
    stack.take_in()
    used = per(stack.cpu(), before, count)
    used["Redis"] -= publisher
    return count / elapsed, (count_of_commits(stack) - commits) / elapsed, used


def medians(found):
    """Medians, column by column; the last column is a dictionary."""
    *columns, used = zip(*found)
    return [*map(statistics.median, columns), {name: statistics.median(u[name] for u in used) for name in used[0]}]


def show_ledger(rounds):
    goals = {"sqlite": "0.25", "postgres": "0.5"}
    for kind in STORES:
        with Stack(kind) as stack:
            [(team, _)] = stack.add_teams(1)
            bare = statistics.median((bare_sqlite if kind == "sqlite" else bare_postgres)(stack) for _ in range(rounds))
            rate, used = medians([in_bulk(stack, team) for _ in range(rounds)])
            row("ledger, events in bulk, CPU", f"{sum(used.values()):.1f} us ({rate:,.0f} /s)", f"{bare:.1f} us, rows appended bare",
                ratio(bare, sum(used.values())), goals[kind], show_cpu(used), kind)
            pace, commits, single = medians([singly(stack, team) for _ in range(rounds)])
            row(f"ledger, events one by one at {pace:,.0f}/s ({commits:,.0f} commits/s), CPU", f"{sum(single.values()):.1f} us",
                f"{sum(used.values()):.1f} us, in bulk", ratio(sum(single.values()), sum(used.values())), "at most 1.5", show_cpu(single), kind)
