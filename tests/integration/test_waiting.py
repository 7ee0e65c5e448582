# SPDX-License-Identifier: Apache-2.0
"""The page docs/waiting.md: each of its examples is run as it stands, against a front that plays the control
plane's part (a snapshot is accepted, and its outcome published sooner or later) and hands the rest to us."""
import http.client
import http.server
import json
import os
import re
import subprocess
import threading

import pytest
from support import DEADLINE_S, PROGRAM, make_event, new_id

pytestmark = pytest.mark.plain_only(reason="it drives the program as the other tests do, by way of the page's examples")

PAGE = os.path.join(os.path.dirname(__file__), "../../docs/waiting.md")
COMMANDS = {"curl": ["sh"], "shell": ["sh"], "javascript": ["node", "--input-type=module"], "python": ["/usr/bin/python3", "-"]}


def snippets():
    with open(PAGE) as page:
        return dict(re.findall(r"<!-- snippet: (\w+) -->\n```\w+\n(.*?)\n```\n", page.read(), re.S))


class Front:
    """When a snapshot is asked for, the outcome is published `after_s` later; 0 is before the answer, None when a client
    waits again after the time of its first request was up."""

    def __init__(self, service, redis, team, outcome, after_s, status=202):
        self.asked = []
        self.waited = []
        self.timers = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(handler):
                body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
                self.asked.append((handler.path, body))
                if status != 202:
                    handler.reply(status, {}, b"{}")
                    return
                event = make_event(team, "template.snapshot.create", resource=body["name"], outcome=outcome,
                                   actor={"type": "system"}, error="disk full" if outcome == "error" else None)
                if after_s == 0:
                    redis.publish(event)
                elif after_s is None:
                    self.later = event
                else:
                    self.timers.append(threading.Timer(after_s, redis.publish, [event]))
                    self.timers[-1].start()
                handler.reply(202, {}, b"{}")

            def do_GET(handler):
                path = handler.path
                self.waited.append(int(re.search(r"timeout=(\d+)", path)[1]))
                if after_s is None and len(self.waited) == 1:
                    path = re.sub(r"timeout=\d+", "timeout=1", path)
                elif after_s is None and len(self.waited) == 2:
                    redis.publish(self.later)
                connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=DEADLINE_S)
                connection.request("GET", path, headers={"X-API-Key": handler.headers["X-API-Key"]})
                answer = connection.getresponse()
                handler.reply(answer.status, {"X-Wrenn-Cursor": answer.headers.get("X-Wrenn-Cursor", "")}, answer.read())
                connection.close()

            def reply(handler, status, headers, body):
                handler.send_response(status)
                for name, value in headers.items():
                    handler.send_header(name, value)
                if status != 204:
                    handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(handler, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        for timer in self.timers:
            timer.join()
        self.server.shutdown()
        self.server.server_close()


def run(language, front, key, capsule):
    environment = {**os.environ, "WRENN_BASE_URL": front.url, "WRENN_API_KEY": key, "CAPSULE": capsule, "NAME": "base",
                   "PATH": os.path.dirname(PROGRAM) + ":" + os.environ["PATH"]}
    try:
        return subprocess.run(COMMANDS[language], input=snippets()[language], env=environment, capture_output=True,
                              text=True, timeout=DEADLINE_S)
    finally:
        front.close()


def test_the_page_has_an_example_for_each_language():
    assert sorted(snippets()) == sorted(COMMANDS)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("language", sorted(COMMANDS))
@pytest.mark.parametrize("outcome,after_s", [("success", 0), ("success", 0.5), ("error", 0.2)])
def test_an_example_ends_with_the_outcome_and_not_with_that_of_an_earlier_run(service, redis, language, outcome, after_s):
    team, key = service.new_team()
    other = "error" if outcome == "success" else "success"
    redis.publish(make_event(team, "template.snapshot.create", resource="base", outcome=other, actor={"type": "system"}))
    front = Front(service, redis, team, outcome, after_s)
    capsule = new_id("cl-")
    ended = run(language, front, key, capsule)
    event = json.loads(ended.stdout)
    assert (event["event"], event["outcome"], event["resource"]["id"]) == ("template.snapshot.create", outcome, "base"), ended
    assert front.asked == [("/v1/snapshots", {"sandbox_id": capsule, "name": "base"})]
    assert ended.returncode == (0 if outcome == "success" else 1), ended.stderr
    if language == "shell" and outcome == "error":
        assert "disk full" in ended.stderr


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("language", sorted(COMMANDS))
@pytest.mark.parametrize("status", [409, 500])
def test_an_example_waits_for_nothing_when_the_request_is_refused(service, redis, language, status):
    """This holds also where the shell does not stop at the first failure."""
    team, key = service.new_team()
    front = Front(service, redis, team, "success", 0, status)
    ended = run(language, front, key, new_id("cl-"))
    assert ended.returncode != 0 and ended.stderr and not ended.stdout, ended
    assert len(front.asked) == 1 and not front.waited


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("language", sorted(COMMANDS))
def test_an_example_asks_again_before_a_proxy_gives_up(service, redis, language):
    team, key = service.new_team()
    front = Front(service, redis, team, "success", None)
    ended = run(language, front, key, new_id("cl-"))
    assert ended.returncode == 0 and json.loads(ended.stdout)["resource"]["id"] == "base", ended
    assert len(front.waited) == 2 and max(front.waited) < 55
