# SPDX-License-Identifier: Apache-2.0
"""The console in Chromium, against the service and the fake providers. The scripts are in tests/npm/console: each walks through
pages as a person would, and fails on an error in the browser's console, a request to another origin or a report of the policy."""
import json
import os
import pathlib
import subprocess

import destinations
import pytest
from clients import browser
from support import DEADLINE_S, PROGRAM, SqliteStore, make_event, until

pytestmark = pytest.mark.plain_only(reason="it drives the program as the other tests do, by way of a browser")

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent / "npm/console"
HOSTILE = ["<script>window.hostile=1</script>", "<img src=x onerror=\"window.hostile=1\">", "</pre><svg onload=window.hostile=1>", "*bold* <!channel> @everyone",
           "{{DATE(2026-01-01T00:00:00Z)}}", "\u202eabc\u0000def", "javascript:window.hostile=1", "'; DROP TABLE channels; --", "a" * 300]


@pytest.fixture
def store(folder):
    """One store will do: what a browser sees does not come from it."""
    return SqliteStore(folder)


@pytest.fixture
def walk(folder, redis, chat_service, fake):
    """Runs a script to its end, with what it needs to know and what the test adds."""
    team, key = chat_service.new_team()

    def run(name, **wishes):
        known = {"base": chat_service.url, "key": key, "team": team, "redis": redis.url, "program": PROGRAM, "fake": fake.origin,
                 "browser": browser(), **wishes}
        done = subprocess.run(["node", str(SCRIPTS / name)], env={**os.environ, "WRENN_TEST_CONSOLE": json.dumps(known)}, capture_output=True,
                              text=True, timeout=DEADLINE_S * 5)
        assert done.returncode == 0, done.stderr[-4000:]

    run.team, run.key = team, key
    return run


def test_live_events(walk, chat_service):
    other_team, other_key = chat_service.new_team()
    walk("live.mjs", hostile=HOSTILE, otherTeam=other_team, otherKey=other_key)


def test_channels_from_the_first_look_to_the_last_attempt(walk, fake):
    made = {name: make() for name, make in destinations.CHAT.items()} | {"webhook": destinations.webhook(fake)}
    walk("channels.mjs", destinations={name: {"provider": name, "config": one.config, "name": one.name} for name, one in made.items()})


def test_everybody_can_use_it(walk, chat_service, redis, fake):
    channel = chat_service.add_channel(walk.key, *destinations.webhook(fake)[:2])
    for outcome, error in (("success", None), ("error", "the host did not answer")):
        event = redis.publish(make_event(walk.team, outcome=outcome, error=error))
    redis.publish(make_event(walk.team, "template.snapshot.create", "web-base-7", {"type": "system"}))
    until(lambda: len(chat_service.get(f"/v1/channels/{channel['id']}/deliveries?state=delivered", key=walk.key).json()["items"]) == 2, "both deliveries")
    walk("look.mjs", channel=channel["id"], event=event)
