# SPDX-License-Identifier: Apache-2.0
"""The audit lists: the cursor rule of contract e.3, filters, scopes."""
import json
import uuid

from support import id_to_uuid, new_id


def add_row(store, team, created_at, action="create", scope="team", status="success", metadata="{}"):
    row = uuid.uuid4()
    store.query("INSERT INTO audit_logs (id, team_id, actor_type, actor_name, resource_type, resource_id, action, scope, status, metadata, created_at)"
                " VALUES (%s, %s, 'user', 'Ada', 'sandbox', 'cl-x', %s, %s, %s, %s, %s)",
                row, id_to_uuid(team), action, scope, status, metadata, created_at)
    return new_id("log-", row)


def walk(service, key, limit, query=""):
    pages, extra = [], ""
    while True:
        page = service.get(f"/v1/audit-logs?limit={limit}&resource_type=sandbox{query}{extra}", key=key).json()
        pages.append(page)
        if "next_before" not in page:
            assert "next_before_id" not in page
            return pages
        extra = f"&before={page['next_before']}&before_id={page['next_before_id']}"


def test_the_cursor_has_microseconds_and_skips_no_row_of_the_same_second(service, store):
    team, key = service.new_team()
    rows = [add_row(store, team, f"2026-05-24T05:02:{t}Z") for t in ("05.800000", "05.500000", "04.900000")]
    pages = walk(service, key, 1)
    assert pages[0]["next_before"] == "2026-05-24T05:02:05.800000Z"
    assert pages[0]["next_before_id"] == rows[0]
    assert [p["items"][0]["id"] for p in pages] == rows
    assert [p["items"][0]["created_at"] for p in pages] == ["2026-05-24T05:02:05Z", "2026-05-24T05:02:05Z", "2026-05-24T05:02:04Z"]
    assert len(pages) == 3  # and no empty page at the end


def test_rows_of_the_same_instant_are_ordered_by_id_and_all_listed(service, store):
    team, key = service.new_team()
    rows = sorted((add_row(store, team, "2026-05-24T05:02:05.123456Z") for _ in range(25)), reverse=True)
    for limit in (1, 4, 5, 24, 25, 26):
        assert [i["id"] for p in walk(service, key, limit) for i in p["items"]] == rows, limit


def test_offsets_and_fractions_are_read_and_bad_values_refused(service, store):
    team, key = service.new_team()
    row = add_row(store, team, "2026-05-24T05:02:05.500000Z")
    for before in ("2026-05-24T07:02:06%2B02:00", "2026-05-24T05:02:05.500001Z", "2026-05-24T05:02:05.5000019Z"):
        items = service.get(f"/v1/audit-logs?resource_type=sandbox&before={before}", key=key).json()["items"]
        assert [i["id"] for i in items] == [row], before
    assert service.get("/v1/audit-logs?resource_type=sandbox&before=2026-05-24T05:02:05.5Z", key=key).json()["items"] == []
    for query in ("limit=0", "limit=-1", "limit=x", "limit=", "before=", "before=yesterday", "before=2026-05-24T07:02:06+02:00",
                  "before_id=log-1", "before_id=", "before_id=ch-6dfzh5ik5uxynzmlf5cshamdk"):
        answer = service.get("/v1/audit-logs?" + query, key=key)
        assert answer.status == 400, query
        assert answer.json()["error"]["code"] == "invalid_request"
        assert answer.headers["X-Request-ID"] == answer.json()["error"]["request_id"]
    assert service.get("/v1/audit-logs?limit=5000", key=key).status == 200


def test_filters_scope_and_translated_status(service, store):
    team, key = service.new_team()
    add_row(store, team, "2026-05-24T05:02:01.000000Z", "pause", status="info", metadata='{"reason": "ttl_expired"}')
    add_row(store, team, "2026-05-24T05:02:02.000000Z", "destroy", status="warning")
    add_row(store, team, "2026-05-24T05:02:03.000000Z", "error", status="error")
    add_row(store, team, "2026-05-24T05:02:04.000000Z", "create", scope="admin")
    items = service.get("/v1/audit-logs?resource_type=sandbox", key=key).json()["items"]
    assert [(i["action"], i["status"], i["severity"]) for i in items] == [
        ("error", "failure", "error"), ("destroy", "success", "warning"), ("pause", "success", "info")]
    assert items[2]["metadata"] == {"reason": "ttl_expired"} and "metadata" not in items[0]
    for query, count in (("action=pause", 1), ("action=pause,destroy", 2), ("action=pause&action=%20destroy%20,", 2), ("action=nothing", 0)):
        assert len(service.get(f"/v1/audit-logs?resource_type=sandbox&{query}", key=key).json()["items"]) == count, query
    cookies = dict(line.split("=") for line in service.run(
        "sessions", "create", "--team", team, "--name", "Grace", "--role", "admin", "--platform-admin").stdout.split())
    header = {"Cookie": f"wrenn_sid={cookies['wrenn_sid']}; wrenn_csrf={cookies['wrenn_csrf']}"}
    assert len(service.get("/v1/audit-logs?resource_type=sandbox", headers=header).json()["items"]) == 4
    assert service.get("/v1/admin/audit-logs", key=key).status in (401, 403)
    admin = service.get("/v1/admin/audit-logs", headers=header)
    assert admin.status == 200
    assert all(i["id"] not in [x["id"] for x in items] for i in admin.json()["items"])


def test_hostile_metadata_in_the_shared_table_does_not_break_the_page(service, store):
    team, key = service.new_team()
    add_row(store, team, "2026-05-24T05:02:01.000000Z", metadata="[1, 2]")
    add_row(store, team, "2026-05-24T05:02:02.000000Z", metadata='{"deep": {"a": [1, {"b": null}]}, "n": 1.5}')
    add_row(store, team, "2026-05-24T05:02:03.000000Z", metadata='"text"')
    answer = service.get("/v1/audit-logs?resource_type=sandbox", key=key)
    assert answer.status == 200
    assert json.loads(answer.body)["items"][1]["metadata"] == {"deep": {"a": [1, {"b": None}]}, "n": 1.5}
