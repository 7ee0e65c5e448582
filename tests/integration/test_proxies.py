# SPDX-License-Identifier: Apache-2.0
"""Through the examples in config/ for nginx and Caddy events come over HTTP/2 one by one, the moment they happen. Needs the packages nginx,
caddy and curl."""
import json
import subprocess
import threading
import types
import urllib.request

import pytest
from proxies import certificate, run_nginx, start_caddy, start_nginx
from support import DEADLINE_S, Stream, free_port, make_event, until

pytestmark = pytest.mark.plain_only(reason="it drives the program as the other tests do, by way of proxies")


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
