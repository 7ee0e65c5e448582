# SPDX-License-Identifier: Apache-2.0
"""Clients of the live stream that others wrote, each in a process of its own (tests/npm/clients), and what sits between a client and the
service."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import threading

from support import DEADLINE_S, until

NPM = pathlib.Path(__file__).resolve().parent.parent / "npm"
CLIENTS = NPM / "clients"
WALKS = NPM / "console/run.mjs"
KINDS = ["capsule.create", "capsule.pause", "capsule.destroy"]


def browser():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "chromium is missing: tools/install-packages test"
    return found


def walk_environment(**walks):
    """For WALKS: the walks through the console, each by its name, with what it needs to know."""
    return {**os.environ, "WRENN_TEST_BROWSER": browser(), "WRENN_TEST_CONSOLE": json.dumps(walks)}


def read_head(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65536)
        if not piece:
            raise EOFError
        head += piece
    return head


class Listener:
    """Accepts connections. What becomes of each, in a thread of its own, is serve()'s to say."""

    def __init__(self, address="127.0.0.1"):
        self.start(socket.create_server((address, 0), backlog=512))
        self.port = self.listener.getsockname()[1]

    def start(self, listener):
        self.listener = listener
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_and_close, args=(client,), daemon=True).start()

    def serve_and_close(self, client):
        with client:
            try:
                self.serve(client)
            except (OSError, EOFError):
                pass  # one of the two has gone, or does not trust us: so goes the other

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Doorway(Listener):
    """Sits between clients and the service, and answers /page itself so that a browser has an origin. What becomes of a stream's request is
    hand_on()'s to say."""

    def serve(self, client):
        head = read_head(client)
        path = head.split()[1]
        if path.startswith(b"/v1/events/stream"):
            self.hand_on(client, head)
        else:
            status = b"200 OK" if path == b"/page" else b"404 Not Found"
            client.sendall(b"HTTP/1.1 %s\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: 6\r\n\r\n<html>" % status)


class Client:
    """One of tests/npm/clients in its own process, and what it received so far."""

    def __init__(self, script, folder, **wishes):
        self.messages = []
        self.errors = open(f"{folder}/client.log", "w+")
        wishes["kinds"] = KINDS
        self.process = subprocess.Popen(["node", str(CLIENTS / script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                        env={**os.environ, "WRENN_TEST_CLIENT": json.dumps(wishes)})
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.messages.append(json.loads(line))

    def lives(self):
        if self.process.poll() is not None:
            self.errors.seek(0)
            raise AssertionError("the client ended: " + self.errors.read()[-2000:])
        return True

    def connected(self):
        until(lambda: self.lives() and any(m["event"] == "connected" for m in list(self.messages)), "the greeting")

    def events(self):
        return [m for m in list(self.messages) if m["event"] != "connected"]

    def has(self, stream_id):
        until(lambda: self.lives() and any(m["id"] == stream_id for m in self.events()), f"event {stream_id}")

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=DEADLINE_S)
        finally:
            self.process.kill()
            self.errors.close()
