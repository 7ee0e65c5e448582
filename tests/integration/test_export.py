# SPDX-License-Identifier: Apache-2.0
"""The trail as one file: every row once and in order, cells that no spreadsheet runs, one page in memory."""
import csv
import io
import json
import pathlib
import re
import socket
import subprocess

import pytest
from support import id_to_uuid, until

ROWS = 450
EXPORT = "/v1/audit-logs/export"
BEGINNINGS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "a=b", '"quoted", and more', "two\nlines"]


def fill(store, team, metadata="{}"):
    """Rows whose times repeat, so that pages end between rows of one moment; the first few are hostile."""
    values, places = [], []
    for number in range(ROWS):
        name = BEGINNINGS[number] if number < len(BEGINNINGS) else "Ada"
        action = "pause" if number % 3 else "create"
        values += [f"{number:08d}-0000-4000-8000-000000000000", id_to_uuid(team), name, f"cl-{number}", action, "admin" if number == 400 else "team",
                   '{"n": 12345678901234567890}' if number == 1 else metadata, f"2026-05-24T05:{number // 150:02d}:00.{number % 150 // 50:06d}Z"]
        places.append("(%s, %s, 'user', %s, 'sandbox', %s, %s, %s, 'success', %s, %s)")
    store.query("INSERT INTO audit_logs (id, team_id, actor_type, actor_name, resource_type, resource_id, action, scope, status, metadata, created_at) "
                "VALUES " + ", ".join(places), *values)


def listed(service, key):
    """What the list shows, page by page."""
    items, query = [], "?limit=200"
    while query:
        page = service.get("/v1/audit-logs" + query, key=key).json()
        items += page["items"]
        query = f"?limit=200&before={page['next_before']}&before_id={page['next_before_id']}" if "next_before" in page else ""
    return items


def export(service, key, query):
    answer = service.get(EXPORT + query, key=key)
    assert answer.status == 200, answer.body
    return answer


def lines(answer):
    return [json.loads(line) for line in answer.body.decode().splitlines()]


def cells(answer):
    return list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))


def test_an_export_is_the_list(service, store):
    team, key = service.new_team()
    fill(store, team)
    shown = listed(service, key)
    assert len(shown) >= ROWS - 1
    answer = export(service, key, "?format=csv")
    assert answer.headers["Content-Type"].startswith("text/csv") and "audit-log.csv" in answer.headers["Content-Disposition"]
    table = cells(answer)
    assert [row["id"] for row in table] == [row["id"] for row in shown]
    assert [re.sub(r"\.\d{6}Z", "Z", row["created_at"]) for row in table] == [row["created_at"] for row in shown]
    half = table[300]
    assert cells(export(service, key, f"?format=csv&before={half['created_at']}&before_id={half['id']}")) == table[301:]
    filtered = cells(export(service, key, "?format=csv&action=create&resource_type=sandbox&limit=3"))
    assert filtered == [row for row in table if row["action"] == "create" and row["resource_type"] == "sandbox"]
    assert all(cell == row.get(name, "") or name in ("actor_name", "created_at", "metadata") for cells_, row in zip(table, shown) for name, cell in cells_.items())
    by_resource = {row["resource_id"]: row for row in table}
    for number, text in enumerate(BEGINNINGS):
        cell = by_resource[f"cl-{number}"]["actor_name"]
        assert cell == ("'" + text if text[0] in "=+-@\t\r\n" else text), text
    assert by_resource["cl-1"]["metadata"] == '{"n": 12345678901234567890}' and by_resource["cl-2"]["metadata"] == ""

    _, stranger = service.new_team()
    assert not [row for row in cells(export(service, stranger, "?format=csv")) if row["resource_type"] == "sandbox"]
    assert [row for row in cells(export(service, stranger, "?format=csv&action=nothing"))] == []
    for query in ("", "?format=xml", "?format=csv&format=csv", "?format=csv&before=now", "?format="):
        assert service.get(EXPORT + query, key=key).status == 400, query
    assert service.get(EXPORT + "?format=csv").status == 401
    head = service.request("HEAD", EXPORT + "?format=csv", key=key)
    assert head.status == 200 and head.body == b"" and head.headers["Content-Type"].startswith("text/csv")


TESTS = pathlib.Path(__file__).resolve().parent.parent
VALIDATE = """
import { Ajv2020 } from "ajv/dist/2020.js";
import { readFileSync } from "node:fs";
const [schema, file] = process.argv.slice(1);
const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(JSON.parse(readFileSync(schema, "utf8")));
for (const line of readFileSync(file, "utf8").trim().split("\\n"))
	if (!validate(JSON.parse(line)))
		throw new Error(`${line}: ${JSON.stringify(validate.errors)}`);
"""


def validated_by_the_schema(path, events):
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    schema = TESTS / "vectors/ocsf/entity_management-1.3.0.json"
    return subprocess.run(["node", "--input-type=module", "-e", VALIDATE, schema, path], cwd=TESTS / "npm", capture_output=True, text=True)


def test_each_event_is_one_of_the_published_schema(service, store, tmp_path):
    team, key = service.new_team()
    fill(store, team)
    store.query("UPDATE audit_logs SET actor_name = '', resource_id = NULL, action = 'marked_down', status = 'error' WHERE resource_id = 'cl-20'")
    store.query("UPDATE audit_logs SET actor_type = 'host', actor_id = 'host-1', status = 'warning' WHERE resource_id = 'cl-21'")
    answer = export(service, key, "?format=ocsf")
    assert answer.headers["Content-Type"] == "application/x-ndjson" and "audit-log.ocsf.jsonl" in answer.headers["Content-Disposition"]
    events, rows = lines(answer), listed(service, key)
    assert [event["metadata"]["uid"] for event in events] == [row["id"] for row in rows]
    assert [event["unmapped"]["action"] for event in events] == [row["action"] for row in rows]
    result = validated_by_the_schema(tmp_path / "events", events)
    assert result.returncode == 0, result.stderr

    [erased] = [event for event in events if event["activity_name"] == "Deactivate"]
    assert "actor" not in erased and erased["entity"] == {"type": "sandbox", "name": "sandbox"}
    assert (erased["status_id"], erased["severity_id"], erased["type_uid"], erased["metadata"]["tenant_uid"]) == (2, 3, 300411, team)
    [by_host] = [event for event in events if event["severity"] == "Low"]
    assert by_host["actor"] == {"app_uid": "host-1", "app_name": "Ada"} and by_host["entity"]["uid"] == "cl-21"
    assert "must be equal to constant" in validated_by_the_schema(tmp_path / "events", [{**erased, "class_uid": 1}]).stderr
    other = lines(export(service, key, "?format=ocsf&action=create"))
    assert {event["activity_id"] for event in other if event["entity"]["type"] == "sandbox"} == {1}


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_old_clients_slow_ones_and_those_that_leave(service, store):
    team, key = service.new_team()
    fill(store, team, json.dumps({"much": "x" * 12000}))  # more than the sockets hold
    request = f"GET {EXPORT}?format=csv HTTP/1.%d\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n"

    def connect(version):
        connection = socket.create_connection(("127.0.0.1", service.port), timeout=60)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall((request % version).encode())
        return connection

    with connect(0) as old:
        text = b"".join(iter(lambda: old.recv(65536), b""))
    head, _, body = text.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    whole = export(service, key, "?format=csv").body
    assert body == whole
    slow, leaving = connect(1), connect(1)
    assert slow.recv(10) and leaving.recv(10)
    refused = service.get(EXPORT + "?format=csv", key=key)
    assert refused.status == 429 and "of this team" in refused.json()["error"]["message"]
    _, stranger = service.new_team()
    assert export(service, stranger, "?format=csv").status == 200
    leaving.close()
    until(lambda: service.get(EXPORT + "?format=csv&action=nothing", key=key).status == 200, "the slot of the client that left")
    assert export(service, key, "?format=csv").body == whole, "meanwhile the slow client's sockets fill"
    assert read_chunks(slow) == whole
    slow.close()
    for _ in range(17):  # one more than may run at once
        assert cells(export(service, key, "?format=csv&action=nothing")) == []


def read_chunks(connection):
    """The content of a chunked answer whose first ten bytes have been read; fails when it ends without its last chunk."""
    reader = connection.makefile("rb")
    while reader.readline() != b"\r\n":
        pass
    content = b""
    while size := int(reader.readline(), 16):
        content += reader.read(size)
        assert reader.readline() == b"\r\n"
    return content
