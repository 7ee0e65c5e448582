# SPDX-License-Identifier: Apache-2.0
"""A team's audit trail with rows of every kind, as an auditor sees it."""
import contextlib
import json
import os
import pathlib
import subprocess
import sys

from support import PROGRAM, id_to_uuid, make_event, new_id, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXPORT = "/v1/audit-logs/export?format=jsonl"
PEOPLE = [new_id("usr-") for _ in range(3)]
ROWS = 300  # more than a tile of 256, and than one read of the export


def publish(redis, team, count):
    for number in range(count):
        by_person = {"type": "user", "id": PEOPLE[number % 3], "name": f"Ada {number % 3}"}
        by_key = {"type": "api_key", "id": new_id("key-"), "name": "ci"}
        redis.publish(make_event(team, ["capsule.create", "capsule.pause", "capsule.destroy"][number % 3], actor=by_key if number % 5 == 4 else by_person,
                                 outcome="error" if number % 7 == 6 else "success", error=f"no room {number}" if number % 7 == 6 else None,
                                 metadata={"template": "pythön 😀"} if number % 2 else None))


class Trail:
    """The trail of a team, as an auditor sees it."""

    def __init__(self, service, store, redis, folder):
        self.service, self.store, self.folder = service, store, folder
        self.team, self.key = service.new_team()
        publish(redis, self.team, ROWS)
        until(lambda: self.export()[0]["size"] >= ROWS or None, "the leaves of all rows")
        keys = service.get("/v1/audit-logs/key", key=self.key).json()["items"]
        self.write("keys", "".join(item["key"] + "\n" for item in keys))
        self.tree = store.query("SELECT tree FROM audit_trees WHERE team_id = %s", id_to_uuid(self.team))[0][0]

    def write(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name

    def fetch(self, query=""):
        answer = self.service.get(EXPORT + query, key=self.key)
        assert answer.status == 200, answer.body
        return answer.body.decode()

    def export(self, query=""):
        return [json.loads(line) for line in self.fetch(query).splitlines()]

    def verify(self, *files, flags=()):
        """-> the exit code and what `audit verify` says."""
        ours = subprocess.run([PROGRAM, "audit", "verify", *files, "--key", self.folder / "keys", *flags], capture_output=True, text=True)
        return ours.returncode, ours.stdout + ours.stderr

    def verify_in_python(self, *files, flags=()):
        return subprocess.run([sys.executable, ROOT / "docs/audit-verify.py", *files, "--key", self.folder / "keys", *flags]).returncode

    def verify_now(self, query="", flags=()):
        return self.verify(self.write("now.jsonl", self.fetch(query)), flags=flags)

    def unpack(self):
        """A row of audit_leaves for each leaf, as versions before 024 wrote them and SQLite has them: so one leaf can be changed."""
        for statement in ("INSERT INTO audit_leaves (tree, idx, audit_id, hash) SELECT tree, -1 - idx, audit_id, hash FROM audit_leaf WHERE tree = %s",
                          "DELETE FROM audit_leaves WHERE tree = %s AND idx >= 0", "UPDATE audit_leaves SET idx = -1 - idx WHERE tree = %s"):
            self.store.query(statement, self.tree)

    @contextlib.contextmanager
    def changed(self, change, undo):
        for statement in change:
            self.store.query(*statement)
        yield
        for statement in undo:
            self.store.query(*statement)


def documented_commands(word=""):
    """What docs/audit.md tells the reader to type, in its order. A line that ends with | goes on in the next."""
    text = (ROOT / "docs/audit.md").read_text().replace("|\n    ", "| ")
    shown = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
    return [command for command in shown if word in command]


def type_in(command, trail):
    """-> what it prints, after it has ended well."""
    environment = {**trail.service.environment, "WRENN_BASE_URL": trail.service.url, "WRENN_API_KEY": trail.key,
                   "PATH": f"{pathlib.Path(PROGRAM).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=trail.folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, (command, done)
    return done.stdout


def note_of(lines):
    assert lines[-1]["type"] == "checkpoint"
    return lines[-1]["note"]


def verify_export(service, key, folder):
    """The number of rows of a team's export, after `audit verify` has accepted it."""
    (folder / "export").write_bytes(service.get(EXPORT, key=key).body)  # its checkpoint may be the first one that the key signs
    keys = service.get("/v1/audit-logs/key", key=key).json()["items"]
    (folder / "keys").write_text("".join(item["key"] + "\n" for item in keys))
    verified = subprocess.run([PROGRAM, "audit", "verify", folder / "export", "--key", folder / "keys", "--json"], capture_output=True, text=True)
    assert verified.returncode == 0, verified
    return json.loads(verified.stdout)["rows"]
