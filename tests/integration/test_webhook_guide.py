# SPDX-License-Identifier: Apache-2.0
"""The snippets of docs/webhooks.md verify what the service sends, and nothing else."""
import json
import pathlib
import re
import subprocess
import time

import pytest
from support import make_event, until

pytestmark = [pytest.mark.plain_only("the code under test is the guide's"),
              pytest.mark.parametrize("store", ["sqlite"], indirect=True)]
GUIDE = (pathlib.Path(__file__).resolve().parent.parent.parent / "docs/webhooks.md").read_text()
CALL = """
import { readFileSync } from "node:fs";
const told = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(String(verify(told.secret, told.headers, Buffer.from(told.body))));
"""


def snippet(language):
    return re.search(rf"```{language}\n(.*?)```", GUIDE, re.S)[1]


def verify_in_python(secret, headers, body):
    names = {}
    exec(snippet("python"), names)  # noqa: S102
    return names["verify"](secret, headers, body.encode())


def verify_in_node(secret, headers, body):
    run = subprocess.run(["node", "--input-type=module", "-e", snippet("js") + CALL], capture_output=True, text=True, timeout=60,
                         input=json.dumps({"secret": secret, "headers": headers, "body": body}))
    assert not run.stderr, run
    return run.stdout == "true"


def test_the_snippets_accept_ours_with_either_secret_and_refuse_the_rest(service, redis, receiver):
    team, key = service.new_team()
    channel = service.add_channel(key, "webhook", {"url": receiver.url})
    new = "whsec_//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA="
    assert service.request("PUT", f"/v1/channels/{channel['id']}/config", key=key, body={"config": {"secret": new}}).status == 200
    redis.publish(make_event(team, metadata={"template": "café"}))
    request = until(lambda: receiver.requests, "the webhook")[0]
    headers = {name.lower(): value for name, value in request["headers"].items()}
    body = request["body"].decode()
    old = {**headers, "webhook-timestamp": str(int(time.time()) - 301)}
    for verify in (verify_in_python, verify_in_node):
        assert verify(channel["secret"], headers, body) and verify(new, headers, body)
        assert not verify("another", headers, body) and not verify(new, headers, body + " ") and not verify(new, old, body)
