# SPDX-License-Identifier: Apache-2.0
"""What the counters of activity cost, for `make bench`: the program's own statement, which changes two rows for a result,
in groups of 25 results of 200 channels, on the store without the program."""
import sqlite3
import time
import uuid

import psycopg2
from bench_stack import STORES, Stack, tree_us
from bench_table import row
from statements import every_statement

RESULTS, GROUP, CHANNELS = 20_000, 25, 200
MINUTE, HOUR = "2026-01-01T00:01:00.000000Z", "2026-01-01T00:00:00.000000Z"


def rows():
    channels = [str(uuid.uuid4()) for _ in range(CHANNELS)]
    return [(channels[number % CHANNELS], 60, MINUTE, 1, 0, 0, 3600, HOUR) for number in range(RESULTS)]


def on_sqlite(stack, sql):
    """Microseconds of CPU for a result: everything in one process."""
    db = sqlite3.connect(stack.store.path, isolation_level=None)
    db.execute("PRAGMA synchronous=NORMAL")
    values = rows()
    before = time.process_time()
    for at in range(0, RESULTS, GROUP):
        db.execute("BEGIN IMMEDIATE")
        db.executemany(sql, values[at:at + GROUP])
        db.execute("COMMIT")
    used = time.process_time() - before
    db.close()
    return used * 1e6 / RESULTS


def on_postgres(stack, sql):
    """Microseconds of PostgreSQL's CPU for a result, with a prepared statement."""
    connection = psycopg2.connect(host=stack.cluster.folder, user="postgres", dbname=stack.store.database, options="-c search_path=wrenn_events,public")
    cursor = connection.cursor()
    cursor.execute("SET synchronous_commit = off")
    cursor.execute(f"PREPARE one AS {sql}")
    values = rows()
    before = tree_us(stack.cluster.pid)
    for at in range(0, RESULTS, GROUP):
        cursor.execute(b";".join(cursor.mogrify("EXECUTE one(%s, %s, %s, %s, %s, %s, %s, %s)", one) for one in values[at:at + GROUP]))
        connection.commit()
    used = tree_us(stack.cluster.pid) - before
    connection.close()
    return used / RESULTS


def show_counters(rounds):
    statement = every_statement()["delivery/activity:add_result"]
    for kind in STORES:
        with Stack(kind) as stack:
            stack.end()
            used = min(on_sqlite(stack, statement.sqlite) if kind == "sqlite" else on_postgres(stack, statement.postgres) for _ in range(rounds))
            row("counters of activity, CPU for a result", f"{used:.1f} us", store=kind)
