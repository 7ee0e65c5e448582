# SPDX-License-Identifier: Apache-2.0
"""Redis as others run it: with TLS, behind sentinels, under a name that moves from one server to another."""
import os
import pathlib
import re
import signal
import subprocess

import pytest
import redis
from fakes import make_certificate
from support import Redis, Service, Stream, free_port, make_event, new_id, until

pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def start_service(folder, store):
    services = []

    def start(url, **settings):
        services.append(Service(folder, url, store.url, **settings))
        return services[-1].start()

    yield start
    for service in services:
        service.stop()


@pytest.fixture
def start_redis(folder):
    servers = []

    def start(name, *arguments):
        os.mkdir(f"{folder}/{name}")
        servers.append(Redis(f"{folder}/{name}", *arguments))
        return servers[-1]

    yield start
    for server in servers:
        server.process.send_signal(signal.SIGCONT)
        server.stop()


def connections(server):
    """The names of the service's connections to a server, in order. None when it threw us out, as a promoted one does."""
    try:
        return sorted(c["name"] for c in server.client.client_list() if c["name"])
    except redis.ConnectionError:
        return None


def expect_event(stream, publish, count):
    """What is published comes, as the event with that number."""
    resource = new_id("cl-")
    publish(resource)
    assert stream.wait_for(count)[-1].data["resource"]["id"] == resource


def publish_with(service, team):
    def publish(resource):
        done = service.run("publish", "capsule.pause", "--team", team, "--resource", resource)
        assert done.returncode == 0, done.stderr

    return publish


def test_serve_and_publish_talk_to_redis_with_tls(folder, start_redis, start_service):
    certificate, key_file = make_certificate(folder)  # it vouches for itself, so it is its own authority
    port = free_port()
    start_redis("tls", "--tls-port", str(port), "--tls-cert-file", certificate, "--tls-key-file", key_file,
                "--tls-ca-cert-file", certificate, "--tls-auth-clients", "yes", "--requirepass", "", "--databases", "4")
    service = start_service(f"rediss://localhost:{port}/3", WRENN_EVENTS_REDIS_CA_FILE=certificate, WRENN_EVENTS_REDIS_CERT_FILE=certificate,
                            WRENN_EVENTS_REDIS_KEY_FILE=key_file)
    team, key = service.new_team()
    stream = Stream(service, key)
    stream.connected()
    expect_event(stream, publish_with(service, team), 1)
    stream.close()

    refused = service.run("publish", "capsule.pause", "--team", team, "--resource", new_id("cl-"), environment={"WRENN_EVENTS_REDIS_CA_FILE": ""})
    assert (refused.returncode, "not trusted" in refused.stderr) == (3, True), refused.stderr
    assert service.run("serve", "--check").returncode == 0
    halved = service.run("serve", "--check", environment={"WRENN_EVENTS_REDIS_KEY_FILE": ""})
    assert halved.returncode != 0 and "WRENN_EVENTS_REDIS_KEY_FILE: " in halved.stderr


def test_a_failover_by_sentinel_is_followed(folder, start_redis, start_service):
    ports = [free_port(), free_port()]
    first, second = (start_redis(f"redis{port}", "--port", str(port)) for port in ports)
    second.client.replicaof("127.0.0.1", ports[0])
    sentinel_port = free_port()
    with open(f"{folder}/sentinel.conf", "w") as config:
        config.write(f"port {sentinel_port}\ndir {folder}\nlogfile {folder}/sentinel.log\nsentinel monitor events 127.0.0.1 {ports[0]} 1\n"
                     "sentinel down-after-milliseconds events 500\nsentinel failover-timeout events 3000\nrequirepass of-the-sentinels\n")
    sentinel = subprocess.Popen(["redis-server", f"{folder}/sentinel.conf", "--sentinel"])
    try:
        service = start_service(f"redis+sentinel://127.0.0.1:1,127.0.0.1:{sentinel_port}/events", WRENN_EVENTS_REDIS_SENTINEL_PASSWORD="of-the-sentinels")
        team, key = service.new_team()
        stream = Stream(service, key)
        stream.connected()
        publish = publish_with(service, team)
        expect_event(stream, publish, 1)
        before = connections(first)
        until(lambda: "+slave" in open(f"{folder}/sentinel.log").read(), "the sentinel to find the replica")
        until(lambda: second.client.xlen("wrenn:events") == 1, "the copy")

        first.process.send_signal(signal.SIGSTOP)
        until(lambda: connections(second) == before, "all connections at the new master")
        expect_event(stream, publish, 2)
        first.process.send_signal(signal.SIGCONT)
        stream.close()
    finally:
        sentinel.terminate()
        sentinel.wait()


def test_all_connections_follow_the_first_that_finds_another_server(folder, start_redis, start_service):
    first, second = start_redis("first"), start_redis("second")
    name = f"{folder}/now"
    os.symlink(first.socket, name)
    service = start_service(f"unix://{name}")
    before = connections(first)
    assert len(before) >= 4, before

    os.unlink(name)
    os.symlink(second.socket, name)
    tail = next(c["id"] for c in first.client.client_list() if c["name"].endswith("tail"))
    first.client.client_kill_filter(_id=tail)
    until(lambda: connections(second) == before, "all connections at the second server")
    assert connections(first) == []
    until(service.is_ready, "readiness")


@pytest.mark.parametrize("url, words", [
    ("redis://a:1,b:2", "cluster of several shards"),
    ("redis://h?ssl_cert_reqs=none", 'the parameter "ssl_cert_reqs"'),
    ("redis://h/1?db=2", "two databases"),
    ("redis+sentinel://a,b", "the master's name"),
])
def test_a_redis_url_that_cannot_be_used_is_refused_by_its_part(folder, store, url, words):
    checked = Service(folder, url, store.url).run("serve", "--check")
    assert checked.returncode != 0 and "REDIS_URL: " in checked.stderr and words in checked.stderr, checked.stderr


def test_what_redis_answers_is_shown(folder, store, start_redis):
    locked = start_redis("locked")
    service = Service(folder, f"unix://{locked.socket}", store.url)
    locked.client.config_set("requirepass", "of-another")
    service.launch()
    try:
        service.wait_for_line("NOAUTH Authentication required")
        done = service.run("publish", "capsule.pause", "--team", new_id("team-"), "--resource", new_id("cl-"))
        assert done.returncode == 3 and "NOAUTH Authentication required" in done.stderr, done.stderr
    finally:
        service.stop()


def sent_commands(server):
    """The commands in the sources, those of the script included. AUTH needs no permission."""
    known = {name.upper() for name in server.client.command()}
    sources = [source for folder in ("auth", "bus", "net") for source in (ROOT / folder).glob("*.c")]
    words = {word for source in sources for word in re.findall("[\"']([A-Z]+)[\"']", source.read_text())}
    return words & known - {"AUTH", "READONLY"}  # the second is the name of an error


def test_a_redis_user_needs_no_command_but_those_of_the_manual(start_redis, start_service, receiver):
    listed = re.search(r"^`(XREADGROUP [A-Z ]+)`$", (ROOT / "docs/operations.md").read_text(), re.M)[1].split()
    port = free_port()
    server = start_redis("strict", "--port", str(port), "--bind", "127.0.0.1")
    assert set(listed) == sent_commands(server)
    server.client.execute_command("ACL", "SETUSER", "service", "on", ">word", "~wrenn:events*", "&wrenn:sse", "&wrenn:events:wake",
                                  "-@all", *(f"+{command.lower()}" for command in listed))
    service = start_service(f"redis://service:word@127.0.0.1:{port}/0")
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)
    stream = Stream(service, key)
    stream.connected()
    for count in range(1, 4):
        server.publish(make_event(team))
        until(lambda: len(receiver.requests) == count, "the webhook")
    stream.wait_for(3)
    until(lambda: server.client.xpending("wrenn:events", "wrenn-events-v1")["pending"] == 0, "the acknowledgements")
    assert "NOPERM" not in service.log_text()
