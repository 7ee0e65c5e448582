# SPDX-License-Identifier: Apache-2.0
"""A verifiable export against `audit verify` and docs/audit-verify.py: it holds as the service wrote it, whole, filtered or
resumed, and whatever somebody with the whole database changes is found."""
import hashlib
import json
import pathlib
import re

import pytest
from support import SqliteStore, id_to_uuid, make_event, new_id, until
from trails import EXPORT, PEOPLE, ROOT, Trail, documented_commands, note_of, publish, type_in


@pytest.fixture
def trail(service, store, redis, tmp_path):
    return Trail(service, store, redis, tmp_path)


def test_an_export_holds_whole_filtered_resumed_and_against_older_ones(trail, redis):
    lines = trail.export()
    older = trail.write("older", note_of(lines))
    size = lines[0]["size"]
    rows = [line for line in lines if line["type"] == "row"]
    assert [row["index"] for row in rows] == list(range(size)) and lines[0]["filters"] == {"scope": ["team"]}
    assert {frozenset(row.get("salts", {})) for row in rows} >= {frozenset({"actor_id", "actor_name"}), frozenset({"metadata.error"}), frozenset()}
    publish(redis, trail.team, 20)
    until(lambda: trail.export()[0]["size"] >= size + 20 or None, "the leaves of more rows")

    whole = trail.fetch()
    size = json.loads(whole.splitlines()[0])["size"]
    code, text = trail.verify(trail.write("whole", whole), flags=["--checkpoint", older, "--row", rows[7]["row"]["id"]])
    assert code == 0 and f"{size} of {size} shown" in text and "is leaf 7" in text, text
    assert trail.verify_in_python(trail.folder / "whole", flags=["--checkpoint", older]) == 0

    filtered = trail.export("&action=pause&resource_type=sandbox")
    shown = [line for line in filtered if line["type"] == "row"]
    assert {line["row"]["action"] for line in shown} == {"pause"} and 0 < len(shown) < size / 2
    assert filtered[0]["filters"] == {"resource_type": ["sandbox"], "action": ["pause"], "scope": ["team"]}
    code, text = trail.verify_now("&action=pause&resource_type=sandbox", flags=["--checkpoint", older])
    assert code == 0 and f"{len(shown)} of {size} shown" in text, text
    assert trail.verify_in_python(trail.folder / "now.jsonl", flags=["--checkpoint", older]) == 0
    assert trail.verify_now("&action=nothing", flags=["--checkpoint", older])[0] == 0

    for start in (1, 256, 257, size - 1, size):
        begun = trail.write("begun", "\n".join(whole.splitlines()[:start + 1]) + "\n" + whole.splitlines()[start + 1][:20])
        resumed = trail.write("resumed", trail.fetch(f"&from={start}"))
        assert trail.verify(begun, resumed, flags=["--checkpoint", older])[0] == 0, start
        assert start != 257 or trail.verify_in_python(begun, resumed, flags=["--checkpoint", older]) == 0
        code, text = trail.verify(resumed)
        assert code == 0 and f"{size - start} of {size} shown" in text, text
    code, text = trail.verify(trail.write("begun", "\n".join(whole.splitlines()[:10]) + "\n"), trail.write("resumed", trail.fetch("&from=12")))
    assert code == 1 and "does not follow the one before it" in text

    stranger, key = trail.service.new_team()
    trail.write("empty", trail.service.get(EXPORT, key=key).body.decode())
    code, text = trail.verify(trail.folder / "empty")
    assert code == 0 and " shown" in text and trail.team not in text and stranger in text
    for query in ("&from=x", "&from=-1", "&from=1&from=2", "&before=2026-05-24T05:02:05Z"):
        assert trail.service.get(EXPORT + query, key=trail.key).status == 400, query
    assert trail.service.get("/v1/audit-logs/export?format=csv&from=1", key=trail.key).status == 400
    assert trail.service.request("HEAD", EXPORT, key=trail.key).status == 200


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def frontier(hashes):
    """The hashes of the perfect subtrees that cover so many leaves, the largest first."""
    subtrees = []
    for digest in hashes:
        level = 0
        while subtrees and subtrees[-1][0] == level:
            level, digest = level + 1, node(subtrees.pop()[1], digest)
        subtrees.append((level, digest))
    return b"".join(digest for _, digest in subtrees)


def test_whatever_is_changed_in_the_database_is_found(trail):
    lines = trail.export()
    older, size = trail.write("older", note_of(lines)), lines[0]["size"]
    trail.unpack()
    rows = [line for line in lines if line["type"] == "row"]
    by_person = next(row for row in rows if "actor_name" in row.get("salts", {}) and row["row"]["resource_type"] == "sandbox")
    index, row_id = by_person["index"], id_to_uuid(by_person["row"]["id"])
    update = "UPDATE audit_logs SET {0} = %s WHERE id = %s"
    columns = ["actor_type", "actor_id", "actor_name", "resource_type", "resource_id", "action", "scope", "status"]
    for column in columns:
        value = "user2" if column == "actor_type" else "team2" if column == "scope" else "other"
        was = by_person["row"][column]
        with trail.changed([(update.format(column), value, row_id)], [(update.format(column), was, row_id)]):
            code, text = trail.verify_now()
            hidden = trail.verify_now("&action=create&resource_type=sandbox") if column in ("action", "resource_type") else (1, text)
        assert code == 1 and f"row {index} (" in text, (column, text)
        assert hidden[0] == 1 and f"row {index} (" in hidden[1], "a filter does not hide that it was changed"
    for column, value, was in (("metadata", '{"template": "other"}', json.dumps(by_person["row"].get("metadata", {}))),
                               ("created_at", "2026-05-24T05:02:05.000000Z", by_person["row"]["created_at"])):
        with trail.changed([(update.format(column), value, row_id)], [(update.format(column), was, row_id)]):
            code, text = trail.verify_now()
        assert code == 1 and f"row {index} (" in text, (column, text)

    swap = "UPDATE audit_salts SET subject = %s WHERE team_id = %s AND subject = %s"
    team = id_to_uuid(trail.team)
    moves = [("temporary", PEOPLE[0]), (PEOPLE[0], PEOPLE[1]), (PEOPLE[1], "temporary")]
    exchange = [(swap, new, team, old) for new, old in moves]
    with trail.changed(exchange, exchange):
        assert trail.verify_now()[0] == 1, "the salts of two people were exchanged"

    leaf = "UPDATE audit_leaves SET audit_id = %s WHERE tree = %s AND idx = %s"
    ids = [id_to_uuid(row["row"]["id"]) for row in rows]
    with trail.changed([(leaf, ids[9], trail.tree, 8), (leaf, ids[8], trail.tree, 9)], [(leaf, ids[8], trail.tree, 8), (leaf, ids[9], trail.tree, 9)]):
        assert "row 8 (" in trail.verify_now()[1], "two rows are swapped"
    hash_ = "UPDATE audit_leaves SET hash = %s WHERE tree = %s AND idx = %s"
    stored = [bytes.fromhex(row["hash"]) for row in rows]
    with trail.changed([(hash_, stored[3], trail.tree, 2)], [(hash_, stored[2], trail.tree, 2)]):
        assert trail.verify_now()[0] == 1, "a hash was changed"
    with trail.changed([("UPDATE audit_logs SET team_id = %s WHERE id = %s", str(id_to_uuid(new_id("team-"))), row_id)],
                       [("UPDATE audit_logs SET team_id = %s WHERE id = %s", team, row_id)]):
        assert "is gone from the store" in trail.verify_now()[1], "a row was moved to another team"

    assert trail.verify_now(flags=["--checkpoint", older])[0] == 0, "all of it is as it was"
    cut = size - 100
    refuse_a_head_that_went_back(trail, cut, stored)
    trail.store.query("DELETE FROM audit_checkpoints WHERE tree = %s AND size > %s", trail.tree, cut)
    trail.store.query("DELETE FROM audit_leaves WHERE tree = %s AND idx >= %s", trail.tree, cut)
    trail.store.query("DELETE FROM audit_tiles WHERE tree = %s AND n >= %s", trail.tree, cut // 256)
    trail.store.query("UPDATE audit_trees SET size = %s, frontier = %s WHERE tree = %s", cut, frontier(stored[:cut]), trail.tree)
    assert trail.verify_now()[0] == 0, "nothing shows it in the export alone"
    code, text = trail.verify_now(flags=["--checkpoint", older])
    assert code == 1 and "the trail was cut off" in text
    trail.store.query("DELETE FROM audit_logs WHERE id = %s", row_id)
    code, text = trail.verify_now()
    assert code == 1 and f"row {index} (" in text and "is gone from the store" in text


def refuse_a_head_that_went_back(trail, cut, stored):
    """The tree's row as it was 100 rows ago: with the later leaves, and with the checkpoint of them."""
    head = "UPDATE audit_trees SET size = %s, frontier = %s WHERE tree = %s"
    leaves = trail.store.query("SELECT idx, audit_id, hash FROM audit_leaves WHERE tree = %s AND idx >= %s", trail.tree, cut)
    trail.store.query(head, cut, frontier(stored[:cut]), trail.tree)
    assert trail.service.get(EXPORT, key=trail.key).status == 503
    for idx, audit_id, hash_ in leaves:
        trail.store.query("DELETE FROM audit_leaves WHERE tree = %s AND idx = %s", trail.tree, idx)
    assert trail.service.get(EXPORT, key=trail.key).status == 503
    for idx, audit_id, hash_ in leaves:
        trail.store.query("INSERT INTO audit_leaves (tree, idx, audit_id, hash) VALUES (%s, %s, %s, %s)", trail.tree, idx, str(audit_id), bytes(hash_))
    trail.store.query(head, cut + 100, frontier(stored), trail.tree)
    assert trail.verify_now()[0] == 0


def test_what_stands_beside_the_rows_is_proved_too(trail, redis):
    lines = trail.export()
    older, size = trail.write("older", note_of(lines)), lines[0]["size"]
    tree, team, query = trail.tree, id_to_uuid(trail.team), trail.store.query
    trail.unpack()
    rows = [line for line in lines if line["type"] == "row"]
    stranger, stranger_key = trail.service.new_team()
    publish(redis, stranger, 1)
    until(lambda: json.loads(trail.service.get(EXPORT, key=stranger_key).body.split(b"\n")[0])["size"] or None, "a leaf of another team")
    other = query("SELECT tree FROM audit_trees WHERE team_id = %s", id_to_uuid(stranger))[0][0]
    note, other_note = [query("SELECT note FROM audit_checkpoints WHERE tree = %s", number)[-1][0] for number in (tree, other)]
    (tile,) = query("SELECT hash FROM audit_tiles WHERE tree = %s AND n = 0", tree)[0]
    salts = query("SELECT subject, key FROM audit_salts WHERE team_id = %s", team)
    identity = query("SELECT value FROM store_facts WHERE name = 'identity'")[0][0]
    leaves = [(idx, str(audit_id), bytes(hash_)) for idx, audit_id, hash_ in
              query("SELECT idx, audit_id, hash FROM audit_leaves WHERE tree = %s AND idx IN (8, 9) ORDER BY idx", tree)]

    def swap_trees():
        owner = "UPDATE audit_trees SET team_id = %s WHERE tree = %s"
        of = {number: str(query("SELECT team_id FROM audit_trees WHERE tree = %s", number)[0][0]) for number in (tree, other)}
        return [(owner, id_to_uuid(new_id("team-")), tree), (owner, of[tree], other), (owner, of[other], tree)]

    stored_note = "UPDATE audit_checkpoints SET note = %s WHERE tree = %s AND size = %s"
    leaf = "UPDATE audit_leaves SET audit_id = %s, hash = %s WHERE tree = %s AND idx = %s"
    rename = [("UPDATE audit_logs SET id = %s WHERE id = %s",), ("UPDATE audit_leaves SET audit_id = %s WHERE audit_id = %s",)]
    was, becomes = id_to_uuid(rows[5]["row"]["id"]), id_to_uuid(new_id("log-"))
    tile_hash = "UPDATE audit_tiles SET hash = %s WHERE tree = %s AND n = 0"
    fact = "UPDATE store_facts SET value = %s WHERE name = 'identity'"
    attacks = {
        "one leaf is there twice": ([(leaf, *leaves[0][1:], tree, 9)], [(leaf, *leaves[1][1:], tree, 9)]),
        "the salts are gone": ([("DELETE FROM audit_salts WHERE team_id = %s", team)],
                               [("INSERT INTO audit_salts (team_id, subject, key) VALUES (%s, %s, %s)", team, subject, bytes(key)) for subject, key in salts]),
        "a note of another team": ([(stored_note, other_note, tree, size)], [(stored_note, note, tree, size)]),
        "a note that was changed": ([(stored_note, note.replace("outside 0", "outside 1"), tree, size)], [(stored_note, note, tree, size)]),
        "a row with another id": ([(*sql, becomes, was) for sql in rename], [(*sql, was, becomes) for sql in rename]),
        "the name of the installation": ([(fact, "somebody")], [(fact, identity)]),
    }
    for name, (change, undo) in attacks.items():
        with trail.changed(change, undo):
            assert trail.verify_now(flags=["--checkpoint", older])[0] == 1, name
    with trail.changed([(tile_hash, leaves[0][2], tree)], [(tile_hash, bytes(tile), tree)]):
        assert trail.verify_now("&from=257")[0] == 1, "the stored root of rows that are not shown"
    with trail.changed(swap_trees(), []):
        assert trail.verify_now(flags=["--checkpoint", older])[0] == 1, "the trees of two teams"
    for statement in swap_trees():
        query(*statement)
    assert trail.verify_now(flags=["--checkpoint", older])[0] == 0, "all of it is as it was"

    def export_with_outside(count):
        query("UPDATE audit_trees SET outside = %s WHERE tree = %s", count, tree)
        before = trail.export()[0]["size"]
        publish(redis, trail.team, 1)
        return until(lambda: lines if (lines := trail.export())[0]["size"] > before else None, "one more leaf")

    more = trail.write("more-outside", note_of(export_with_outside(3)))
    export_with_outside(0)
    code, text = trail.verify_now(flags=["--checkpoint", more])
    assert code == 1 and "an older checkpoint counts 3 rows outside the tree, and this one 0" in text, text
    for table in ("audit_leaves", "audit_tiles", "audit_checkpoints", "audit_trees"):
        query(f"DELETE FROM {table} WHERE tree = %s", tree)
    code, text = trail.verify_now(flags=["--checkpoint", older])
    assert code == 1 and "the trail was cut off" in text, "the whole tree is gone"


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_what_is_changed_within_a_row_of_several_leaves_is_found(trail):
    """On PostgreSQL a row of audit_leaves has the ids and hashes of up to 32 leaves."""
    trail.export()
    tree, query = trail.tree, trail.store.query
    idx, ids, hashes = query("SELECT idx, audit_ids, hash FROM audit_leaves WHERE tree = %s AND length(audit_ids) > 32 ORDER BY idx LIMIT 1", tree)[0]
    ids, hashes = bytes(ids), bytes(hashes)
    assert query("SELECT count(*) FROM audit_leaves WHERE tree = %s AND (idx / 32 <> (idx + length(hash) / 32 - 1) / 32 "
                 "OR length(audit_ids) * 2 <> length(hash))", tree) == [(0,)], "no row goes past its range"
    number = len(hashes) // 32
    put = "UPDATE audit_leaves SET audit_ids = %s, hash = %s WHERE tree = %s AND idx = %s"
    undo = [(put, ids, hashes, tree, idx)]
    swapped_ids, swapped_hashes = ids[16:32] + ids[:16] + ids[32:], hashes[32:64] + hashes[:32] + hashes[64:]
    attacks = {
        "two rows are swapped": ((swapped_ids, hashes), f"row {idx} ("),
        "two leaves are swapped": ((swapped_ids, swapped_hashes), "the root"),
        "a hash was changed": ((ids, bytes(32) + hashes[32:]), f"row {idx} ("),
        "an id is gone": ((ids[:-16], hashes), f"row {idx + number - 1} ("),
        "half of an id is gone": ((ids[:-8], hashes), f"row {idx + number - 1} ("),
    }
    for name, (change, found) in attacks.items():
        with trail.changed([(put, *change, tree, idx)], undo):
            code, text = trail.verify_now()
        assert code == 1 and found in text, (name, text)
    last, ids_before, last_ids, last_hashes = query(
        "SELECT idx, audit_ids, coalesce(audit_ids, decode(replace(CAST(audit_id AS text), '-', ''), 'hex')), hash "
        "FROM audit_leaves WHERE tree = %s ORDER BY idx DESC LIMIT 1", tree)[0]  # a row of one leaf has no audit_ids
    last_ids, last_hashes = bytes(last_ids), bytes(last_hashes)
    refused = {
        "a leaf is gone": ([(put, ids[:-16], hashes[:-32], tree, idx)], undo),
        "half of a hash is gone": ([(put, ids, hashes[:-16], tree, idx)], undo),
        "all leaves of the row are gone": ([(put, b"", b"", tree, idx)], undo),
        "a leaf past the end": ([(put, last_ids + bytes(16), last_hashes + bytes(32), tree, last)], [(put, ids_before, last_hashes, tree, last)]),
    }
    for name, (change, back) in refused.items():
        with trail.changed(change, back):
            assert trail.service.get(EXPORT, key=trail.key).status == 503, name
    assert trail.verify_now()[0] == 0, "all of it is as it was"


def rebuild(trail):
    """Tiles, frontier and size as they would be, had the leaves always been these. The service then signs that."""
    hashes = [bytes(hash_) for (hash_,) in trail.store.query("SELECT hash FROM audit_leaf WHERE tree = %s ORDER BY idx", trail.tree)]
    trail.store.query("DELETE FROM audit_checkpoints WHERE tree = %s", trail.tree)
    trail.store.query("UPDATE audit_tiles SET hash = %s WHERE tree = %s AND n = 0", frontier(hashes[:256]), trail.tree)
    trail.store.query("UPDATE audit_trees SET size = %s, frontier = %s WHERE tree = %s", len(hashes), frontier(hashes), trail.tree)


def test_a_tree_that_was_rebuilt_and_signed_is_found_by_an_older_checkpoint(trail, redis):
    def export_after(change):
        """-> a checkpoint of before, after which somebody with the database and the signing key changes the trail, and rows follow."""
        older, size = trail.write("older", note_of(trail.export())), trail.export()[0]["size"]
        trail.unpack()
        with trail.changed(change, []):
            rebuild(trail)
        publish(redis, trail.team, 5)
        until(lambda: trail.export()[0]["size"] > size or None, "more rows than before")
        assert trail.verify_now()[0] == 0, "nothing shows it in the export alone"
        return trail.verify_now(flags=["--checkpoint", older])

    move = "UPDATE audit_leaves SET idx = {} WHERE tree = %s AND idx {} %s"
    inserted = [(move.format("-idx", ">="), trail.tree, 8), (move.format("1 - idx", "<"), trail.tree, 0),
                ("INSERT INTO audit_leaves (tree, idx, audit_id, hash) SELECT tree, 8, audit_id, hash FROM audit_leaves WHERE tree = %s AND idx = 3", trail.tree)]
    code, text = export_after(inserted)
    assert code == 1 and "are not those of the older checkpoint" in text, text
    removed = [("DELETE FROM audit_leaves WHERE tree = %s AND idx = 8", trail.tree),
               (move.format("-idx", ">"), trail.tree, 8), (move.format("-1 - idx", "<"), trail.tree, 0)]
    code, text = export_after(removed)
    assert code == 1 and "are not those of the older checkpoint" in text, text


# Each insertion of a checkpoint comes after that of another worker, whose note has another end.
ANOTHER_WORKER = {
    "sqlite": [("CREATE TRIGGER another_worker BEFORE INSERT ON audit_checkpoints BEGIN INSERT INTO audit_checkpoints "
                "VALUES (NEW.tree, NEW.size, NEW.root, NEW.at, NEW.key_id, NEW.note || 'another'); END",)],
    "postgres": [("CREATE FUNCTION another_worker() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF pg_trigger_depth() = 1 THEN INSERT INTO audit_checkpoints "
                  "(tree, size, root, at, key_id, note) VALUES (NEW.tree, NEW.size, NEW.root, NEW.at, NEW.key_id, NEW.note || 'another'); "
                  "END IF; RETURN NEW; END $$",),
                 ("CREATE TRIGGER another_worker BEFORE INSERT ON audit_checkpoints FOR EACH ROW EXECUTE FUNCTION another_worker()",)],
}
NO_OTHER_WORKER = {
    "sqlite": [("DROP TRIGGER another_worker",)],
    "postgres": [("DROP TRIGGER another_worker ON audit_checkpoints",), ("DROP FUNCTION another_worker",)],
}


def test_of_two_checkpoints_of_one_size_the_one_in_the_store_counts(trail, redis):
    size = trail.export()[0]["size"]
    with trail.changed(ANOTHER_WORKER[trail.store.name], NO_OTHER_WORKER[trail.store.name]):
        publish(redis, trail.team, 1)
        lines = until(lambda: lines if (lines := trail.export())[0]["size"] > size else None, "the leaf of one more row")
        stored = trail.store.query("SELECT note FROM audit_checkpoints WHERE tree = %s AND size = %s", trail.tree, lines[0]["size"])
    assert note_of(lines) == stored[0][0] and note_of(lines).endswith("another")


def test_a_person_is_erased_and_all_of_it_still_verifies(trail, redis):
    person, other = PEOPLE[0], PEOPLE[1]
    before = trail.export()
    older = trail.write("older", note_of(before))
    known = [line for line in before if line["type"] == "row" and line["row"].get("actor_id") == person]
    stranger, stranger_key = trail.service.new_team()
    for wrong in ("usr-1", new_id("team-")):
        refused = trail.service.run("audit", "forget", "--user", wrong)
        assert refused.returncode == 2 and "expected usr-" in refused.stderr

    def forget(user):
        done = trail.service.run("audit", "forget", "--user", user, "--json")
        assert done.returncode in (0, 1), done.stderr  # 1: a row of ours is no leaf yet
        return json.loads(done.stdout) if done.returncode == 0 else None

    assert until(lambda: forget(person), "the end of the erasure") == {"teams": 1, "rows": len(known)}
    until(lambda: trail.export()[0]["size"] > before[0]["size"] or None, "the row of the erasure")
    after = trail.fetch()
    assert person not in after and "Ada 0" not in after and "Ada 1" in after and other in after
    rows = [json.loads(line) for line in after.splitlines()]
    by_index = {row["index"]: row for row in rows if row["type"] == "row"}
    for row in known:
        assert by_index[row["index"]]["commitments"].keys() == row["salts"].keys() and by_index[row["index"]]["hash"] == row["hash"]
    erasure = rows[-2]["row"]
    assert (erasure["action"], erasure["resource_type"], erasure["actor_type"]) == ("erase", "user", "system") and "resource_id" not in erasure
    code, text = trail.verify(trail.write("after", after), flags=["--checkpoint", older])
    assert code == 0 and f"{len(known)} with values erased" in text, text
    for table, column in (("audit_logs", "actor_id"), ("audit_logs", "actor_name"), ("audit_salts", "subject")):
        assert trail.store.query(f"SELECT count(*) FROM {table} WHERE {column} IN (%s, 'Ada 0')", person)[0][0] == 0
    assert until(lambda: forget(person), "the end of another erasure") == {"teams": 0, "rows": 0}
    if isinstance(trail.store, SqliteStore):  # nor is it in a page that is free now
        trail.store.query("PRAGMA wal_checkpoint(TRUNCATE)")
        held = pathlib.Path(trail.store.path).read_bytes()
        assert other.encode() in held and person.encode() not in held

    # A value that somebody puts back is found, and so is another commitment.
    index = known[0]["index"]
    trail.store.query("UPDATE audit_erased SET commitment = %s WHERE tree = %s AND idx = %s AND field = 'actor_id'", b"x" * 32, trail.tree, index)
    assert f"row {index} (" in trail.verify_now()[1]


def test_an_auditor_types_what_the_document_shows(trail, redis):
    commands = documented_commands()
    assert [command.split()[:3] for command in commands] == [
        ["curl", "-s", "-H"], ["curl", "-s", "-H"], ["wrenn-events", "audit", "export"], ["wrenn-events", "audit", "verify"],
        ["wrenn-events", "audit", "forget"], ["wrenn-events", "audit", "verify"]]
    key, checkpoint, export, verify, forget, _ = commands  # the last one is for a folder with dropped rows
    person = forget.split()[-1]
    size = trail.export()[0]["size"]
    redis.publish(make_event(trail.team, "capsule.create", actor={"type": "user", "id": person, "name": "Grace"}))
    until(lambda: trail.export()[0]["size"] > size or None, "the leaf of the person's row")
    (trail.folder / "docs").symlink_to(ROOT / "docs")
    (in_python,) = re.findall(r"`(python3 docs/audit-verify.py [^`]+)`", (ROOT / "docs/audit.md").read_text())

    for command in (key, checkpoint, export):
        assert type_in(command, trail) == ""
    assert "Grace" in (trail.folder / "audit.jsonl").read_text()
    said = type_in(verify, trail)
    assert re.fullmatch(r"It holds: \S+/audit/team-\w+\n  rows         \d+ of \d+ shown\n  checkpoint   \S+, by \S+\n"
                        r"  older        1 checkpoint of the same trail\n", said), said
    assert "all of it holds" in type_in(in_python, trail)
    assert type_in(forget, trail) == "erased from 1 rows of 1 teams\n"
    type_in(export, trail)
    assert "Grace" not in (trail.folder / "audit.jsonl").read_text()
    assert ", 1 with values erased" in type_in(verify, trail)


ALL_ROWS = 1 << 15
COPIES = f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ALL_ROWS - 1}) "
COPY_ID = "'00000000-0000-4000-8000-' || substr('00000000000' || i, -12)"


def peak_kb(service):
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{service.process.pid}/status").read_text()).group(1))


@pytest.mark.plain_only("the sanitizers keep what was freed")
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_an_export_needs_the_memory_of_a_page(service, store, redis):
    """A tree of copies of one row, which no verifier would accept, but the service reads as it reads any other."""
    team, key = service.new_team()
    publish(redis, team, 1)
    until(lambda: json.loads(service.get(EXPORT, key=key).body.split(b"\n")[0])["size"] or None, "the leaf")
    before = peak_kb(service)
    columns = "team_id, actor_type, actor_id, actor_name, resource_type, resource_id, action, scope, status, metadata, created_at"
    store.query(f"INSERT INTO audit_logs (id, {columns}) {COPIES} SELECT {COPY_ID}, {columns} FROM n, audit_logs WHERE team_id = %s", id_to_uuid(team))
    store.query(f"INSERT INTO audit_leaves (tree, idx, audit_id, hash) {COPIES} SELECT tree, i, {COPY_ID}, hash FROM n, audit_leaves WHERE idx = 0")
    store.query("UPDATE audit_trees SET size = %s", ALL_ROWS)  # the frontier of so many is one hash, too
    body = service.get(EXPORT, key=key).body
    assert body.count(b'"type":"row"') == ALL_ROWS and len(body) > 12 << 20
    assert (peak_kb(service) - before) * 1024 < len(body) / 2, "it grows with the rows"
