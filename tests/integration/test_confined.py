# SPDX-License-Identifier: Apache-2.0
"""The service under the system call rules of its systemd unit. tests/support/confined applies them, and ends a process that
makes a denied call."""
import pathlib

import destinations
import pytest
from support import Stream, make_event, until

pytestmark = pytest.mark.plain_only("the rules are made for the program without sanitizers")
ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_the_calls_that_the_unit_allows_carry_an_event_the_whole_way(make_service, redis, folder, badly_certified):
    """Two workers, so that their supervisor is confined, too. The webhook needs a name looked up, and TLS."""
    service = make_service(WRENN_EVENTS_WORKERS="2", WRENN_EVENTS_CA_FILE=f"{folder}/cert.pem")
    service.prefix = [ROOT / "tests/support/confined", ROOT / "debian/wrenn-events.service"]
    service.start()
    team, key = service.new_team()
    hook = destinations.webhook(badly_certified)
    service.add_webhook(key, hook.config["url"].replace("127.0.0.1", "localhost"))
    stream = Stream(service, key)
    stream.connected()
    event = make_event(team)
    redis.publish(event)
    assert stream.wait_for(1)[0].data["resource"] == event["resource"]
    until(lambda: badly_certified.posted(hook.name), "the webhook")
    rows = service.get("/v1/audit-logs", key=key).json()["items"]
    assert event["resource"]["id"] in [row["resource_id"] for row in rows]
    service.stop()
    assert "a worker ended" not in service.log_text()
