# SPDX-License-Identifier: Apache-2.0
"""Every endpoint of channels and deliveries with good, bad, foreign, too large and repeated input, on both stores. Whatever
comes back is held against the description the service serves."""
import concurrent.futures
import datetime
import json
import threading

import psycopg2
import pytest
from described import Description
from support import id_to_uuid, make_event, new_id, until

HOUR_AGO = {"since": "1h"}
ALL = {  # name: method, path, a good body; "URL" stands for the webhook's
    "create": ("POST", "/v1/channels", {"name": "new", "provider": "webhook", "config": {"url": "URL"}, "events": ["capsule.create"]}),
    "list": ("GET", "/v1/channels", None),
    "get": ("GET", "/v1/channels/{channel}", None),
    "update": ("PATCH", "/v1/channels/{channel}", {"name": "other", "events": ["capsule.create"]}),
    "config": ("PUT", "/v1/channels/{channel}/config", {"config": {"url": "URL"}, "overlap_s": 60}),
    "enable": ("POST", "/v1/channels/{channel}/enable", {"backlog": "deliver"}),
    "activity": ("GET", "/v1/channels/{channel}/activity", None),
    "event_activity": ("GET", "/v1/events/activity", None),
    "snapshots": ("GET", "/v1/snapshots/pending", None),
    "deliveries": ("GET", "/v1/channels/{channel}/deliveries", None),
    "health": ("GET", "/v1/channels/{channel}/health", None),
    "recover": ("POST", "/v1/channels/{channel}/recover", HOUR_AGO),
    "delivery": ("GET", "/v1/deliveries/{delivery}", None),
    "redeliver": ("POST", "/v1/deliveries/{delivery}/redeliver", None),
    "explain": ("GET", "/v1/events/{event}/explain", None),
    "listeners": ("GET", "/v1/events/{event}/listeners", None),
    "test": ("POST", "/v1/channels/test", {"provider": "webhook", "config": {"url": "URL"}}),
    "preview": ("POST", "/v1/channels/preview", {"provider": "slack", "event": "capsule.create"}),
    "expect": ("PUT", "/v1/expectations/{expectation}", {"form": "host"}),
    "expectations": ("GET", "/v1/expectations", None),
    "expect_no_more": ("DELETE", "/v1/expectations/{expectation}", None),
    "delete": ("DELETE", "/v1/channels/{channel}", None),
}
READS = [name for name, (method, _, _) in ALL.items() if method == "GET"]
CHANGES = [name for name in ALL if name not in READS]
WITH_BODY = [name for name, (_, _, body) in ALL.items() if body]
GOOD = {"create": 201, "recover": 202, "redeliver": 202, "expect": 201, "expect_no_more": 204, "delete": 204}


class World:
    """A team with a channel whose only delivery has failed."""

    def __init__(self, service, redis, store, receiver):
        self.service, self.redis, self.store, self.receiver = service, redis, store, receiver
        self.description = Description(service)
        self.team, self.key = service.new_team()
        self.ids = {"expectation": "mine"}
        self.ids["channel"] = self.ask("create", {"name": "first"}).json()["id"]
        self.fail_one()

    def fail_one(self):
        """One more failed delivery; the last one is the one that is asked for. What a webhook answers is tried again for a day, so the row
        is made what that would make it, while its request is under way."""
        def fail(request):
            self.store.query("UPDATE deliveries SET state = 'failed', attempts = 1, last_status = 422, last_error = 'destination answered 422' "
                             "WHERE id = %s", request["headers"]["X-Wrenn-Delivery"])
            return 422

        self.receiver.answer = fail
        self.ids["event"] = self.redis.publish(make_event(self.team))
        failed = until(lambda: [d for d in self.ask("deliveries", query="?state=failed").json()["items"] if d["event_id"] == self.ids["event"]], "the failure")
        self.ids["delivery"] = failed[0]["id"]
        until(lambda: self.ask("delivery").json()["attempts"], "the attempt's own row")
        self.receiver.answer = lambda request: 204

    def body(self, name, members=None):
        """The good body of an endpoint with other members; a value of None leaves one out."""
        if isinstance(members, (str, bytes)):
            return members
        body = {**(ALL[name][2] or {}), **(members or {})}
        body = json.loads(json.dumps(body).replace('"URL"', json.dumps(self.receiver.url)))
        return {member: value for member, value in body.items() if value is not None} if ALL[name][2] or members else None

    def ask(self, name, members=None, key=None, query="", headers=None, **ids):
        method, template, _ = ALL[name]
        body = self.body(name, members)
        if isinstance(body, (str, bytes)):
            headers = {"Content-Type": "application/json", **(headers or {})}
        answer = self.service.request(method, template.format(**{**self.ids, **ids}) + query, body, self.key if key is None else key, headers)
        self.description.check(method, template, answer)
        return answer

    def audited(self, action):
        return self.store.query("SELECT count(*) FROM audit_logs WHERE resource_type = 'channel' AND action = %s", action)[0][0]

    def at_once(self, name, count=6, bodies=None):
        """The same request several times at the same moment."""
        start = threading.Barrier(count)

        def ask(index):
            start.wait()
            return self.ask(name, bodies[index] if bodies else None)
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            return list(pool.map(ask, range(count)))


@pytest.fixture
def world(service, redis, store, receiver):
    return World(service, redis, store, receiver)


def test_good_input_gets_what_is_described(world):
    for name in ALL:
        answer = world.ask(name)
        assert answer.status == GOOD.get(name, 200), (name, answer.body)
        if name in ("recover", "redeliver"):
            until(lambda: world.ask("delivery").json()["state"] == "delivered", "the second try")
    assert world.ask("get").status == 404


def test_what_nobody_asked_for_is_ignored(world):
    for name in ALL:
        if name in ("delete", "redeliver"):
            continue
        members = {"colour": "green"} if name in WITH_BODY else None
        query = "?colour=green" if name in READS else ""
        assert world.ask(name, members, query=query).status == GOOD.get(name, 200), name


NOT_JSON = ["{", "[]", "7", '"text"', "null", '{"a":1,"a":2}', "{} {}", b"\xff\xfe", b'{"name":"\xc3("}', '{"name":"\\ud800"}']
BAD = [  # endpoint, members, the field that is named (None: the body as a whole)
    ("create", {"name": None}, None), ("create", {"provider": None}, None), ("create", {"config": None}, None), ("create", {"events": None}, None),
    ("create", {"name": 7}, None), ("create", {"config": []}, None), ("create", {"config": {"url": 7}}, None), ("create", {"events": "capsule.create"}, None),
    ("create", {"events": [7]}, None), ("create", {"name": "-x"}, "name"), ("create", {"name": " "}, "name"), ("create", {"name": "\u00e9"}, "name"),
    ("create", {"provider": "fax"}, "provider"), ("create", {"provider": "Slack"}, "provider"), ("create", {"events": []}, "events"),
    ("create", {"events": ["capsule.created"]}, "events"), ("create", {"events": ["capsule.state.changed"]}, "events"), ("create", {"events": ["channel.test"]}, "events"),
    ("create", {"config": {}}, "url"), ("create", {"config": {"url": ""}}, "url"), ("create", {"config": {"url": "ftp://h/"}}, "url"),
    ("create", {"provider": "slack", "config": {"url": "http://h/"}}, "webhook_url"),
    ("create", {"provider": "telegram", "config": {"bot_token": "1:" + "x" * 35}}, "chat_id"),
    ("create", {"provider": "matrix", "config": {"homeserver_url": "https://h", "access_token": "t"}}, "room_id"),
    ("update", {"name": None}, None), ("update", {"events": None}, None), ("update", {"name": "a/b"}, "name"), ("update", {"events": []}, "events"),
    ("update", {"events": ["host"]}, "events"), ("update", {"events": {}}, None),
    ("config", {"config": None}, None), ("config", {"config": "x"}, None), ("config", {"config": {"url": 7}}, None), ("config", {"config": {"url": "h"}}, "url"),
    ("config", {"config": {"url": "http://u:p@h/"}}, "url"), ("config", {"overlap_s": -1}, "overlap_s"), ("config", {"overlap_s": 604801}, "overlap_s"),
    ("config", {"overlap_s": 1.5}, "overlap_s"), ("config", {"overlap_s": "60"}, "overlap_s"),
    ("enable", {"backlog": "keep"}, "backlog"), ("enable", {"backlog": 7}, "backlog"), ("enable", {"backlog": ["skip"]}, "backlog"),
    ("recover", {"since": "soon"}, "since"), ("recover", {"since": 7}, "since"), ("recover", {"until": "2026-01-01"}, "until"), ("recover", {"state": "pending"}, "state"),
    ("recover", {"state": ["failed"]}, "state"), ("recover", {"since": ""}, "since"),
    ("test", {"provider": None}, None), ("test", {"config": None}, None), ("test", {"provider": "fax"}, "provider"), ("test", {"config": {}}, "url"),
    ("test", {"config": {"url": True}}, None), ("test", {"config": {"url": "http://h/#x"}}, "url"),
    ("test", {"provider": "discord", "config": {"webhook_url": "https://discord.com/api/webhooks/1/x"}}, "webhook_url"),
    ("preview", {"provider": None}, None), ("preview", {"provider": "fax"}, "provider"), ("preview", {"event": None}, "event"), ("preview", {"event": 7}, "event"),
    ("preview", {"event": "capsule.created"}, "event"), ("preview", {"event": {}}, "event"), ("preview", {"digest": "yes"}, "digest"), ("preview", {"config": 7}, None),
    ("expect", {"form": "fax"}, "form"), ("expect", {"form": None}, "after"), ("expect", {"within_s": 59}, "within_s"), ("expect", {"within_s": "1h"}, "within_s"),
    ("expect", {"after": {"event": "host.down"}}, "form"), ("expect", {"form": None, "after": {"event": "host.down"}, "without": {}}, "without"),
    ("expect", {"form": None, "after": {"event": "wrenn.expectation.missed"}}, "after.event"),
    ("preview", {"config": {"webhook_url": "https://slack.com/x"}}, "webhook_url"), ("preview", {"provider": "webhook", "event": None, "digest": True}, "digest"),
]
BAD_IDS = {"channel": ["ch-!", "ch-" + "0" * 24, "ch-" + "0" * 26, "ch-" + "z" * 25, "ch-" + "A" * 25, "team-" + "0" * 25, "0" * 25, "%00", "ch-%2F"],
           "delivery": ["1", "00000000-0000-4000-8000-00000000000", "00000000-0000-4000-8000-00000000000g", "ch-" + "0" * 25, "%00"],
           "expectation": ["A", "a%20b", "%00", "a%2Fb", "a" * 65],
           "event": ["1", "1-", "-1", "1-1-1", "0x1-1", "99999999999999999999999-1", "+1-1", "1-1%20"]}
BAD_QUERIES = ["?limit=0", "?limit=-1", "?limit=x", "?limit=", "?limit=1&limit=2", "?before=now", "?before=", "?before_id=1", "?state=lost", "?event=capsule.created",
               "?event=capsule.*", "?since=soon", "?since=", "?until=1", "?since=1h&since=2h"]


def test_bad_input_is_refused_by_name_and_changes_nothing(world):
    before = world.store.query("SELECT name, config, event_types FROM channels"), world.audited("create")
    for name in WITH_BODY:
        for body in NOT_JSON:
            assert world.ask(name, body).status == 400, (name, body)
    for name, members, field in BAD:
        answer = world.ask(name, members)
        assert answer.status == 400, (name, members, answer.body)
        if field:
            assert answer.json()["error"].get("details", {}).get("field") == field, (name, members, answer.body)
    for query in BAD_QUERIES:
        assert world.ask("deliveries", query=query).status == 400, query
    assert (world.store.query("SELECT name, config, event_types FROM channels"), world.audited("create")) == before
    assert world.ask("delivery").json()["state"] == "failed"


def test_a_malformed_id_is_400_on_every_endpoint(world):
    for name, (_, template, _) in ALL.items():
        for kind, values in BAD_IDS.items():
            for value in values if f"{{{kind}}}" in template else []:
                assert world.ask(name, **{kind: value}).status == 400, (name, value)


def sign_in(world, role):
    """The header fields of a session: without and with the token that changes need."""
    cookie, csrf = world.service.run("sessions", "create", "--team", world.team, "--name", "Ada", "--role", role).stdout.split()
    session = {"Cookie": f"{cookie}; {csrf}"}
    return session, {**session, "X-CSRF-Token": csrf.partition("=")[2]}


def test_who_may_not_is_told_so(world):
    session, token = sign_in(world, "member")
    for name in ALL:
        for wrong in ("", "wrn_" + "0" * 32, "nonsense"):
            assert world.ask(name, key=wrong).status == 401, (name, wrong)
        refused = 403 if name in CHANGES else 200
        assert world.ask(name, key="", headers=session).status == refused, name
        if name in CHANGES:
            assert world.ask(name, key="", headers={**session, "X-CSRF-Token": "0" * 64}).status == 403, name
    assert world.ask("preview", key="", headers=token).status == 200
    world.store.query("UPDATE teams SET deleted_at = created_at WHERE id = %s", id_to_uuid(world.team))
    for name in ALL:
        assert world.ask(name).status == 401, name
        assert world.ask(name, key="", headers=token).status in (401, 403), name


def test_only_the_roles_that_may_change_something_do(world, make_service):
    (_, member), (_, owner) = sign_in(world, "member"), sign_in(world, "owner")
    world.service = make_service(WRENN_EVENTS_CHANNEL_ROLE="owner").start()
    for name in ALL:
        refused = 403 if name in CHANGES else 200
        assert (world.ask(name, key="", headers=member).status, world.ask(name).status) == (refused, refused), name
    for name in ALL:
        assert world.ask(name, key="", headers=owner).status == GOOD.get(name, 200), name
        if name == "recover":
            until(lambda: world.ask("delivery").json()["state"] == "delivered", "the second try")
    world.service = make_service(WRENN_EVENTS_API_KEYS="stream").start()
    for name in ALL:
        assert world.ask(name).status == 401, name


def test_another_teams_things_are_as_if_they_were_not(world):
    _, stranger = world.service.new_team()
    unknown = {"channel": "ch-" + "0" * 25, "delivery": "00000000-0000-4000-8000-000000000000", "event": "1-1"}
    before = world.ask("get").json(), world.ask("delivery").json(), world.audited("delete")
    for name, (_, template, _) in ALL.items():
        if "{" not in template or "{expectation}" in template or name == "listeners":  # a name and a count are each team's own
            continue
        status = 204 if name == "delete" else 404
        foreign, missing = world.ask(name, key=stranger), world.ask(name, key=stranger, **unknown)
        assert (foreign.status, missing.status) == (status, status), name
        if name != "delete":
            assert foreign.json()["error"]["message"] == missing.json()["error"]["message"], name
    assert world.ask("list", key=stranger).json() == []
    assert (world.ask("get").json(), world.ask("delivery").json(), world.audited("delete")) == before
    # The name is taken in the one team and free in the other.
    assert (world.ask("create", {"name": "first"}).status, world.ask("create", {"name": "first"}, key=stranger).status) == (409, 201)


def test_too_large_input_is_refused(world):
    for name, (method, template, _) in ALL.items():
        assert world.ask(name, " " * 65537).status == 413, name
        assert world.ask(name, query="?x=" + "a" * 17000).status == 431, name
        assert world.ask(name, headers={"X-Long": "a" * 17000}).status == 431, name
        if "{" in template:
            long_ids = {kind: "a" * 10000 for kind in world.ids}
            assert world.ask(name, **long_ids).status == 400, name
            assert world.ask(name, **{kind: "a" * 17000 for kind in world.ids}).status == 431, name
    assert world.ask("get").status == 200 and world.ask("delivery").json()["state"] == "failed"
    long_url = "http://127.0.0.1/" + "u" * 4096
    for name, members, field in [("create", {"name": "n" * 65}, "name"), ("create", {"config": {"url": long_url}}, "url"),
                                 ("create", {"config": {"url": "URL", "secret": "s" * 4097}}, "secret"), ("update", {"name": "n" * 65}, "name"),
                                 ("config", {"config": {"url": long_url}}, "url"), ("config", {"config": {"url": "URL", "secret": "s" * 4097}}, "secret"),
                                 ("test", {"config": {"url": long_url}}, "url"),
                                 ("preview", {"provider": "webhook", "config": {"url": long_url}}, "url"), ("recover", {"since": "1" * 5000}, "since"),
                                 ("enable", {"backlog": "x" * 5000}, "backlog"), ("create", {"provider": "x" * 60000}, "provider"),
                                 ("create", {"events": ["x" * 60000]}, "events"), ("preview", {"event": "x" * 60000}, "event")]:
        answer = world.ask(name, members)
        assert (answer.status, answer.json()["error"]["details"]["field"]) == (400, field), (name, field)
        assert len(answer.body) < 1000, name
    for name in WITH_BODY:
        assert world.ask(name, "[" * 60000).status == 400, name
    for query in ("?limit=99999999999999999999", "?limit=201", "?state=" + ",".join(["failed"] * 16)):
        assert world.ask("deliveries", query=query).status == 200, query
    for query in ("?state=" + "failed," * 2000, "?before=" + "2" * 9000, "?event=" + "x" * 9000, "?since=" + "9" * 9000 + "h"):
        assert world.ask("deliveries", query=query).status == 400, query[:20]


def test_input_as_large_as_it_may_be_is_taken(world):
    pad = " " * (65536 - len(json.dumps(world.body("create", {"name": "n" * 64}))))
    assert world.ask("create", json.dumps(world.body("create", {"name": "n" * 64})) + pad).status == 201
    url = world.receiver.url + "?" + "u" * (4095 - len(world.receiver.url))
    assert world.ask("create", {"name": "long", "config": {"url": url, "secret": "s" * 4096}, "events": ["capsule.create"] * 3000}).status == 201
    assert world.ask("config", {"config": {"url": url}, "overlap_s": 604800}).status == 200
    world.fail_one()
    assert max(len(r["path"]) for r in world.receiver.requests) > 4000, "the longest URL is sent to"
    for number in range(47):
        assert world.ask("create", {"name": f"c{number}"}).status == 201
    assert world.ask("create", {"name": "one-more"}).status == 409
    assert len(world.ask("list").json()) == 50


def test_the_same_again_is_harmless_or_told(world):
    assert [world.ask("create").status for _ in range(2)] == [201, 409]
    assert world.ask("create", {"name": " NEW "}).status == 409
    event = make_event(world.team)  # with a time of its own, or the preview shows the moment
    for name in READS + ["preview"]:
        members = {"event": event} if name == "preview" else None
        first, second = world.ask(name, members), world.ask(name, members)
        assert (first.status, first.body) == (second.status, second.body), name
    for name in ("update", "config", "enable"):
        first, second = world.ask(name).json(), world.ask(name).json()
        assert {**first, "updated_at": ""} == {**second, "updated_at": ""}, name
    count = len(world.receiver.requests)
    assert [world.ask("test").status for _ in range(2)] == [200, 200]
    assert len(world.receiver.requests) == count + 2

    held = threading.Event()
    world.receiver.answer = lambda request: held.wait(60) and 204
    assert [world.ask("redeliver").status for _ in range(2)] == [202, 409]
    held.set()
    until(lambda: world.ask("delivery").json()["state"] == "delivered", "the second try")
    world.fail_one()
    assert [world.ask("recover").json()["requeued"] for _ in range(2)] == [1, 0]
    assert [world.ask("delete").status for _ in range(2)] == [204, 204]
    assert world.audited("delete") == 1


def test_the_same_at_the_same_moment_happens_once(make_service, redis, store, receiver):
    world = World(make_service(WRENN_EVENTS_WORKERS="2").start(), redis, store, receiver)
    assert sorted(a.status for a in world.at_once("create")) == [201] + [409] * 5
    assert world.audited("create") == 2
    assert [a.status for a in world.at_once("enable")] == [200] * 6
    names = [{"name": f"same-{n}"} for n in range(6)]
    assert [a.status for a in world.at_once("update", bodies=names)] == [200] * 6
    assert {a.status for a in world.at_once("config")} <= {200, 409, 503}
    held = threading.Event()
    world.receiver.answer = lambda request: held.wait(60) and 204
    assert sorted(a.status for a in world.at_once("redeliver")) == [202] + [409] * 5
    held.set()
    until(lambda: world.ask("delivery").json()["state"] == "delivered", "the second try")
    world.fail_one()
    assert sum(a.json()["requeued"] for a in world.at_once("recover")) == 1
    for number in range(47):
        assert world.ask("create", {"name": f"c{number}"}).status == 201
    last = [{"name": f"last-{n}"} for n in range(6)]
    assert sorted(a.status for a in world.at_once("create", bodies=last)) == [201] + [409] * 5
    assert [a.status for a in world.at_once("delete")] == [204] * 6
    assert world.audited("delete") == 1


def times_of(node):
    """Every value whose name ends in _at, at any depth."""
    if isinstance(node, list):
        return [time for item in node for time in times_of(item)]
    if not isinstance(node, dict):
        return []
    return [time for name, value in node.items() for time in ([value] if name.endswith("_at") else times_of(value))]


def test_times_are_in_utc_wherever_service_and_store_are(make_service, redis, store, receiver):
    if store.name == "postgres":
        store.query(f"ALTER DATABASE {store.database} SET timezone TO 'Asia/Tokyo'")
    began = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    world = World(make_service(TZ="America/St_Johns").start(), redis, store, receiver)
    answers = [world.ask(name).json() for name in ("get", "list", "deliveries", "health", "delivery", "explain")]
    answers.append(world.service.get("/v1/audit-logs", key=world.key).json())
    times = times_of(answers)
    assert len(times) >= 10
    for text in times:
        time = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
        assert began <= time <= began + datetime.timedelta(minutes=10), text


def others(store):
    """A connection of another program to the same database."""
    return psycopg2.connect(host=store.cluster.folder, user="postgres", dbname=store.database)


def waiting(store):
    """How many sessions wait for a lock."""
    return store.query("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")[0][0]


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_two_processes_that_enable_a_channel_at_once_record_it_once(world, make_service, store):
    services = [world.service, make_service().start()]
    world.receiver.answer = lambda request: 410
    world.redis.publish(make_event(world.team))
    until(lambda: world.ask("get").json()["disabled"], "the channel to be disabled")
    world.receiver.answer = lambda request: 204
    connection = others(store)
    connection.cursor().execute("SELECT id FROM public.channels FOR UPDATE")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        path = ALL["enable"][1].format(**world.ids)
        answers = [pool.submit(service.request, "POST", path, None, world.key) for service in services]
        until(lambda: waiting(store) >= 2, "both to wait")
        connection.commit()
        connection.close()
        assert [answer.result().status for answer in answers] == [200, 200]
    assert world.audited("enable") == 1


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_a_fiftieth_channel_that_another_program_is_adding_counts(world, store):
    for number in range(48):
        assert world.ask("create", {"name": f"c{number}"}).status == 201
    connection = others(store)
    connection.cursor().execute("INSERT INTO public.channels (id, team_id, name, provider, config, event_types, created_at, updated_at) SELECT gen_random_uuid(), "
                                "team_id, 'theirs', provider, config, event_types, created_at, updated_at FROM public.channels LIMIT 1")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        ours = pool.submit(world.ask, "create")
        until(lambda: ours.done() or waiting(store) == 1, "our request to wait for theirs")
        connection.commit()
        connection.close()
        assert ours.result().status == 409


def test_an_event_of_ones_own_is_previewed_and_one_too_large_is_not(world):
    event = make_event(world.team, "capsule.destroy", new_id("cl-"), outcome="error", error="boom")
    shown = world.ask("preview", {"event": event}).json()
    assert "boom" in shown["body"] and shown["size"] <= shown["limit"]
    assert world.ask("preview", {"event": {**event, "error": "x" * 64000}}).status == 200
    assert world.ask("preview", {"event": {**event, "error": "x" * 66000}}).status == 413
    assert world.ask("preview", {"event": {**event, "metadata": {f"k{n}": "v" for n in range(65)}}}).status == 400
