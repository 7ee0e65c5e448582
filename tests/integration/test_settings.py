# SPDX-License-Identifier: Apache-2.0
"""What a setting says, the running service does. Most settings have their tests beside what they change; none has no test."""
import glob
import json
import os
import pathlib
import re
import subprocess

import pytest
from destinations import discord, slack, teams
from support import PROGRAM, Stream, make_event, new_id, until

pytestmark = [pytest.mark.parametrize("store", ["sqlite"], indirect=True),
              pytest.mark.plain_only("settings, which unit tests read with sanitizers")]


def test_every_setting_is_used_by_a_test(store):
    listed = subprocess.run([PROGRAM, "help", "settings"], capture_output=True, text=True, timeout=60).stdout
    settings = set(re.findall(r"^([A-Z][A-Z0-9_]+)$", listed, re.M))
    used = {word for file in pathlib.Path(__file__).parent.glob("*.py") for word in re.findall(r"\b[A-Z0-9_]+\b", file.read_text())}
    assert len(settings) > 40 and settings - used == set()


def test_a_silent_stream_gets_comments_as_often_as_the_setting_says(make_service):
    """Both have had the same time. With one setting for both they would have as many comments."""
    often, seldom = (make_service(WRENN_EVENTS_KEEPALIVE_S=seconds).start() for seconds in ("1", "300"))
    streams = [Stream(service, service.new_team()[1]) for service in (seldom, often)]
    for stream in streams:
        stream.connected()
    until(lambda: streams[1].comments.count("keepalive") > 1, "two comments")
    assert "keepalive" not in streams[0].comments
    for stream in streams:
        stream.close()


def test_channels_hear_of_what_the_settings_say(make_service, redis, receiver, fake):
    service = make_service(WRENN_EVENTS_NOTIFY_ON="completion", WRENN_EVENTS_STRIP_HOST="true", WRENN_EVENTS_LINK_BASE="https://wrenn.example/app",
                           WRENN_EVENTS_ORIGIN_SLACK=fake.origin, WRENN_EVENTS_GROUP="a-group", WRENN_EVENTS_LOG="text",
                           WRENN_EVENTS_AUDIT="off").start()
    team, key = service.new_team()
    chat = slack()
    service.add_webhook(key, receiver.url)
    service.add_channel(key, "slack", chat.config)
    capsule, metadata = new_id("cl-"), {"host_ip": "10.4.5.6", "template": "minimal"}
    redis.publish(make_event(team, resource=capsule, metadata=metadata))
    redis.publish(make_event(team, resource=capsule, metadata=metadata, actor={"type": "system"}))
    until(lambda: receiver.requests and fake.arrived(chat.name), "both messages")
    told = json.loads(receiver.requests[0]["body"])
    assert (told["actor"]["type"], told["metadata"]) == ("system", {"template": "minimal"}), "the request is not reported, nor is the host"
    assert f"https://wrenn.example/app/capsules/{capsule}" in json.dumps(fake.arrived(chat.name)[0])
    assert [group["name"] for group in redis.client.xinfo_groups("wrenn:events")] == ["a-group"]
    assert not service.log_text().startswith("{")
    assert capsule not in service.get("/v1/audit-logs", key=key).body.decode()


def test_channels_may_have_the_hosts_that_the_settings_name(make_service):
    service = make_service(WRENN_EVENTS_HOSTS_DISCORD="d.example, e.example", WRENN_EVENTS_HOSTS_TEAMS="flow.example").start()
    _, key = service.new_team()

    def status(destination, host):
        url = re.sub(r"//[^/]*", f"//{host}", destination.config["webhook_url"])
        return service.request("POST", "/v1/channels", key=key, body={
            "name": f"{destination.provider}-{host}", "provider": destination.provider, "config": {"webhook_url": url}, "events": ["capsule.create"]}).status

    assert (status(discord(), "d.example"), status(discord(), "e.example"), status(discord(), "flow.example")) == (201, 201, 400)
    assert (status(teams(), "flow.example"), status(teams(), "d.example")) == (201, 400)


def test_the_trail_and_its_checkpoints_are_as_the_settings_say(make_service, redis, store, folder):
    notes, piped, signing_key = f"{folder}/notes", f"{folder}/piped", f"{folder}/signing.key"
    os.mkdir(notes)
    service = make_service(WRENN_EVENTS_AUDIT_STATUS="dashboard", WRENN_EVENTS_AUDIT_ORIGIN="events.example.com", WRENN_EVENTS_AUDIT_KEY_FILE=signing_key,
                           WRENN_EVENTS_AUDIT_CHECKPOINT_DIR=notes, WRENN_EVENTS_AUDIT_CHECKPOINT_COMMAND=f"tee -a {piped}").start()
    until(lambda: store.query("SELECT 1 FROM store_facts WHERE name = 'audit_round'"), "the first round of checkpoints, which has nothing to sign")
    team, key = service.new_team()
    redis.publish(make_event(team, outcome="error", error="no room"))
    row, = until(lambda: service.get("/v1/audit-logs", key=key).json()["items"], "the row")
    assert (row["status"], row["severity"]) == ("error", "error")
    until(lambda: store.query("SELECT 1 FROM audit_trees WHERE size > 0"), "the leaf of the row")
    service.stop()
    store.query("UPDATE store_facts SET value = '2026-01-01T00:00:00Z' WHERE name = 'audit_round'")  # hours ago
    service.start()
    file, = until(lambda: glob.glob(f"{notes}/{team}-*.note"), "the checkpoint in the folder")
    note = pathlib.Path(file).read_text()
    assert note.startswith(f"events.example.com/audit/{team}\n1\n")
    until(lambda: os.path.exists(piped) and note in pathlib.Path(piped).read_text(), "the checkpoint at the command")
    assert os.stat(signing_key).st_mode & 0o777 == 0o600 and os.listdir(f"{folder}/data") != [] and not os.path.exists(f"{folder}/data/audit-signing.key")


@pytest.mark.parametrize("as_json", [False, True])
def test_a_new_signing_key_is_made_where_the_setting_says(make_service, folder, as_json):
    signing_key = f"{folder}/signing.key"
    service = make_service(WRENN_EVENTS_AUDIT_KEY_FILE=signing_key)
    none_yet = service.run("audit", "rotate-key")
    assert (none_yet.returncode, none_yet.stdout) == (2, "") and f"{signing_key}: there is no key yet" in none_yet.stderr, none_yet
    service.start()
    service.stop()
    before = pathlib.Path(signing_key).read_bytes()
    said = service.run("audit", "rotate-key", *(["--json"] if as_json else []))
    assert said.returncode == 0 and not said.stderr, said
    if as_json:
        files = json.loads(said.stdout)
        kept = files["old_key_file"]
        assert files == {"key_file": signing_key, "old_key_file": kept}
    else:
        assert said.stdout.startswith(f"new key: {signing_key}\nold key: {signing_key}.until-"), said
        kept = said.stdout.splitlines()[1].removeprefix("old key: ")
    assert pathlib.Path(kept).read_bytes() == before != pathlib.Path(signing_key).read_bytes()
    assert os.stat(signing_key).st_mode & 0o777 == os.stat(kept).st_mode & 0o777 == 0o600
    service.start()
