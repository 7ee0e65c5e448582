# SPDX-License-Identifier: Apache-2.0
"""The examples in config/ for nginx and Caddy, as they stand except for names, ports and certificates: events come through
HTTP/2 one by one, the moment they happen. Needs the packages nginx, caddy and curl."""
import json
import os
import subprocess
import threading
import types
import urllib.request

import pytest
from support import DEADLINE_S, Stream, free_port, make_event, until

pytestmark = pytest.mark.plain_only(reason="it drives the program as the other tests do, by way of proxies")

CONFIG = os.path.join(os.path.dirname(__file__), "../../config")


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{folder}/tls.key", "-out", f"{folder}/tls.pem",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)


def read_example(name, replacements):
    with open(f"{CONFIG}/{name}") as example:
        text = example.read()
    for old, new in replacements.items():
        assert old in text, (name, old)
        text = text.replace(old, new)
    return text


def start_nginx(folder, port, service):
    site = read_example("nginx.example.conf", {
        "listen 443 ssl http2": f"listen 127.0.0.1:{port} ssl http2", "wrenn.example.com;": "localhost;",
        "/etc/ssl/certs/wrenn.example.com.pem": f"{folder}/tls.pem", "/etc/ssl/private/wrenn.example.com.key": f"{folder}/tls.key",
        "127.0.0.1:9730": f"127.0.0.1:{service.port}", "127.0.0.1:9725": "127.0.0.1:9"})
    return run_nginx(folder, site)


def run_nginx(folder, site):
    temporary = "".join(f"{kind}_temp_path {folder}/nginx-{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(f"{folder}/nginx.conf", "w") as main:
        main.write(f"daemon off; master_process off; pid {folder}/nginx.pid; events {{}} http {{ {temporary} gzip on; gzip_types *; access_log off;\n{site}\n}}\n")
    return subprocess.Popen(["/usr/sbin/nginx", "-c", f"{folder}/nginx.conf", "-p", folder, "-e", f"{folder}/nginx.log"])


def start_caddy(folder, port, service):
    site = read_example("Caddyfile.example", {
        "wrenn.example.com {": f"https://localhost:{port} {{\n\ttls {folder}/tls.pem {folder}/tls.key\n\tencode gzip",
        "127.0.0.1:9730": f"127.0.0.1:{service.port}", "127.0.0.1:9725": "127.0.0.1:9"})
    with open(f"{folder}/Caddyfile", "w") as main:
        main.write(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{site}")
    return subprocess.Popen(["caddy", "run", "--config", f"{folder}/Caddyfile", "--adapter", "caddyfile"],
                            env={**os.environ, "HOME": folder, "XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder},
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Curl:
    """curl over HTTP/2; what it has printed so far."""

    def __init__(self, folder, port, key, path, *options):
        self.text = ""
        self.process = subprocess.Popen(["curl", "-sSNi", "--compressed", "--http2", "--cacert", f"{folder}/tls.pem", "-H", f"X-API-Key: {key}", *options,
                                         f"https://localhost:{port}{path}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        while data := self.process.stdout.read(65536):
            self.text += data.decode()

    def whole(self):
        """All of an answer that ends by itself."""
        self.process.wait(timeout=DEADLINE_S)
        return self.end()

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.thread.join()
        return self.text


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("start", [start_nginx, start_caddy], ids=["nginx", "caddy"])
def test_events_come_through_the_proxy_one_by_one(make_service, redis, folder, start):
    service = make_service(WRENN_EVENTS_CORS_ORIGINS="https://app.example.com").start()
    team, key = service.new_team()
    port = free_port()
    certificate(folder)
    proxy = start(folder, port, service)
    curls = []

    def curl(*arguments):
        curls.append(Curl(folder, port, key, *arguments))
        return curls[-1]

    try:
        until(lambda: proxy.poll() is None and "HTTP/2 200" in curl("/api/v1/channels").whole(), "the proxy to answer")
        stream = curl("/api/v1/events/stream?event=host.*", "-H", "Origin: https://app.example.com")
        until(lambda: "event: connected" in stream.text, "the greeting")
        head = stream.text.lower()
        assert head.startswith("http/2 200") and "cache-control: no-cache, no-transform" in head
        assert "content-encoding" not in head and "access-control-allow-origin: https://app.example.com" in head
        for _ in range(5):
            stream_id = redis.publish(make_event(team, "host.up", resource="host-1"))
            until(lambda: f"id: {stream_id}\n" in stream.text, "the event, before the next one is published")
        last = [line for line in stream.text.split("\n") if line.startswith("id: ")][-2][4:]
        stream.end()
        again = curl(f"/api/v1/events/stream?last_event_id={last}")
        until(lambda: f"id: {stream_id}\n" in again.text, "the last event once more")
        waiting = curl("/api/v1/events/wait?event=host.down&since=earliest")
        redis.publish(make_event(team, "host.down", resource="host-1"))
        until(lambda: '"event":"host.down"' in waiting.text, "the answer")
        exported = curl("/api/v1/audit-logs/export?format=jsonl").whole().lower()
        assert "http/2 200" in exported and "content-type: application/x-ndjson" in exported
        page = curl("/api/console/").whole().lower()
        assert "http/2 200" in page and "content-security-policy: default-src 'none'" in page and "<!doctype html>" in page
        assert "location: console/" in curl("/api/console").whole().lower().splitlines()
        preflight = curl("/api/v1/channels", "-X", "OPTIONS", "-H", "Origin: https://app.example.com", "-H", "Access-Control-Request-Method: POST")
        assert "HTTP/2 204" in preflight.whole() and "x-csrf-token" in preflight.text.lower()
    finally:
        for one in curls:
            one.end()
        proxy.terminate()
        proxy.wait()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_nginx_with_nothing_but_proxy_pass_serves_everything(make_service, redis, folder):
    """To what lies behind it, it then speaks HTTP/1.0."""
    service = make_service().start()
    team, key = service.new_team()
    port = free_port()
    proxy = run_nginx(folder, f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{service.port}; }} }}")
    front = types.SimpleNamespace(port=port)
    try:
        until(lambda: proxy.poll() is None and is_answered(port), "the proxy to answer")
        stream = Stream(front, key)
        assert stream.connected().data["event"] == "connected"
        for _ in range(5):
            stream_id = redis.publish(make_event(team, "host.up", resource="host-1"))
            until(lambda: stream.events() and stream.events()[-1].id == stream_id, "the event, before the next one is published")
        again = Stream(front, key, last_id=stream.events()[-2].id)
        assert [f.id for f in again.wait_for(1)] == [stream_id]
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/v1/events/wait?since=earliest", headers={"X-API-Key": key})) as answer:
            assert json.load(answer)["event"] == "host.up"
        stream.close()
        again.close()
    finally:
        proxy.terminate()
        proxy.wait()


def is_answered(port):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz").status == 200
    except OSError:
        return False
