# SPDX-License-Identifier: Apache-2.0
"""Trust over time: within a minute a stream whose credential no longer holds is told so and closed, whatever it lost, and the
others go on. All of them wait for the same minute."""
import re
import time

import pytest
from support import Stream, id_to_uuid, make_event, until

A_MINUTE_S = 60
GOOD_STREAMS = 30


def session(service, team, name, *more):
    lines = service.run("sessions", "create", "--team", team, "--name", name, "--role", "member", *more).stdout.split()
    return ["Cookie: " + "; ".join(lines)]


def lookups(service):
    return int(re.search(r"wrenn_events_auth_lookups_total (\d+)", service.get("/metrics").body.decode())[1])


def closes(service):
    return int(re.search(r'wrenn_events_sse_closes_total{reason="credentials"} (\d+)', service.get("/metrics").body.decode())[1])


def lose_trust(store, lost_team):
    user = "(SELECT id FROM users WHERE name = %s)"
    store.query("DELETE FROM team_api_keys WHERE name = 'revoked' AND team_id = %s", lost_team["keeps"])
    store.query(f"DELETE FROM sessions WHERE user_id = {user}", "Ended")
    store.query(f"UPDATE sessions SET expires_at = %s WHERE user_id = {user}", "2026-01-01T00:00:00.000000Z", "Expired")
    store.query(f"DELETE FROM users_teams WHERE user_id = {user}", "Left")
    store.query(f"UPDATE users SET is_admin = FALSE WHERE id = {user}", "Demoted")
    store.query("UPDATE teams SET deleted_at = created_at WHERE id = %s", lost_team["goes"])


@pytest.mark.long
def test_a_stream_ends_within_a_minute_of_losing_its_credential(make_service, store, redis):
    service = make_service().start()
    team, key = service.new_team()
    deleted_team, deleted_key = service.new_team()
    revoked = service.run("keys", "create", "--team", team, "--name", "revoked").stdout.strip()
    doomed = {
        "key revoked": Stream(service, revoked),
        "session ended": Stream(service, None, headers=session(service, team, "Ended")),
        "session expired": Stream(service, None, headers=session(service, team, "Expired")),
        "team left": Stream(service, None, headers=session(service, team, "Left")),
        "team deleted": Stream(service, deleted_key),
        "no administrator any more": Stream(service, None, path="/v1/admin/events/stream", headers=session(service, team, "Demoted", "--platform-admin")),
    }
    steady = [Stream(service, key) for _ in range(GOOD_STREAMS)]
    steady.append(Stream(service, None, headers=session(service, team, "Stays")))
    steady.append(Stream(service, None, path="/v1/admin/events/stream", headers=session(service, team, "Rules", "--platform-admin")))
    for stream in [*doomed.values(), *steady]:
        assert stream.status == 200
        stream.connected()
    before = lookups(service)
    lose_trust(store, {"keeps": id_to_uuid(team), "goes": id_to_uuid(deleted_team)})
    began = time.monotonic()
    for what, stream in doomed.items():
        assert stream.ended.wait(2 * A_MINUTE_S), what
        assert "credentials no longer valid" in stream.comments, what
        stream.close()
    minutes = 1 + int((time.monotonic() - began) / A_MINUTE_S)
    assert closes(service) == len(doomed)
    # One for each credential of the doomed, and a key and two sessions that stay.
    assert lookups(service) - before <= len(doomed) + 3 * (minutes + 1)
    last = redis.publish(make_event(team))
    for stream in steady:
        until(lambda: stream.last_id() == last, "the last event")
        assert not stream.ended.is_set()
        stream.close()
