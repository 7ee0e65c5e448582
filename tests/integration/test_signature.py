# SPDX-License-Identifier: Apache-2.0
"""The webhook's signatures, checked by code that did not write them: openssl and npm's standardwebhooks."""
import base64
import json
import pathlib
import subprocess

import pytest
from destinations import webhook
from support import make_event, until

pytestmark = pytest.mark.plain_only(reason="it drives the program as the other tests do, and checks with other programs what came")

NPM = pathlib.Path(__file__).resolve().parent.parent / "npm"
VERIFY = """
import { Webhook } from "standardwebhooks";
import { readFileSync } from "node:fs";
const told = JSON.parse(readFileSync(0, "utf8"));
const event = new Webhook(told.secret).verify(told.body, told.headers);
process.stdout.write(JSON.stringify(event));
"""


def verified_by_the_library(secret, request):
    told = json.dumps({"secret": secret, "body": request["body"], "headers": request["headers"]})
    return subprocess.run(["node", "--input-type=module", "-e", VERIFY], input=told, cwd=NPM, capture_output=True, text=True)


def openssl_hmac(key, message):
    return subprocess.run(["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:" + key.hex(), "-binary"],
                          input=message, capture_output=True, check=True).stdout


def deliver_one(service, redis, fake, team, destination):
    event = make_event(team, metadata={"template": "café"})
    before = len(fake.arrived(destination.name))
    redis.publish(event)
    return event, until(lambda: fake.arrived(destination.name)[before:], "the webhook")[0]


@pytest.mark.parametrize("supplied", [None, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="])
def test_openssl_and_the_standard_library_accept_the_signatures(service, redis, fake, supplied):
    team, key = service.new_team()
    destination = webhook(fake)
    config = {**destination.config, **({"secret": supplied} if supplied else {})}
    secret = service.add_channel(key, "webhook", config)["secret"]
    event, request = deliver_one(service, redis, fake, team, destination)

    body, headers = request["body"].encode(), request["headers"]
    own = openssl_hmac(secret.encode(), headers["X-Wrenn-Timestamp"].encode() + b"." + body)
    assert headers["X-Wrenn-Signature"] == "sha256=" + own.hex()
    standard = openssl_hmac(base64.b64decode(secret.removeprefix("whsec_")),
                            f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body)
    assert headers["webhook-signature"] == "v1," + base64.b64encode(standard).decode()

    result = verified_by_the_library(secret, request)
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout) == event
    request["body"] = request["body"].replace("success", "failure")
    assert "No matching signature" in verified_by_the_library(secret, request).stderr


def test_after_a_rotation_both_secrets_verify(service, redis, fake):
    team, key = service.new_team()
    destination = webhook(fake)
    channel = service.add_channel(key, "webhook", destination.config)
    new = "whsec_//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA="
    answer = service.request("PUT", f"/v1/channels/{channel['id']}/config", key=key,
                             body={"config": {**destination.config, "secret": new}})
    assert answer.status == 200 and "secret" not in answer.json(), answer.body

    _, request = deliver_one(service, redis, fake, team, destination)

    assert len(request["headers"]["webhook-signature"].split()) == 2
    for secret in (new, channel["secret"]):
        assert verified_by_the_library(secret, request).returncode == 0
    own = openssl_hmac(new.encode(), request["headers"]["X-Wrenn-Timestamp"].encode() + b"." + request["body"].encode())
    assert request["headers"]["X-Wrenn-Signature"] == "sha256=" + own.hex()


def own_signature(secret, request):
    message = request["headers"]["X-Wrenn-Timestamp"].encode() + b"." + request["body"].encode()
    return "sha256=" + openssl_hmac(secret.encode(), message).hex()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_receiver_that_compares_the_whole_header_takes_events_with_either_secret(service, redis, receiver):
    """It answers 401 to what it cannot verify, as receivers do."""
    team, key = service.new_team()
    channel = service.add_channel(key, "webhook", {"url": receiver.url})
    new = "whsec_//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA="
    answer = service.request("PUT", f"/v1/channels/{channel['id']}/config", key=key, body={"config": {"secret": new}})
    assert answer.status == 200, answer.body
    for secret, attempts in ((new, 1), (channel["secret"], 2)):
        mine = []

        def verify(request):
            request = {"headers": request["headers"], "body": request["body"].decode()}
            mine.append(request)
            return 204 if request["headers"]["X-Wrenn-Signature"] == own_signature(secret, request) else 401

        receiver.answer = verify
        redis.publish(make_event(team))
        until(lambda: len(mine) == attempts, f"attempt {attempts}")
        listed = service.get(f"/v1/channels/{channel['id']}/deliveries?limit=1", key=key).json()["items"]
        until(lambda: service.get(f"/v1/deliveries/{listed[0]['id']}", key=key).json()["state"] == "delivered", "the delivery")
        assert mine[0]["headers"]["X-Wrenn-Signatures"].split(", ") == [own_signature(s, mine[0]) for s in (new, channel["secret"])]


def test_a_rotation_without_overlap_leaves_the_new_secret_alone(service, redis, fake):
    team, key = service.new_team()
    destination = webhook(fake)
    channel = service.add_channel(key, "webhook", destination.config)
    new = "whsec_//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA="
    answer = service.request("PUT", f"/v1/channels/{channel['id']}/config", key=key,
                             body={"config": {**destination.config, "secret": new}, "overlap_s": 0})
    assert answer.status == 200, answer.body
    _, request = deliver_one(service, redis, fake, team, destination)
    assert verified_by_the_library(new, request).returncode == 0
    assert verified_by_the_library(channel["secret"], request).returncode != 0
