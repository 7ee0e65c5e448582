# SPDX-License-Identifier: Apache-2.0
"""What grows must not: the plan of every statement of the program, on tables that grow.

PostgreSQL plans by statistics, and between two runs of its autovacuum they may say anything. So each statement runs
with statistics that mislead, planned for its values and planned for any, on tables of two sizes.
"""
import itertools
import math
import re
import sqlite3
import uuid

import psycopg2
import pytest
from statements import ROOT, every_statement, hidden_sql, read_statements

pytestmark = pytest.mark.plain_only("the sanitizers see nothing of a plan")

SMALL, LARGE = 8_000, 24_000
ONE = "11111111-1111-4111-8111-111111111111"  # a team, a channel, a delivery and all else
BEFORE_ONE = "11111111-1111-4111-8111-111111111110"
OTHER = "22222222-2222-4222-8222-222222222222"
BEGIN, MIDDLE, END = "2026-01-01", "2026-06-01", "2027-01-01"

# A few rows for the whole installation; every other table is filled.
FEW = {"audit_keys", "expectation_version", "ledger_leases", "positions", "schema_version", "store_facts"}
LARGEST = ("audit_logs", "deliveries")  # the others have a quarter as many rows

# Read all rows of some kind by their purpose. Each needs a reason.
READS_ALL = {
    "app/admin_status:select_backlog": "an administrator asks: counts what is pending",
    "app/admin_status:select_channels": "an administrator asks: counts what is disabled or paused",
    "app/admin_status:select_workers": "an administrator asks: the owners of all leases",
    "audit/proofs:read_keys": "the keys of the installation: one for each machine, and those that were replaced",
    "expect/waits:move_ends": "after the clock was set: what is expected by then, at most 1,000 rows of a team",
    "expect/waits:select_arrived": "every look: at most 20,000 rows whose Y came, to take the teams in turn",
    "expect/waits:select_due": "every look: at most 20,000 rows that are due, to take the teams in turn",
    "ledger/waiting:read_rows": "every 5 s: the first 100 rows that wait to become leaves",
    "audit/follow:find_marked": "once an hour: users who deleted their account a fortnight ago",
    "audit/forget:find_waiting": "a person is erased: rows of the last seconds, which are no leaves yet",
    "audit/forget:find_waiting_person": "a person is erased: rows of the last seconds, which are no leaves yet",
    "cli/backup:pending": "the command counts what is pending",
    "auth/commands:list_keys": "the command lists all keys",
    "auth/commands:list_teams": "the command lists all teams",
    "delivery/clock:restart_pauses": "at a start and after a clock was set back: the index of times",
    "delivery/expired:find_disabled": "once an hour: channels disabled for 30 days that still have a backlog",
    "delivery/housekeeping:measure": "every 15 s: counts what is pending",
    "delivery/housekeeping:measure_channels": "every 15 s: counts what is disabled or paused",
    "delivery/load:read_beside": "at most once a minute: looks through a channel's due rows for those that failed twice",
    "delivery/transitions:unhold_piece": "an owner changes options: looks through the channel's pending rows for those that are held",
    "delivery/orphans:release": "a worker has died: all its channels, 4,096 at most",
    "delivery/scan:find_due": "steps from channel to channel, over those with pending deliveries",
    "targets/key_check:sample_settings": "at a start: the newest settings of all channels",
    "views/deliveries:select_edge_of_state": "10,000 rows of one state; the rows of a channel if they are said to be all of it",
}

WHAT_TO_DO = "these need an index, a limit, values that fit in VALUES, or a reason in READS_ALL:\n"

# The control plane writes these tables where there is one.
ONLY_EMBEDDED = {"ledger/capsules:store_capsule"}

# Rows that a statement may look at however few there are: bounded walks.
WALKS = {"audit/page:select_edge": 5_001, "delivery/purge:find_end": 1_001, "views/deliveries:select_edge": 10_001,
         "views/health:read_backlog": 10_001, "views/snapshots:select_asked": 5_000}
# Between the page's beginning and this edge lie 2,000 rows.
EDGE = object()

# Parameters that are not what their type says (see by_type()), by number.
VALUES = {
    "audit/page:page_statement": {4: "true", 5: "true", 7: "false", 8: "{rare}", 9: "51", 10: EDGE},
    "audit/page:select_edge": {2: END},
    "audit/rows:insert_row": {1: OTHER},
    "audit/rows:insert_row_once": {1: OTHER, 13: OTHER},
    "auth/command:add_team": {1: OTHER},
    "auth/commands:add_key": {1: OTHER},
    "auth/session_command:add_user": {1: OTHER},
    "auth/session_command:add_member": {1: OTHER},
    "channels/rows:insert_channel": {1: OTHER, 3: "new"},
    "channels/rows_change:find_name": {3: OTHER},
    "delivery/activity:add_result": {1: ONE, 2: "60", 3: END, 4: "1", 5: "1", 6: "1", 7: "3600", 8: END},
    "delivery/cancel:find_channels": {1: "{%s}" % ONE},
    "delivery/fold:insert_digest": {1: OTHER},
    "delivery/transitions:refold": {3: "{%s}" % ONE},
    "delivery/purge:find_end": {1: "00000000-0000-4000-8000-000000000000", 2: "ffffffff-ffff-4fff-8fff-ffffffffffff"},
    "delivery/purge:purge_attempts": {1: BEFORE_ONE},
    "delivery/purge:purge_deliveries": {1: BEFORE_ONE},
    "delivery/scan:find_due": {1: BEFORE_ONE},
    "delivery/transitions:end_turn": {2: "delivered"},
    "delivery/transitions:store_attempt": {1: OTHER},
    "delivery/transitions:hold_rows": {3: "{%s}" % ONE},
    "delivery/transitions:fold": {3: "{%s}" % ONE},
    "delivery/transitions:release_piece": {3: "0", 4: "0"},
    "delivery/transitions:skip_piece": {2: END, 3: "0", 4: "0"},
    "delivery/transitions:requeue_missed": {3: BEGIN, 4: END},
    "delivery/transitions:requeue_failed": {3: BEGIN, 4: END},
    "delivery/transitions:requeue_dropped": {3: BEGIN, 4: END},
    "ledger/delivery_rows:insert_delivery": {1: OTHER},
    "ledger/delivery_rows:insert_delivery_once": {1: OTHER, 13: OTHER},
    "ledger/leaf_rows:add_leaves": {3: "x" * 16, 4: "x" * 32},
    "ledger/retention:drop_rows": {1: "{%s}" % ONE},
    "views/deliveries:select_edge": {2: END, 4: BEGIN},
    "views/deliveries:select_edge_of_state": {2: END, 4: BEGIN, 6: "pending"},
    "views/deliveries:select_page": {2: END, 4: EDGE, 6: "51", 7: "true", 9: "false", 10: "{rare}"},
    "views/snapshots:select_asked": {2: BEGIN},
    "views/deliveries:select_page_of_state": {2: END, 4: EDGE, 6: "pending", 7: "51", 8: "false", 9: "{rare}"},
}

STATES = "(ARRAY['pending', 'delivered', 'failed', 'dropped'])[i % 4 + 1]"
# What a column holds in row i of `rows`. The middle half of the rows belongs to ONE.
COLUMNS = {
    "team_id": f"CASE WHEN i BETWEEN rows / 4 AND rows * 3 / 4 THEN '{ONE}' ELSE md5(i::text)::uuid END",
    "channel_id": f"CASE WHEN i BETWEEN rows / 4 AND rows * 3 / 4 THEN '{ONE}' ELSE md5(i::text)::uuid END",
    "id": f"CASE WHEN i = rows / 2 THEN '{ONE}' ELSE md5(i::text)::uuid END",
    "delivery_id": f"CASE WHEN i = rows / 2 THEN '{ONE}' ELSE md5(i::text)::uuid END",
    "state": STATES, "stream_ms": "i", "stream_seq": "0", "stream_id": "i::text || '-0'",
    "email": "i::text", "slug": "i::text", "name": "i::text", "key_hash": "i::text", "status": "'active'",
    "number": "1", "digest_id": "NULL", "instead_of": "NULL", "requeued_at": "NULL", "deleted_at": "NULL", "first_failed_at": "NULL",
    "disabled_at": "NULL", "lease_owner": "NULL", "event": "'capsule.create'", "scope": "'team'", "config": "'{}'",
    "attempts": "0", "attempts_before": "0", "sandbox_id": "md5(i::text)::uuid", "user_id": "md5(i::text)::uuid",
    "tree": "CASE WHEN i BETWEEN rows / 4 AND rows * 3 / 4 THEN 100 ELSE 1000000 + i END",
    "idx": "i", "n": "i", "size": "i", "subject": "i::text", "resource": "i::text", "rule": "'text'", "step_s": "100",
}


def ones(count):
    """ONE in so many rows, however many there are."""
    return f"CASE WHEN i - rows / 2 BETWEEN 0 AND {count - 1} THEN '{ONE}' ELSE md5(i::text)::uuid END"


# What a team or a channel has a bounded number of.
SPECIAL = {
    ("audit_logs", "resource_type"): "'snapshot'", ("audit_logs", "action"): "'delete'",
    ("audit_trees", "team_id"): ones(1), ("audit_trees", "tree"): "CASE WHEN i = rows / 2 THEN 100 ELSE 1000000 + i END",
    ("audit_published", "tree"): "CASE WHEN i = rows / 2 THEN 100 ELSE 1000000 + i END", ("audit_published", "size"): "0",
    ("channels", "team_id"): ones(50),
    ("channel_state", "channel_id"): ones(1), ("channel_options", "channel_id"): ones(1),
    ("channel_fallbacks", "channel_id"): ones(1), ("channel_fallbacks", "fallback_id"): ones(50),
    ("channel_activity", "channel_id"): ones(900), ("event_activity", "team_id"): ones(900),  # by age
    ("expectation_rules", "team_id"): ones(20), ("expectations", "team_id"): ones(1000),
    ("expectations", "due_ms"): "i % 2",
    ("sessions", "id"): "i::text", ("sessions", "team_id"): "md5(i::text)::uuid",
    ("team_api_keys", "team_id"): "md5(i::text)::uuid", ("users_teams", "team_id"): "md5(i::text)::uuid",
    ("sandboxes", "team_id"): "md5(i::text)::uuid", ("delivery_attempts", "status"): "200",
}
TIME = f"'{MIDDLE}'::timestamptz + i * interval '1 s'"
TYPES = {"uuid": "md5(i::text)::uuid", "text": "'text'", "integer": "1", "bigint": "1", "boolean": "false", "jsonb": "'{}'",
         "bytea": "'x'", "ARRAY": "'{}'", "timestamp with time zone": TIME}


def by_type(kind):
    return {"uuid": ONE, "text": "text", "integer": "100", "bigint": "100", "boolean": "false", "jsonb": "{}", "bytea": "x",
            "text[]": "{text}", "timestamp with time zone": END}[kind]


class Tables:
    """The program's tables in a PostgreSQL database, on a connection with the program's settings."""

    def __init__(self, cluster, template):
        self.database = "plans_" + uuid.uuid4().hex
        admin = psycopg2.connect(host=cluster.folder, user="postgres", dbname="postgres")
        admin.autocommit = True
        admin.cursor().execute(f"CREATE DATABASE {self.database} TEMPLATE {template}")
        admin.close()
        self.connection = psycopg2.connect(host=cluster.folder, user="postgres", dbname=self.database,
                                           options="-c search_path=wrenn_events,public -c timezone=UTC")
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        self.sizes = []
        for setting in planner_settings():
            self.run(setting)
        self.run("SET statement_timeout = '60s'")
        self.run("SET session_replication_role = replica")  # rows of one table do not wait for another's
        names = [name for name, in self.run("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace IN "
                                            "('public'::regnamespace, 'wrenn_events'::regnamespace)")]
        assert FEW <= {*names}
        self.growing = sorted({*names} - FEW)
        for table in self.growing:
            self.run(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")

    def run(self, sql):
        self.cursor.execute(sql)
        return self.cursor.fetchall() if self.cursor.description else []

    def analyze(self):
        self.run("ANALYZE")
        self.sizes = self.run("SELECT oid, relpages, reltuples FROM pg_class WHERE relkind IN ('r', 'i') "
                              "AND relnamespace IN ('public'::regnamespace, 'wrenn_events'::regnamespace)")

    def fill(self, rows, **values):
        """So many rows in each table, instead of what it holds. Statistics stay as they are."""
        self.run("TRUNCATE " + ", ".join(self.growing))
        for oid, pages, tuples in self.sizes:  # TRUNCATE forgets these
            self.run(f"UPDATE pg_class SET relpages = {pages}, reltuples = {tuples} WHERE oid = {oid}")
        self.edge = self.run(f"SELECT ({TIME})::text FROM (SELECT {rows * 3 // 4 - 2000} AS i) AS number")[0][0]
        for table in self.growing:
            rows_here = rows if table in LARGEST else rows // 4
            columns = self.run("SELECT column_name, data_type FROM information_schema.columns WHERE is_generated = 'NEVER' "
                               f"AND table_name = '{table}' AND table_schema IN ('wrenn_events', 'public')")
            names = [name for name, _ in columns]
            made = [values.get(name) or SPECIAL.get((table, name)) or COLUMNS.get(name) or TYPES[kind] for name, kind in columns]
            self.run(f"INSERT INTO {table} ({', '.join(names)}) OVERRIDING SYSTEM VALUE SELECT {', '.join(made)} FROM "
                     f"(SELECT i, {rows_here} AS rows FROM generate_series(1, {rows_here}) AS i) AS numbers")

    def cost(self, statement):
        """Rows and blocks that one run looks at: the worse of a plan for its values and one for any."""
        self.run("BEGIN")
        self.run("PREPARE it AS " + statement.postgres)
        kinds = self.run("SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = 'it'")[0][0]
        chosen = VALUES.get(statement.name, {})
        values = [chosen.get(at, by_type(kind)) for at, kind in enumerate(kinds, 1)]
        values = [self.edge if value is EDGE else value for value in values]
        call = "it" + ("(" + ", ".join(f"'{value}'" for value in values) + ")" if values else "")
        worst = (0, 0)
        for mode in ("force_custom_plan", "force_generic_plan"):
            self.run("SAVEPOINT before_it")
            self.run(f"SET LOCAL plan_cache_mode = {mode}")
            try:
                plan = self.run(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE {call}")[0][0][0]["Plan"]
                worst = max(worst[0], rows_of(plan)), max(worst[1], plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
            except psycopg2.errors.QueryCanceled:  # it would take minutes
                worst = math.inf, math.inf
            self.run("ROLLBACK TO before_it")
        self.run("ROLLBACK")
        self.run("DEALLOCATE it")
        return worst

    def costs(self, statements):
        return {name: self.cost(statement) for name, statement in statements.items() if name not in ONLY_EMBEDDED}


def rows_of(plan):
    """Rows that the scans of a plan touched, those that they threw away included."""
    below = plan.get("Plans", [])
    rows = sum(map(rows_of, below))
    if "Relation Name" in plan and plan["Node Type"] != "ModifyTable":
        thrown = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        rows += (plan["Actual Rows"] + thrown) * plan["Actual Loops"]
    return rows


def planner_settings():
    return re.findall(r"SET enable_\w+ = \w+", (ROOT / "store/postgres_connect.c").read_text())


@pytest.fixture(scope="module")
def statements():
    return every_statement()


MISLEADING = {
    "nothing at all": None,  # as of a store that was made a minute ago
    "nothing is pending": dict(rows=2_000, state="'delivered'"),
    "everything is pending": dict(rows=2_000, state="'pending'"),
}


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_no_statement_reads_more_of_larger_tables(make_service, store, cluster, statements):
    make_service().start().stop()
    wrong = []
    tables = Tables(cluster, store.database)
    tables.analyze()  # they are empty
    tables.fill(SMALL)
    small = tables.costs(statements)
    for said, shape in MISLEADING.items():
        if shape:
            tables.fill(**shape)
            tables.analyze()
        tables.fill(LARGE)
        large = tables.costs(statements)
        for name in small.keys() - READS_ALL.keys():
            walk = WALKS.get(name, 0)  # each row may be in a block of its own
            may_rows, may_blocks = max(small[name][0] * 1.1 + 100, walk), max(small[name][1] * 1.2 + 150, walk)
            if large[name][0] > may_rows or large[name][1] > may_blocks:
                wrong.append(f"{name}, statistics say {said}: rows and blocks {small[name]} of {SMALL}, {large[name]} of {LARGE}")
    tables.connection.close()
    assert not wrong, WHAT_TO_DO + "\n".join(sorted(wrong))


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_no_statement_scans_a_table_of_an_embedded_store(make_service, store, statements):
    make_service().start().stop()
    connection = sqlite3.connect(store.path)
    wrong = []
    for name in statements.keys() - READS_ALL.keys():
        sql = re.sub(r"\$(\d+)", r"?\1", statements[name].sqlite)
        values = [None] * max(map(int, re.findall(r"\?(\d+)", sql)), default=0)
        plan = [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + sql, values)]
        if sql.endswith(" WHERE false"):
            continue  # it only asks for a lock
        wrong += [f"{name}: {line}" for line in plan if re.match(r"SCAN (?!\d+ CONSTANT|\d+-ROW VALUES|CONSTANT|json_each|pragma_|due|held|newest|oldest|one|owners|positions|trees)", line)]
    connection.close()
    assert not wrong, WHAT_TO_DO + "\n".join(sorted(wrong))


def reads_of_queue(connection, statement):
    """For each walk along deliveries_queue: the columns it reads, in order, as (whether of the index, column)."""
    sql = re.sub(r"\$(\d+)", r"?\1", statement.sqlite)
    values = [None] * max(map(int, re.findall(r"\?(\d+)", sql)), default=0)
    root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'deliveries_queue'").fetchone()[0]
    steps = [row[1:5] for row in connection.execute("EXPLAIN " + sql, values)]
    tables = {p1: p3 for name, p1, _, p3 in steps if name == "DeferredSeek"}
    walks = [p1 for name, p1, p2, _ in steps if name == "OpenRead" and p2 == root and p1 in tables]
    return [[(p1 == walk, p2) for name, p1, p2, _ in steps if name == "Column" and p1 in (walk, tables[walk])] for walk in walks]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ["scan:find_due", "load:read_line", "fold:count_rows", "fold:read_rows", "coalesce:read_rows"])
def test_an_embedded_store_passes_over_held_rows_in_the_index(make_service, store, statements, name):
    make_service().start().stop()
    connection = sqlite3.connect(store.path)
    walks = reads_of_queue(connection, statements["delivery/" + name])
    connection.close()
    that_read_rows = [walk for walk in walks if any(not of_index for of_index, _ in walk)]
    assert that_read_rows
    for walk in that_read_rows:
        assert (True, 3) in itertools.takewhile(lambda read: read[0], walk), "held_until is judged before the row is read"


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_looking_for_what_is_due_does_not_read_held_rows(make_service, store, cluster, statements):
    make_service().start().stop()
    tables = Tables(cluster, store.database)
    tables.fill(4_000, state="'pending'", next_attempt_at="'2028-01-01'", held_until="'2028-01-01'")
    tables.run(f"UPDATE deliveries SET channel_id = '{ONE}'")
    rows, _ = tables.cost(statements["delivery/scan:find_due"])
    tables.connection.close()
    assert rows < 4_000, "it may look at teams and channels, 1,000 each"


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_a_start_does_not_read_what_waits(make_service, store, cluster, statements):
    make_service().start().stop()
    tables = Tables(cluster, store.database)
    tables.fill(4_000, state="'pending'")
    before, _ = tables.cost(statements["delivery/clock:restart_pauses"])
    tables.analyze()
    after, _ = tables.cost(statements["delivery/clock:restart_pauses"])
    tables.connection.close()
    assert (before, after) == (0, 0), "none of them is of the future"


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_start_does_not_read_what_waits_in_an_embedded_store(make_service, store, statements):
    """The index has rows that were tried or held, with their times."""
    make_service().start().stop()
    connection = sqlite3.connect(store.path)
    sql = re.sub(r"\$(\d+)", r"?\1", statements["delivery/clock:restart_pauses"].sqlite)
    plan = [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + sql, (MIDDLE, END))]
    connection.close()
    assert plan == ["SCAN deliveries USING INDEX deliveries_next"]


def test_what_is_said_of_statements_is_said_of_statements_that_exist(statements):
    assert len(statements) > 100
    assert {*READS_ALL, *ONLY_EMBEDDED, *WALKS, *VALUES} <= statements.keys()


def test_no_statement_hides_from_these_tests():
    planted = """static const struct db_query one = { .sql = "SELECT 1" "0", .sqlite = "SELECT '{'" };
        static const struct db_query two[] = { { .sql = "SELECT 2" }, { .sql = "SELECT 3" } };
        static const struct { struct db_query query; int more; } three[] = { { { .sql = "SELECT 4" }, 1 }, { { .sql = "SELECT 5" }, 2 } };
        int f(void) { static const struct db_query here = { .sql = "SELECT 6" }; return 0; }
        int g(void) { static const struct db_query here = { .sql = "SELECT 7" }; return 0; }"""
    found = {statement.name: (statement.postgres, statement.sqlite) for statement in read_statements("a/b.c", planted)}
    assert found.pop("a/b:one") == ("SELECT 10", "SELECT '{'")
    assert [(name, *texts) for name, texts in found.items()] == [
        (f"a/b:{name}", f"SELECT {number}", f"SELECT {number}")
        for number, name in enumerate(["two[0]", "two[1]", "three[0]", "three[1]", "here[0]", "here[1]"], 2)]
    for hidden in ('struct db_query one = { "SELECT 1" };', "struct db_query one = { .sql = text };"):
        with pytest.raises(ValueError, match="one"):
            list(read_statements("a/b.c", hidden))
    assert hidden_sql() == []
