# SPDX-License-Identifier: Apache-2.0
"""The snippets of docs/webhooks.md, and those of the console, verify what the service sends, and nothing else."""
import email.message
import json
import os
import pathlib
import re
import subprocess
import time
from unittest import mock

import pytest
from own_help import said
from support import make_event, until

pytestmark = [pytest.mark.plain_only("the code under test is the guide's"),
              pytest.mark.parametrize("store", ["sqlite"], indirect=True)]
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GUIDE = (ROOT / "docs/webhooks.md").read_text()
CALL = """
import { readFileSync } from "node:fs";
const told = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(String(verify(told.secret, told.headers, Buffer.from(told.body))));
"""


def test_the_guide_says_of_every_kind_what_its_metadata_holds(store):
    table = GUIDE[GUIDE.index("## What `metadata` holds"):]
    rows = {word for line in re.findall(r"^\| (.*?) \|", table, re.M) for word in re.findall(r"`(\S+)`", line)}
    kinds = said("help", "kinds").split()
    assert len(kinds) > 10 and [kind for kind in kinds if not {kind, f"{kind.split('.')[0]}.*"} & rows] == []


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


def console_snippet(language):
    script = f'import {{ SNIPPETS }} from "{ROOT}/console/channels/snippets.js"; process.stdout.write(SNIPPETS.{language});'
    run = subprocess.run(["node", "--input-type=module", "-e", script], capture_output=True, text=True, timeout=60)
    assert run.stdout, run
    return run.stdout


def ask_the_console_in_python(secret, headers, body):
    names, fields = {}, email.message.Message()
    for name, value in headers.items():
        fields[name] = value
    exec(console_snippet("Python"), names)  # noqa: S102
    with mock.patch.dict(os.environ, {"WRENN_SECRET": secret}):
        return names["is_from_wrenn"](fields, body.encode())


def ask_the_console_in_node(secret, headers, body):
    run = subprocess.run(["node", "--input-type=module", "-e", console_snippet("Node") + CALL.replace("verify(told.secret, ", "isFromWrenn(")],
                         capture_output=True, text=True, timeout=60, input=json.dumps({"headers": headers, "body": body}),
                         env={**os.environ, "WRENN_SECRET": secret})
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
    for verify in (ask_the_console_in_python, ask_the_console_in_node):
        assert verify(channel["secret"], headers, body) and verify(new, headers, body)
        assert not verify("another", headers, body) and not verify(new, headers, body + " ")
