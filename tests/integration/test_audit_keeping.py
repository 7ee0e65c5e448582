# SPDX-License-Identifier: Apache-2.0
"""Rows of the audit trail that are old go to files and are dropped, and all of it still verifies."""
import json
import os
import pathlib
import time
import uuid

import pytest
from support import id_to_uuid, new_id, until
from trails import ROWS, Trail, documented_commands, note_of, publish, type_in

pytestmark = pytest.mark.plain_only("kills of a slow program take long; the unit tests of the ledger cover its memory")

YEAR_US = 365 * 86400 * 1_000_000
OF_OTHERS = str(uuid.uuid4())  # a row that the control plane wrote


class Keeping:
    def __init__(self, trail, folder):
        self.trail, self.store, self.folder = trail, trail.store, folder

    def let_years_pass(self, years):
        """Housekeeping writes this time, after it has believed the clock for an hour."""
        self.store.query("DELETE FROM store_facts WHERE name = 'aged_to_us'")
        self.store.query("INSERT INTO store_facts (name, value) VALUES ('aged_to_us', %s)", str(int(time.time() * 1e6) + years * YEAR_US))

    def place(self):
        return self.store.query("SELECT first, drop_to, archive_to FROM audit_trees WHERE tree = %s", self.trail.tree)[0]

    def files(self):
        return sorted(self.folder.glob("*.jsonl"), key=lambda file: int(file.name.split("-")[2]))

    def archived(self):
        return [json.loads(line)["row"]["id"] for file in self.files() for line in file.open() if '"type":"row"' in line]

    def stored(self):
        return {new_id("log-", uuid.UUID(str(id_))) for (id_,) in self.store.query("SELECT id FROM audit_logs WHERE team_id = %s", id_to_uuid(self.trail.team))}

    def kill_at_each_place(self, size, rows):
        """Kills the service whenever it has come a step further, until it has dropped the rows before `size`."""
        seen, kills = None, 0
        while self.place()[0] < size:
            self.trail.service.start()
            seen = until(lambda: now if (now := (self.place(), len(self.files()))) != seen else None, "another step")
            self.trail.service.kill()
            kills += 1
            assert rows <= self.stored() | set(self.archived()), f"a row is neither stored nor in a file after kill {kills}, {seen}"
        self.let_years_pass(0)  # what comes now is not old at once
        self.trail.service.start()


@pytest.fixture
def keeping(make_service, store, redis, tmp_path):
    service = make_service(WRENN_EVENTS_AUDIT_KEEP_DAYS="30", WRENN_EVENTS_AUDIT_ARCHIVE_DIR=str(tmp_path / "archive")).start()
    return Keeping(Trail(service, store, redis, tmp_path), tmp_path / "archive")


def expect_holds(trail, *files, olds=()):
    flags = [word for old in olds for word in ("--checkpoint", old)]
    code, text = trail.verify(*files, flags=flags)
    assert code == 0, text
    assert trail.verify_in_python(*files, flags=flags) == 0


def test_old_rows_go_to_files_and_what_is_left_verifies(keeping, redis):
    trail, service = keeping.trail, keeping.trail.service
    lines = trail.export()
    olds = [trail.write("old-0", note_of(lines))]
    publish(redis, trail.team, ROWS)
    lines = until(lambda: found if (found := trail.export())[0]["size"] >= 2 * ROWS else None, "the leaves of more rows")
    size, rows = lines[0]["size"], {line["row"]["id"] for line in lines if line["type"] == "row"}
    olds.append(trail.write("old-1", note_of(lines)))
    keeping.store.query("INSERT INTO audit_logs (id, team_id, actor_type, actor_name, resource_type, action, scope, status, metadata, created_at) "
                        "VALUES (%s, %s, 'system', 'x', 'host', 'create', 'team', 'success', '{}', '2020-01-01T00:00:00Z')", OF_OTHERS, id_to_uuid(trail.team))

    service.kill()
    keeping.let_years_pass(1)
    service.start()
    until(lambda: "cannot archive old rows" in service.log_text(), "the error about the missing folder")
    assert service.log_text().count("cannot archive old rows") == 1 and "WRENN_EVENTS_AUDIT_ARCHIVE_DIR" in service.log_text()
    assert keeping.place()[:2] == (0, 0) and len(trail.export()) > size

    service.kill()
    keeping.folder.mkdir()
    (keeping.folder / f".{trail.team}-0-{size}.jsonl.killed").touch()  # a draft of before
    keeping.kill_at_each_place(size, rows)
    assert keeping.place() == (size, size, size) and set(keeping.archived()) == rows
    assert keeping.stored() & rows == set() and new_id("log-", uuid.UUID(OF_OTHERS)) in keeping.stored()
    (file,) = keeping.folder.iterdir()
    assert file.name == f"{trail.team}-0-{size}.jsonl" and os.stat(file).st_mode & 0o777 == 0o600
    expect_holds(trail, file, olds=olds)

    publish(redis, trail.team, 20)
    lines = until(lambda: found if (found := trail.export())[0]["size"] >= size + 20 else None, "the leaves of new rows")
    assert lines[0]["first"] == size and [line["index"] for line in lines if line["type"] == "row"][0] == size
    rest = trail.write("rest", "".join(json.dumps(line) + "\n" for line in lines))
    expect_holds(trail, rest, olds=olds)
    expect_holds(trail, file, rest, olds=olds)
    assert trail.verify(trail.write("later", trail.fetch(f"&from={size + 3}")), flags=["--checkpoint", olds[0]])[0] == 0

    olds.append(trail.write("old-2", note_of(lines)))
    service.kill()
    keeping.let_years_pass(2)
    service.start()
    until(lambda: keeping.place()[0] == lines[0]["size"], "the rows to be dropped")
    assert len(keeping.files()) == 2
    empty = trail.write("empty", trail.fetch())
    expect_holds(trail, *keeping.files(), empty, olds=olds)
    expect_holds(trail, keeping.files()[1], olds=olds[2:])
    trail.write("audit.jsonl", empty.read_text())
    trail.write("wrenn.key", (trail.folder / "keys").read_text())
    (command,) = documented_commands("archive/")
    assert "It holds" in type_in(command, trail)
    changed = pathlib.Path(keeping.files()[1])
    changed.write_text(changed.read_text().replace('"action":"pause"', '"action":"create"', 1))
    assert trail.verify(*keeping.files(), empty)[0] == 1


def test_without_a_folder_old_rows_are_dropped(make_service, store, redis, tmp_path):
    trail = Trail(make_service(WRENN_EVENTS_AUDIT_KEEP_DAYS="30").start(), store, redis, tmp_path)
    keeping = Keeping(trail, tmp_path)
    lines = trail.export()
    trail.service.kill()
    keeping.let_years_pass(1)
    trail.service.start()
    until(lambda: keeping.place()[0] == lines[0]["size"], "the rows to be dropped")
    older = trail.write("older", note_of(lines))
    expect_holds(trail, trail.write("rest", trail.fetch()), olds=[older])
    assert store.query("SELECT count(*) FROM audit_logs WHERE team_id = %s", id_to_uuid(trail.team)) == [(0,)]
