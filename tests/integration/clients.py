# SPDX-License-Identifier: Apache-2.0
"""Clients of the live stream that others wrote, each in a process of its own: tests/npm/clients."""
import json
import os
import pathlib
import shutil
import subprocess
import threading

from support import DEADLINE_S, until

CLIENTS = pathlib.Path(__file__).resolve().parent.parent / "npm/clients"
KINDS = ["capsule.create", "capsule.pause", "capsule.destroy"]


def browser():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "chromium is missing: tools/install-packages test"
    return found


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
