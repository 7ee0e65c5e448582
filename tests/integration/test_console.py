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
from proxies import accepts, certificate, start_caddy, start_nginx
from support import DEADLINE_S, PROGRAM, SqliteStore, ask_for_snapshot, free_port, make_event, until

pytestmark = pytest.mark.plain_only(reason="it drives the program as the other tests do, by way of a browser")

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent / "npm/console"
HOSTILE = ["<users/all> @b *x* `q` &lt;\"'\\ http://e.io/_y_~z~ #r:s a.io [a](b)",  # of the providers' tests
           "<script>window.hostile=1</script>", "<img src=x onerror=\"window.hostile=1\">", "</pre><svg onload=window.hostile=1>", "*bold* <!channel> @everyone",
           "{{DATE(2026-01-01T00:00:00Z)}}", "\u202eabc\u0000def", "\u2067\u05d0\u0628 1 \u2066x", "\U0001f469\u200d\U0001f680" * 20, "e\u0301\u0323\u0334" * 30,
           "two\nlines\r\n: of a stream", "javascript:window.hostile=1", "'; DROP TABLE channels; --", "a" * 300]


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
    few = HOSTILE[:7]  # no more than the list shows at once
    walk("live.mjs", hostile=few, otherTeam=other_team, otherKey=other_key)


def test_hostile_text_is_text_on_every_page(walk, chat_service, redis, store, fake):
    """Of an owner of capsules, of whoever answers for a webhook, and of whoever may write to the stream."""
    session = chat_service.run("sessions", "create", "--team", walk.team, "--name", "Grace", "--role", "admin", "--platform-admin").stdout.split()
    destination = destinations.webhook(fake)
    channel = chat_service.add_channel(walk.key, destination.provider, destination.config)
    fake.script({"destination": destination.name, "status": 500, "body": HOSTILE[1] + HOSTILE[7], "times": 0})
    events = [redis.publish(make_event(walk.team, "capsule.create", text, {"type": "user", "name": text}, "error", {"reason": text, text: text}, text)) for text in HOSTILE]
    redis.publish(make_event(walk.team, "capsule.pause", "on-and-on", {"type": "user", "name": "W" * 1000}, "error", {"reason": "W" * 20000}, "W" * 40000))
    redis.publish(make_event(walk.team, "capsule.create", error="W" * 100_000, outcome="error"))  # a dead letter: it is too long
    for text in HOSTILE:
        ask_for_snapshot(store, walk.team, text.replace("\0", "\ufffd"), 5)
        redis.client.xadd("wrenn:events:dead", {"id": "1-1", "reason": text, "payload": text * 3})
    path = f"/v1/channels/{channel['id']}/deliveries?limit=200"
    until(lambda: any(item["attempts"] for item in chat_service.get(path, key=walk.key).json()["items"]), "an attempt")
    walk("hostile.mjs", hostile=HOSTILE, events=events, channel=channel["id"], admin=session)


def test_what_may_happen_to_the_stream(walk, chat_service, redis):
    key = chat_service.run("keys", "create", "--team", walk.team, "--name", "revoked").stdout.strip()
    line = next(line for line in chat_service.run("keys", "list").stdout.splitlines() if "revoked" in line)
    walk("trouble.mjs", revoked={"key": key, "id": line.split()[0]}, environment=chat_service.environment, redisProcess=redis.process.pid,
         redisSocket=redis.socket)


def test_it_works_behind_proxies(walk, chat_service, folder):
    ports = {"nginx": free_port(), "caddy": free_port()}
    certificate(folder)
    running = [start(folder, port, chat_service) for start, port in zip((start_nginx, start_caddy), ports.values())]
    try:
        until(lambda: all(accepts(port) for port in ports.values()), "the proxies")
        walk("proxied.mjs", proxies={name: f"https://localhost:{port}/api" for name, port in ports.items()})
    finally:
        for proxy in running:
            proxy.terminate()
            proxy.wait()


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


def test_an_administrator_looks_after_the_service(walk, chat_service, redis):
    session = chat_service.run("sessions", "create", "--team", walk.team, "--name", "Grace", "--role", "admin", "--platform-admin").stdout.split()
    other_team, _ = chat_service.new_team()
    event = redis.publish(make_event(other_team, resource="of-another-team"))
    redis.client.xadd("wrenn:events:dead", {"id": event, "reason": "a reason of the test", "payload": json.dumps(make_event(other_team))})
    walk("operator.mjs", admin=session, seen="of-another-team")


def test_a_snapshot_is_waited_for(walk, chat_service, redis, store):
    ask_for_snapshot(store, walk.team, "web-base-8", 40)
    redis.publish(make_event(walk.team, "template.snapshot.create", "web-base-8", {"type": "system"}))
    until(lambda: "usual" in chat_service.get("/v1/snapshots/pending", key=walk.key).json(), "the first success")
    ask_for_snapshot(store, walk.team, "web-base-9", 5)
    ask_for_snapshot(store, walk.team, "web-base-10", 300)
    walk("waiting.mjs")


def test_the_trail_is_read_and_kept(walk, chat_service, redis):
    """More rows than one page has."""
    for number in range(70):
        redis.publish(make_event(walk.team, "capsule.create" if number % 10 else "capsule.pause", f"capsule-{number}"))
    until(lambda: len(chat_service.get("/v1/audit-logs?limit=200", key=walk.key).json()["items"]) == 70, "the rows")
    walk("audit.mjs", rows=70, paused=7)
