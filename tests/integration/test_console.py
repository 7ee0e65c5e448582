# SPDX-License-Identifier: Apache-2.0
"""The console in Chromium, against the service and the fake providers. The walks are in tests/npm/console: each goes through pages as a
person would, and fails on an error in the browser's console, a request to another origin or a Content-Security-Policy report. Walks that
need nothing else share a service and a browser, because starting those costs more than a walk. Each walk has a team of its own."""
import json
import subprocess

import destinations
import pytest
from clients import WALKS, walk_environment
from proxies import accepts, certificate, start_caddy, start_nginx
from support import DEADLINE_S, PROGRAM, SqliteStore, ask_for_snapshot, free_port, make_event, until

pytestmark = [pytest.mark.plain_only(reason="it drives the program as the other tests do, by way of a browser"), pytest.mark.long]

HOSTILE = ["<users/all> @b *x* `q` &lt;\"'\\ http://e.io/_y_~z~ #r:s a.io [a](b)",  # of the providers' tests
           "<script>window.hostile=1</script>", "<img src=x onerror=\"window.hostile=1\">", "</pre><svg onload=window.hostile=1>", "*bold* <!channel> @everyone",
           "{{DATE(2026-01-01T00:00:00Z)}}", "\u202eabc\u0000def", "\u2067\u05d0\u0628 1 \u2066x", "\U0001f469\u200d\U0001f680" * 20, "e\u0301\u0323\u0334" * 30,
           "two\nlines\r\n: of a stream", "javascript:window.hostile=1", "'; DROP TABLE channels; --", "a" * 300]


@pytest.fixture
def store(folder):
    """One store will do: what a browser sees does not come from it."""
    return SqliteStore(folder)


class Walks:
    """Walks that one browser makes one after another."""

    def __init__(self, service, redis, fake):
        self.service, self.redis, self.fake, self.known = service, redis, fake, {}

    def new_team(self):
        return self.service.new_team()

    def add(self, name, team, key, **wishes):
        self.known[name] = {"base": self.service.url, "key": key, "team": team, "redis": self.redis.url, "program": PROGRAM,
                            "fake": self.fake.origin, **wishes}

    def run(self):
        done = subprocess.run(["node", str(WALKS)], env=walk_environment(**self.known), capture_output=True, text=True, timeout=DEADLINE_S * 8)
        assert done.returncode == 0, done.stderr[-4000:]


@pytest.fixture
def walks(redis, chat_service, fake):
    return Walks(chat_service, redis, fake)


@pytest.fixture
def proxies(folder, chat_service):
    """nginx and Caddy, which have the service below /api: the address of each by its name."""
    ports = {"nginx": free_port(), "caddy": free_port()}
    certificate(folder)
    running = [start(folder, port, chat_service) for start, port in zip((start_nginx, start_caddy), ports.values())]
    try:
        until(lambda: all(accepts(port) for port in ports.values()), "the proxies")
        yield {name: f"https://localhost:{port}/api" for name, port in ports.items()}
    finally:
        for proxy in running:
            proxy.terminate()
            proxy.wait()


def administrator(service, team):
    return service.run("sessions", "create", "--team", team, "--name", "Grace", "--role", "admin", "--platform-admin").stdout.split()


def watch_live(walks):
    team, key = walks.new_team()
    other_team, other_key = walks.new_team()
    few = HOSTILE[:7]  # no more than the list shows at once
    walks.add("live", team, key, hostile=few, otherTeam=other_team, otherKey=other_key, redisSocket=walks.redis.socket)


def look_after_the_service(walks):
    """Needs a service that serves no channel and has no dead letter."""
    team, key = walks.new_team()
    other_team, _ = walks.new_team()
    event = walks.redis.publish(make_event(other_team, resource="of-another-team"))
    walks.redis.client.xadd("wrenn:events:dead", {"id": event, "reason": "a reason of the test", "payload": json.dumps(make_event(other_team))})
    walks.add("operator", team, key, admin=administrator(walks.service, team), seen="of-another-team")


def have_trouble(walks):
    team, key = walks.new_team()
    revoked = walks.service.run("keys", "create", "--team", team, "--name", "revoked").stdout.strip()
    line = next(line for line in walks.service.run("keys", "list").stdout.splitlines() if "revoked" in line)
    walks.add("trouble", team, key, revoked={"key": revoked, "id": line.split()[0]}, environment=walks.service.environment,
              redisProcess=walks.redis.process.pid, redisSocket=walks.redis.socket)


def test_the_stream_is_watched(walks, proxies):
    """A team watches, an administrator, a client behind proxies, and one whose stream breaks."""
    watch_live(walks)
    look_after_the_service(walks)
    walks.add("proxied", *walks.new_team(), proxies=proxies)
    have_trouble(walks)  # the last: it empties the stream
    walks.run()


def use_it_in_every_way(walks):
    team, key = walks.new_team()
    channel = walks.service.add_channel(key, *destinations.webhook(walks.fake)[:2])
    for outcome, error in (("success", None), ("error", "the host did not answer")):
        event = walks.redis.publish(make_event(team, outcome=outcome, error=error))
    walks.redis.publish(make_event(team, "template.snapshot.create", "web-base-7", {"type": "system"}))
    path = f"/v1/channels/{channel['id']}/deliveries?state=delivered"
    until(lambda: len(walks.service.get(path, key=key).json()["items"]) == 2, "both deliveries")
    walks.add("look", team, key, channel=channel["id"], event=event)


def wait_for_a_snapshot(walks, store):
    team, key = walks.new_team()
    ask_for_snapshot(store, team, "web-base-8", 300)
    walks.redis.publish(make_event(team, "template.snapshot.create", "web-base-8", {"type": "system"}))
    until(lambda: "usual" in walks.service.get("/v1/snapshots/pending", key=key).json(), "the first success")
    ask_for_snapshot(store, team, "web-base-9", 5)
    ask_for_snapshot(store, team, "web-base-10", 1000)
    walks.add("waiting", team, key)


def read_the_trail(walks):
    """More rows than one page has."""
    team, key = walks.new_team()
    for number in range(70):
        walks.redis.publish(make_event(team, "capsule.create" if number % 10 else "capsule.pause", f"capsule-{number}"))
    until(lambda: len(walks.service.get("/v1/audit-logs?limit=200", key=key).json()["items"]) == 70, "the rows")
    walks.add("audit", team, key, rows=70, paused=7)


def test_every_page_is_used(walks, store):
    """With axe-core, on both sizes of screens, by keyboard; then what is waited for, and the trail."""
    wait_for_a_snapshot(walks, store)
    use_it_in_every_way(walks)
    read_the_trail(walks)
    walks.run()


def be_hostile(walks, redis, store, fake):
    """Text of an owner of capsules, of whoever answers for a webhook, and of whoever may write to the stream."""
    team, key = walks.new_team()
    destination = destinations.webhook(fake)
    channel = walks.service.add_channel(key, destination.provider, destination.config)
    fake.script({"destination": destination.name, "status": 500, "body": HOSTILE[1] + HOSTILE[7], "times": 0})
    events = [redis.publish(make_event(team, "capsule.create", text, {"type": "user", "name": text}, "error", {"reason": text, text: text}, text)) for text in HOSTILE]
    redis.publish(make_event(team, "capsule.pause", "on-and-on", {"type": "user", "name": "W" * 1000}, "error", {"reason": "W" * 20000}, "W" * 40000))
    redis.publish(make_event(team, "capsule.create", error="W" * 100_000, outcome="error"))  # a dead letter: it is too long
    for text in HOSTILE:
        ask_for_snapshot(store, team, text.replace("\0", "\ufffd"), 5)
        redis.client.xadd("wrenn:events:dead", {"id": "1-1", "reason": text, "payload": text * 3})
    path = f"/v1/channels/{channel['id']}/deliveries?limit=200"
    until(lambda: any(item["attempts"] for item in walks.service.get(path, key=key).json()["items"]), "an attempt")
    walks.add("hostile", team, key, hostile=HOSTILE, events=events, channel=channel["id"], admin=administrator(walks.service, team))


def test_channels_and_hostile_text(walks, redis, store, fake):
    """From the first look at the channels to the last attempt. What others write is text on every page."""
    be_hostile(walks, redis, store, fake)
    made = {name: make() for name, make in destinations.CHAT.items()} | {"webhook": destinations.webhook(fake)}
    walks.add("channels", *walks.new_team(), destinations={name: {"provider": name, "config": one.config, "name": one.name} for name, one in made.items()})
    walks.run()
