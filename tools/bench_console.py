# SPDX-License-Identifier: Apache-2.0
"""The console in Chromium, for `make bench`: how soon the first event is on the screen, and what 500 events a second do to the
frames and the heap of the live page. CONSOLE_SECONDS says how long, 600 for ten minutes."""
import json
import os
import subprocess
import threading

from bench_stack import Stack
from bench_table import row
from clients import WALKS, walk_environment

SECONDS = int(os.environ.get("CONSOLE_SECONDS", "20"))
RATE = 500
EVERY_S = 0.05


class Load:
    """Context manager that publishes RATE events a second."""

    def __init__(self, stack, team):
        self.stack, self.team, self.is_over = stack, team, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.is_over.wait(EVERY_S):
            self.stack.publish([self.team], int(RATE * EVERY_S))

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()


def show_console(_):
    with Stack("sqlite") as stack:
        team, key = stack.service.new_team()
        stack.publish([team], 100)
        wishes = {"base": stack.service.url, "key": key, "team": team, "seconds": SECONDS}
        script = subprocess.Popen(["node", WALKS], stdout=subprocess.PIPE, text=True, env=walk_environment(measure=wishes))
        first = json.loads(script.stdout.readline())
        row("console, first event on the screen after opening", f"{first['opened_ms']} ms, worst {first['worst_ms']}", goal="300 ms")
        with Load(stack, team):
            under = json.loads(script.stdout.readline())
        script.wait()
        row(f"console, {RATE} events/s for {SECONDS} s, work in a frame", f"p95 {under['work_ms']} ms, {under['between_ms']} ms between frames",
            goal="16 ms")
        row(f"console, {RATE} events/s for {SECONDS} s, heap", f"{under['heap_mib']} MiB, {under['grown_mib']:+} MiB more at the end", goal="flat")
