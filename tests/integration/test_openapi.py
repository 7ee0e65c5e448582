# SPDX-License-Identifier: Apache-2.0
"""The description the service serves says what the service does, no more and no less."""
import glob
import os
import re

import yaml

from support import make_event, new_id, until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
METHODS = {"get", "post", "put", "patch", "delete"}


def described(document):
    return {(method.upper(), path) for path, item in document["paths"].items() for method in item if method in METHODS}


def registered():
    """Every route in the tables of the sources; the console's pages are no part of the API."""
    found = set()
    for name in glob.glob(f"{ROOT}/*/*.c"):
        if os.path.basename(os.path.dirname(name)) in ("tests", "build"):
            continue
        with open(name) as source:
            found |= set(re.findall(r'\{\s*HTTP_([A-Z]+),\s*"(/[^"]*)"', source.read()))
    return {(method, path) for method, path in found if path != "/" and not path.startswith("/console")}


def walk(node, where=""):
    yield where, node
    if isinstance(node, dict):
        for name, value in node.items():
            yield from walk(value, f"{where}/{name}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, f"{where}/{index}")


def test_every_route_is_described_and_every_description_is_a_route(service):
    answer = service.get("/openapi.yaml")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/yaml"
    document = yaml.safe_load(answer.body)
    assert document["openapi"].startswith("3.1")
    assert len(registered()) > 15
    assert described(document) == registered()


def test_the_description_holds_together(service):
    document = yaml.safe_load(service.get("/openapi.yaml").body)
    names = []
    used = set()
    for where, node in walk(document):
        assert node is not None, f"{where} is empty: a comma in an unquoted text?"
        if isinstance(node, dict) and "$ref" in node:
            target = document
            for piece in node["$ref"].removeprefix("#/").split("/"):
                assert piece in target, f"{where} points nowhere: {node['$ref']}"
                target = target[piece]
            used.add(node["$ref"])
        if isinstance(node, dict) and "operationId" in node:
            names.append(node["operationId"])
            assert node["responses"], where
    assert len(names) == len(set(names))
    for kind in ("schemas", "parameters", "responses"):
        for name in document["components"][kind]:
            assert f"#/components/{kind}/{name}" in used, f"nobody uses {kind}/{name}"
    for path, item in document["paths"].items():
        parameters = [p["$ref"].rsplit("/", 1)[1] for p in item.get("parameters", [])]
        shown = [document["components"]["parameters"][p]["name"] for p in parameters]
        assert shown == re.findall(r"\{(\w+)\}", path), path


def test_every_described_route_answers(service):
    document = yaml.safe_load(service.get("/openapi.yaml").body)
    for method, path in sorted(described(document)):
        if path in ("/metrics", "/healthz", "/readyz", "/openapi.yaml"):
            continue
        answer = service.request(method, path.replace("{id}", "x"))
        assert answer.status == 401, (method, path, answer.status, "nobody may ask this without credentials")


def test_an_event_without_rows_is_explained_from_redis(service, redis):
    team, key = service.new_team()
    _, stranger = service.new_team()
    stream_id = redis.publish(make_event(team, kind="host.up", resource=new_id("host-"), outcome=None,
                                         actor={"type": "system"}))
    ms, sequence = stream_id.split("-")

    answer = service.get(f"/v1/events/{stream_id}/explain", key=key)
    assert answer.status == 200
    assert answer.json()["event"]["event"] == "host.up"
    assert answer.json()["channels"] == []
    assert service.get(f"/v1/events/{stream_id}/explain", key=stranger).status == 404
    assert service.get(f"/v1/events/{ms}-{int(sequence) + 7}/explain", key=key).status == 404
    assert service.get("/v1/events/18446744073709551615-18446744073709551615/explain", key=key).status == 404

    channel = service.add_webhook(key, "http://127.0.0.1:1/", events=("host.up", "host.down"))
    until(lambda: service.get(f"/v1/events/{stream_id}/explain", key=key).json()["channels"], "the channel")
    told = service.get(f"/v1/events/{stream_id}/explain", key=key).json()["channels"]
    assert [(c["channel_id"], c["verdict"]) for c in told] == [(channel["id"], "channel_newer")]


def test_a_delivery_is_listed_shown_and_sent_again(service, redis, receiver):
    team, key = service.new_team()
    channel = service.add_webhook(key, receiver.url, events=("capsule.create",))
    event = make_event(team)
    stream_id = redis.publish(event)

    def listed(state):
        page = service.get(f"/v1/channels/{channel['id']}/deliveries?state={state}", key=key).json()
        return page["items"]

    item = until(lambda: listed("delivered"), "the delivery")[0]
    assert item["event_id"] == stream_id
    detail = service.get(f"/v1/deliveries/{item['id']}", key=key).json()
    assert detail["payload"] == event
    assert [(a["number"], a["status"], a["verdict"]) for a in detail["attempts"]] == [(1, 204, "delivered")]

    assert service.request("POST", f"/v1/deliveries/{item['id']}/redeliver", key=key).status == 202
    again = until(lambda: [one for one in listed("delivered") if one["attempts"] == 2], "the second try")[0]
    assert again["id"] == item["id"]
    assert {r["headers"]["X-Wrenn-Delivery"] for r in receiver.requests} == {item["id"]}
    verdicts = service.get(f"/v1/events/{stream_id}/explain", key=key).json()["channels"]
    assert verdicts[0]["verdict"] == "delivered"
    assert verdicts[0]["delivery_id"] == item["id"]
