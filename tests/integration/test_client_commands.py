# SPDX-License-Identifier: Apache-2.0
"""The commands for people without a browser: channels, deliveries, explain, audit."""
import csv
import datetime
import fcntl
import http.server
import io
import json
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import tty
import zoneinfo

import pytest
from own_help import actions_of
from support import PROGRAM, make_event, new_id, until

pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
SLACK = "https://hooks.slack.com/services/T0001/B0001/aSecretOfSlack"
SETTINGS = f"webhook_url={SLACK}\n"


class Caller:
    """Runs the program as a client of a service, with the key of a team."""

    def __init__(self, service):
        self.service = service
        self.team, self.key = service.new_team()
        self.environment = {"PATH": os.environ["PATH"], "WRENN_BASE_URL": service.url, "WRENN_API_KEY": self.key, "TERM": "xterm"}

    def run(self, *arguments, code=0, stdin="", **environment):
        said = subprocess.run([PROGRAM, *arguments], input=stdin, capture_output=True, text=True, timeout=60,
                              env={**self.environment, **environment})
        assert said.returncode == code, (arguments, said)
        assert SLACK not in said.stdout + said.stderr
        return said

    def lines(self, *arguments, **more):
        return [json.loads(line) for line in self.run(*arguments, **more).stdout.splitlines()]

    def object(self, *arguments, **more):
        found, = self.lines(*arguments, **more)
        return found

    def on_terminal(self, *arguments, columns=200, typed="", code=0, **environment):
        """All that the terminal shows."""
        master, slave = pty.openpty()
        tty.setraw(slave)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        if typed:
            attributes = termios.tcgetattr(slave)
            attributes[3] |= termios.ECHO | termios.ICANON
            termios.tcsetattr(slave, termios.TCSANOW, attributes)
        process = subprocess.Popen([PROGRAM, *arguments], stdin=slave, stdout=slave, stderr=slave, env={**self.environment, **environment})
        os.close(slave)
        shown = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # the program has ended
                break
            shown += piece
            if typed and piece.rstrip().endswith(b":"):
                os.write(master, typed.pop(0).encode() + b"\n")
        os.close(master)
        assert process.wait(timeout=60) == code, shown
        return shown.decode()

    def publish(self, redis, **more):
        return redis.publish(make_event(self.team, **more))

    def wait_for_states(self, channel, *states):
        def seen():
            found = self.lines("deliveries", "list", channel)
            return found if sorted(each["state"] for each in found) == sorted(states) else None
        return until(seen, f"deliveries to be {states}")


@pytest.fixture
def caller(chat_service):
    return Caller(chat_service)


def test_a_channel_from_its_creation_to_its_end(caller, redis, fake):
    made = caller.object("channels", "create", "--name", "Team chat", "--provider", "slack", "--settings", "-", "--event", "capsule.create",
                         stdin=SETTINGS)
    assert made["name"] == "team-chat" and made["events"] == ["capsule.create"] and "filter" not in made
    hook = caller.object("channels", "create", "--name", "failures", "--provider", "webhook", "--set", f"url={fake.origin}/hook", "--only-failures",
                         "--filter", "resource=web-*", "--filter", "resource=db-*")
    assert hook["filter"] == {"outcome": ["error"], "resource": ["web-*", "db-*"]} and hook["secret"] and "volume.create" not in hook["events"]
    assert {"capsule.create", "host.down"} <= set(hook["events"])
    fallback = {"channel_id": hook["id"], "after_minutes": 30}
    spare = caller.object("channels", "create", "--name", "spare", "--provider", "slack", "--settings", "-", "--option", f"fallback={json.dumps(fallback)}",
                          stdin=SETTINGS)
    assert spare["fallback"] == fallback
    caller.run("channels", "delete", "spare")
    assert [each["id"] for each in caller.lines("channels", "list")] == [hook["id"], made["id"]]

    event = caller.publish(redis)
    delivery, = caller.wait_for_states("Team chat", "delivered")
    assert delivery["event_id"] == event and caller.lines("deliveries", "list", made["id"]) == [delivery]
    assert caller.lines("deliveries", "list", "team-chat", "--state", "failed") == []
    shown = caller.object("deliveries", "show", delivery["id"])
    assert [attempt["verdict"] for attempt in shown["attempts"]] == ["delivered"]
    assert caller.object("deliveries", "redeliver", delivery["id"])["state"] == "pending"
    until(lambda: caller.object("deliveries", "show", delivery["id"])["attempt_count"] == 2)
    assert caller.object("deliveries", "recover", "team-chat", "--since", "1h", "--state", "failed") == {"requeued": 0, "more": False}
    verdicts = {each["name"]: each["verdict"] for each in caller.object("explain", event)["channels"]}
    assert verdicts == {"team-chat": "delivered", "failures": "filtered"}

    health = caller.object("channels", "show", "team-chat")
    assert health["id"] == made["id"] and health["health"]["state"] == "healthy"
    assert caller.object("channels", "enable", "team-chat", "--backlog", "skip")["disabled"] is False
    assert caller.object("channels", "test", "--provider", "slack", "--settings", "-", stdin=json.dumps({"webhook_url": SLACK})) == {"status": "ok"}
    preview = caller.object("channels", "preview", "failures", "--event", "capsule.destroy")
    assert preview["provider"] == "webhook" and preview["filtered"] == "outcome"
    assert "plain_body" in caller.object("channels", "preview", "--provider", "slack", "--digest")

    assert caller.object("channels", "snooze", "team-chat", "--for", "8h", "--resource", "web-7")["snooze"]["resources"].keys() == {"web-7"}
    assert "until" in caller.object("channels", "snooze", "team-chat", "--for", "8h")["snooze"]
    assert caller.object("channels", "snooze", "team-chat", "--end")["snooze"].keys() == {"resources"}
    assert "snooze" not in caller.object("channels", "snooze", "team-chat", "--end", "--resource", "web-7")

    gone = caller.run("channels", "delete", "team-chat")
    assert gone.stdout == gone.stderr == "" and [each["name"] for each in caller.lines("channels", "list")] == ["failures"]
    audited = caller.lines("audit", "list", "--resource-type", "channel", "--limit", "2")
    assert len(audited) == 2 and (audited[0]["action"], audited[0]["metadata"]["name"]) == ("delete", "team-chat")


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud800"])
def test_an_event_that_strict_readers_refuse_is_shown(caller, redis, fake, escape):
    """It is stored, served and sent with its bytes."""
    caller.run("channels", "create", "--name", "hook", "--provider", "webhook", "--set", f"url={fake.origin}/hook", "--event", "capsule.create")
    text = json.dumps(make_event(caller.team, resource="cl-here")).replace("cl-here", f"cl-{escape}")
    event = redis.publish(text)
    delivery, = caller.wait_for_states("hook", "delivered")
    assert escape in caller.run("deliveries", "show", delivery["id"]).stdout
    assert escape in fake.arrived("webhook/hook")[0]["body"]
    assert caller.object("explain", event)["channels"]


def test_a_channel_is_changed_and_keeps_what_was_not_named(caller):
    caller.run("channels", "create", "--name", "ops", "--provider", "slack", "--settings", "-", "--event", "capsule.create", "--event", "host.down",
               stdin=SETTINGS)
    quiet = {"zone": "Europe/Berlin", "from": "22:00", "to": "08:00"}
    first = caller.object("channels", "update", "ops", "--only-failures", "--option", "living=true", "--option", f"quiet={json.dumps(quiet)}")
    assert (first["name"], first["events"]) == ("ops", ["capsule.create", "host.down"])
    assert (first["filter"], first["living"], first["quiet"]) == ({"outcome": ["error"]}, True, quiet)
    assert caller.object("channels", "preview", "ops")["filtered"] == "outcome"
    assert "filtered" not in caller.object("channels", "preview", "ops", "--option", "filter=null")
    second = caller.object("channels", "update", "ops", "--name", "Night shift", "--event", "capsule.*", "--option", "filter=null")
    assert second["name"] == "night-shift" and "capsule.destroy" in second["events"] and "host.down" not in second["events"]
    assert "filter" not in second and (second["living"], second["quiet"]) == (True, quiet)
    assert "say what to change" in caller.run("channels", "update", "night-shift", code=2).stderr
    assert "quiet.from" in caller.run("channels", "update", "night-shift", "--option", 'quiet={"zone":"UTC"}', code=2).stderr
    assert "did you mean night-shift?" in caller.run("channels", "update", "nightshift", "--name", "x", code=1).stderr


def test_what_is_held_says_until_when_by_the_clocks_of_the_channel(caller, redis):
    now = datetime.datetime.now(zoneinfo.ZoneInfo("Asia/Kolkata"))
    begin, end = (f"{now + datetime.timedelta(hours=hours):%H:%M}" for hours in (-1, 2))
    quiet = {"zone": "Asia/Kolkata", "from": begin, "to": end}
    caller.run("channels", "create", "--name", "ops", "--provider", "slack", "--settings", "-", "--option", f"quiet={json.dumps(quiet)}", stdin=SETTINGS)
    caller.publish(redis)
    until(lambda: [each for each in caller.lines("deliveries", "list", "ops") if "held_until" in each], "the held message")
    delivery = caller.lines("deliveries", "list", "ops")[0]["id"]
    for words in (("deliveries", "list", "ops"), ("deliveries", "show", delivery), ("channels", "show", "ops")):
        assert f"held until {end} (Asia/Kolkata)" in caller.on_terminal(*words, NO_COLOR="1"), words
    assert caller.object("deliveries", "show", delivery)["state"] == "pending"
    assert f"held until {end} (Asia/Kolkata)" in caller.on_terminal("channels", "preview", "ops", NO_COLOR="1")
    assert "T" in caller.object("channels", "preview", "ops")["held_until"]
    assert "held_until" not in caller.object("channels", "preview", "ops", "--option", "quiet=null")


def test_what_a_team_expects_from_its_creation_to_its_end(caller):
    made = caller.object("expectations", "create", "hosts", "--form", "host", "--within", "20m")
    assert (made["after"], made["without"], made["within_s"]) == ({"event": ["host.down"]}, {"event": ["host.up"]}, 1200)
    after = {"event": ["capsule.pause"], "outcome": "success"}
    own = caller.object("expectations", "create", "mine", "--after", json.dumps(after), "--without", "capsule.resume", "--without", "capsule.destroy",
                        "--within", "2m")
    assert (own["after"], own["without"], own["within_s"]) == (after, {"event": ["capsule.resume", "capsule.destroy"]}, 120)
    assert caller.lines("expectations", "list") == [made, own] and caller.object("expectations", "show", "mine") == own
    shown = caller.on_terminal("expectations", "list", NO_COLOR="1").splitlines()
    assert shown[0].split() == ["NAME", "SECONDS", "WAITING", "MISSED", "AFTER", "WITHOUT"] and "1200" in shown[1] and "capsule.resume" in shown[2]
    assert "host.down" in caller.on_terminal("expectations", "show", "hosts")
    for code, words, *arguments in ((2, "not both", "x", "--form", "host", "--after", "capsule.pause"), (2, "--within", "x", "--after", "capsule.pause"),
                                    (2, "snapshot, capsule or host", "x", "--form", "moon"), (2, "small letters", "Mine", "--form", "host"),
                                    (2, "60 to 604800", "x", "--form", "host", "--within", "5s"), (2, "a JSON object", "x", "--after", "{")):
        assert words in caller.run("expectations", "create", *arguments, code=code).stderr
    assert caller.run("expectations", "delete", "mine").stdout == ""
    assert "expectations list" in caller.run("expectations", "show", "mine", code=1).stderr
    assert caller.lines("expectations", "list") == [made]


def test_the_audit_trail_is_listed_page_by_page_and_exported_as_the_api_has_it(caller, redis):
    for _ in range(450):
        redis.publish(make_event(caller.team))
    until(lambda: len(caller.lines("audit", "list", "--limit", "1000")) == 450)
    rows = caller.lines("audit", "list", "--limit", "430")
    assert len({row["id"] for row in rows}) == 430
    as_csv = list(csv.DictReader(io.StringIO(caller.run("audit", "export", "--format", "csv").stdout)))
    assert [row["id"] for row in as_csv][:430] == [row["id"] for row in rows] and len(as_csv) == 450
    last = as_csv[99]
    rest = csv.DictReader(io.StringIO(caller.run("audit", "export", "--format", "csv", "--before", last["created_at"], "--before-id", last["id"]).stdout))
    assert list(rest) == as_csv[100:]
    header, *exported, checkpoint = caller.lines("audit", "export")
    assert (header["type"], header["size"], checkpoint["type"]) == ("header", 450, "checkpoint")
    assert {line["row"]["id"] for line in exported} == {row["id"] for row in as_csv}
    _, skip, *rest, _ = caller.lines("audit", "export", "--from", "100")
    assert (skip["type"], skip["to"]) == ("skip", 100) and rest == exported[100:]
    assert caller.lines("audit", "list", "--action", "destroy") == []


def test_a_terminal_shows_tables_that_no_text_can_break(caller, redis):
    caller.run("channels", "create", "--name", "ops", "--provider", "slack", "--settings", "-", stdin=SETTINGS)
    caller.publish(redis, kind="template.snapshot.create", resource="日本\u009b2J\u202eevil", outcome="error", error="no room " * 20)
    until(lambda: caller.lines("deliveries", "list", "ops"))
    shown = caller.on_terminal("deliveries", "list", "ops", columns=150)
    head, row = re.sub("\x1b\\[[0-9]*m", "", shown).splitlines()[:2]
    assert head.split()[:3] == ["ID", "CREATED", "EVENT"] and "日本\\u009b2J\\u202eevil" in row
    place = head.index("STATE")  # two of the characters before it are two columns wide
    assert re.match(r"(delivered|pending)", row[place - 2:]), (head, row)
    assert "\x1b[31merror\x1b[0m" in shown
    for plain in (caller.on_terminal("deliveries", "list", "ops", NO_COLOR="1"), caller.on_terminal("deliveries", "list", "ops", TERM="dumb")):
        assert "\x1b" not in plain and head.split()[0] in plain
    assert json.loads(caller.on_terminal("deliveries", "list", "ops", "--json"))["event"] == "template.snapshot.create"
    trail = caller.on_terminal("audit", "list", columns=100, NO_COLOR="1").splitlines()
    assert trail[1].endswith("…") and len(trail[1]) <= 100
    for words in (("channels", "show", "ops"), ("channels", "list"), ("channels", "preview", "ops")):
        assert re.search(r"slack", caller.on_terminal(*words)), words


def test_secrets_are_asked_for_without_being_shown_and_never_taken_from_arguments(caller, folder):
    shown = caller.on_terminal("channels", "create", "--name", "ops", "--provider", "slack", typed=[SLACK])
    assert "slack webhook_url:" in shown and "aSecretOfSlack" not in shown and "ops" in shown
    assert caller.object("channels", "show", "ops")["provider"] == "slack"
    refused = caller.run("channels", "create", "--name", "b", "--provider", "slack", "--set", f"webhook_url={SLACK}", code=2)
    assert "other users see" in refused.stderr
    missing = caller.run("channels", "create", "--name", "b", "--provider", "telegram", "--set", "chat_id=1", code=2)
    assert "bot_token" in missing.stderr and "--settings" in missing.stderr
    with open(f"{folder}/slack.conf", "w") as file:
        file.write(f"# of the team\n\nwebhook_url = {SLACK}\n")
    assert caller.object("channels", "create", "--name", "c", "--provider", "slack", "--settings", f"{folder}/slack.conf")["name"] == "c"
    for wrong, words in ((f"webhook_url {SLACK}", "line 1"), (f"webhook={SLACK}", "it has webhook_url"), (f'{{"webhook_url": {SLACK}}}', "--settings"),
                         ('{"webhook_url": 5}', "must be a string")):
        said = caller.run("channels", "create", "--name", "d", "--provider", "slack", "--settings", "-", stdin=wrong, code=2)
        assert words in said.stderr and "Traceback" not in said.stderr, said.stderr


def test_each_end_has_its_exit_code(caller, fake):
    def refused(code, *arguments, **more):
        said = caller.run(*arguments, code=code, **more)
        assert said.stdout == "" and said.stderr.startswith("wrenn-events: "), said
        return said.stderr

    create = ("channels", "create", "--provider", "slack", "--settings", "-")
    caller.run(*create, "--name", "ops", stdin=SETTINGS)
    assert "did you mean ops?" in refused(1, "channels", "show", "opps")
    assert "channels list" in refused(1, "deliveries", "list", "something")
    channel, delivery = new_id("ch-"), "b7638eff-f38f-5543-a988-3ec94b0a4fb5"
    noes = [("409", *create, "--name", "ops"), ("404", "channels", "show", channel), ("did you mean ops?", "channels", "delete", "opps"),
            ("404", "channels", "enable", channel), ("404", "channels", "snooze", channel, "--end"), ("404", "channels", "preview", channel),
            ("404", "channels", "update", channel, "--name", "x"),
            ("expectations list", "expectations", "show", "none"),
            ("404", "deliveries", "list", channel), ("404", "deliveries", "show", delivery), ("404", "deliveries", "redeliver", delivery),
            ("404", "deliveries", "recover", channel), ("404", "explain", "1-0")]
    for words, *arguments in noes:
        assert words in refused(1, *arguments, stdin=SETTINGS), arguments
    # An empty list is an answer, a rule of the same name is replaced, and what is not there is deleted already.
    never = {("channels", "list"), *(("expectations", action) for action in ("list", "create", "delete"))}
    asked = {tuple(arguments[:2]) for _, *arguments in noes} | {("channels", "test")} | never
    assert asked >= {(name, action) for name in ("channels", "expectations", "deliveries") for action in actions_of(name)}
    fake.script({"destination": "slack", "status": 404, "body": "no_service"})
    assert "removed" in refused(1, "channels", "test", "--provider", "slack", "--settings", "-", stdin=SETTINGS)
    assert "did you mean create?" in refused(2, "channels", "creat")
    assert "which action? There are list, show" in refused(2, "channels")
    assert "did you mean capsule.create?" in refused(2, *create, "--name", "b", "--event", "capsule.creat", stdin=SETTINGS)
    assert "did you mean slack?" in refused(2, "channels", "preview", "--provider", "slak")
    assert "UUID" in refused(2, "deliveries", "show", "ops") and "stream id" in refused(2, "explain", "ops")
    assert "400" in refused(2, "deliveries", "list", "ops", "--state", "lost") and "--limit" in refused(2, "audit", "list", "--limit", "0")
    assert "filter has no member" in refused(2, *create, "--name", "b", "--filter", "colour=red", stdin=SETTINGS)
    assert "format" in refused(2, "audit", "export", "--format", "xml")
    assert "NAME=JSON" in refused(2, *create, "--name", "b", "--option", "living=perhaps", stdin=SETTINGS)
    assert "400" in refused(2, *create, "--name", "b", "--option", "fallback=7", stdin=SETTINGS)
    assert "did you mean living?" in refused(2, *create, "--name", "b", "--option", "livng=true", stdin=SETTINGS)
    assert "channels snooze" in refused(2, *create, "--name", "b", "--option", 'snooze={"for":"8h"}', stdin=SETTINGS)
    assert "--for, --until and --end" in refused(2, "channels", "snooze", "ops")
    assert "400" in refused(2, "channels", "snooze", "ops", "--for", "soon")
    assert "401" in refused(3, "channels", "list", "--api-key", "wrn_" + "0" * 32)


class Stranger(http.server.BaseHTTPRequestHandler):
    """Answers every request with a page, and an export with less than it announced."""

    def do_GET(self):
        body = b'{"id":"log-1"}\n{"id":"lo' if "export" in self.path else b"<html></html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + (100 if "export" in self.path else 0)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_a_stranger_and_an_export_that_broke_off_are_exit_3(caller):
    with http.server.HTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        assert "is not wrenn-events" in caller.run("channels", "list", "--url", url, code=3).stderr
        cut = caller.run("audit", "export", "--url", url, code=3)
        assert cut.stdout == '{"id":"log-1"}\n' and "not whole" in cut.stderr and "--from" in cut.stderr
        assert "--before" in caller.run("audit", "export", "--format", "ocsf", "--url", url, code=3).stderr
        server.shutdown()


def test_a_reader_that_has_gone_ends_an_answer_in_silence(caller):
    caller.run("channels", "create", "--name", "ops", "--provider", "slack", "--settings", "-", stdin=SETTINGS)
    for words in (("channels", "list"), ("channels", "show", "ops"), ("audit", "list"), ("audit", "export"), ("deliveries", "recover", "ops")):
        reader, writer = os.pipe()
        os.close(reader)
        ended = subprocess.run([PROGRAM, *words], stdout=writer, stderr=subprocess.PIPE, timeout=60, env=caller.environment)
        os.close(writer)
        assert ended.returncode == -13 and ended.stderr == b"", (words, ended)
