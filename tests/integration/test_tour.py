# SPDX-License-Identifier: Apache-2.0
"""The two tours of the README: each command is run as it stands, and says what is shown there."""
import collections
import contextlib
import fcntl
import os
import pathlib
import pty
import re
import shlex
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import tty

import pytest
import redis
from newcomer import Run
from support import DEADLINE_S, PROGRAM, free_port, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHANGING = ((r"\d{13}-\d+", "ID"), (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"), (r"^\d\d:\d\d:\d\d ", "TIME "), (r"\b(team|ch|log)-[a-z0-9]{25}", r"\1-ID"),
            (r"\b[0-9a-f]{64}\b", "HASH"), (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"), (r"^retry: \d+", "retry: MS"),
            (r"(TIME  )\d+(  \d{3}  )", r"\1MS\2"))

DUE = """SELECT id FROM deliveries WHERE state = 'pending' AND next_attempt_at <= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')
         AND channel_id NOT IN (SELECT channel_id FROM channel_state WHERE failures > 0)"""


def unchanging(text):
    """The lines of `text` without what differs from run to run, and without colours and the widths of columns."""
    text = re.sub(" {2,}", "  ", re.sub("\x1b\\[[0-9]*m", "", text))
    for pattern, word in CHANGING:
        text = re.sub(pattern, word, text, flags=re.M)
    return collections.Counter(line for line in text.splitlines() if line)


def section(title):
    return re.search(rf"^## {title}\n(.*?)^## ", (ROOT / "README.md").read_text(), re.M | re.S)[1]


def is_whole(command):
    try:
        shlex.split(command)
    except ValueError:
        return False
    return not command.endswith("\\")


def steps(text):
    """(command, what is shown after it) of all that is to be pasted there."""
    found = []
    for kind, block in re.findall(r"^```(sh|console)\n(.*?)^```", text, re.M | re.S):
        for line in block.splitlines():
            if found and not is_whole(found[-1][0]):
                found[-1][0] += "\n" + line
            elif kind == "sh" or line.startswith("$ "):
                found.append([line.removeprefix("$ "), ""])
            else:
                found[-1][1] += line + "\n"
    return found


def shows(look, expected, command):
    seen = []
    with contextlib.suppress(AssertionError):
        until(lambda: seen.append(look()) or seen[-1] == expected)
    assert seen[-1] == expected, f"{command}\n  missing: {list(expected - seen[-1])}\n  not shown: {list(seen[-1] - expected)}"


@contextlib.contextmanager
def own_terminal():
    """A terminal of 160 columns: the end to read from, which does not wait, and the name to write to."""
    own, name = pty.openpty()
    tty.setraw(name)
    fcntl.ioctl(name, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
    os.set_blocking(own, False)
    try:
        yield own, os.ttyname(name)
    finally:
        os.close(own)
        os.close(name)


class Terminal:
    """One shell, and the ports of the README on others that are free. What goes on in the background writes to the screen."""

    def __init__(self, folder, ports):
        self.folder, self.ports = pathlib.Path(tempfile.mkdtemp(dir=folder)), ports
        self.number = 0
        self.seen = collections.Counter()      # what the commands said, without those that go on
        self.expected = collections.Counter()
        self.screen, screen = pty.openpty()
        tty.setraw(screen)
        self.said = b""
        environment = {"PATH": os.environ["PATH"], "WRENN_BASE_URL": f"http://127.0.0.1:{ports['9730']}"}
        with open(self.folder / "errors", "wb") as errors:
            self.shell = subprocess.Popen(["bash", "-m"], cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=screen,
                                          stderr=errors, text=True, start_new_session=True)
        os.close(screen)
        threading.Thread(target=self.read_screen, daemon=True).start()

    def read_screen(self):
        with contextlib.suppress(OSError):  # the last writer has gone
            while piece := os.read(self.screen, 65536):
                self.said += piece

    def with_ports(self, command):
        return re.sub("|".join(self.ports), lambda found: str(self.ports[found[0]]), command)

    def run(self, command):
        """What it prints on a terminal of its own; the screen has what goes on in the background."""
        self.number += 1
        ended = self.folder / f"ended-{self.number}"
        with own_terminal() as (own, name):
            redirection = "" if command.endswith("&") else f" >{name}"
            self.shell.stdin.write("{ " + self.with_ports(command) + f"\n}}{redirection}\n: >{ended}\n")
            self.shell.stdin.flush()
            printed = b""

            def is_over():
                nonlocal printed
                over = ended.exists() or self.shell.poll() is not None
                with contextlib.suppress(BlockingIOError):
                    while piece := os.read(own, 65536):
                        printed += piece
                return over

            until(is_over, command)
        return printed.decode()

    def all_seen(self):
        return self.seen + unchanging(self.said.decode())

    def step(self, command, shown):
        """What only asks, or waits for something before, is asked until the answer is the one that is shown."""
        waits = re.match(r"sleep \d+; ", command)
        if waits or not re.search(r"publish|&$| -d |^\w+=|^export|^echo| (create|test|enable|redeliver) ", command):
            asked = command[waits.end() if waits else 0:]
            shows(lambda: unchanging(self.run(asked)), unchanging(shown), command)
            return
        self.seen += unchanging(self.run(command))
        self.expected += unchanging(shown)
        shows(self.all_seen, self.expected, command)

    def end(self):
        if self.shell.poll() is None:
            self.shell.communicate("kill -9 $(jobs -p)\n", timeout=DEADLINE_S)
            os.close(self.screen)


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True


def is_at_rest(folder):
    """Every event is in the ledger, and every delivery that is due has been tried, except to destinations that fail."""
    with redis.Redis(unix_socket_path=f"{folder}/var/redis.sock", decode_responses=True) as client:
        stream = client.xinfo_stream("wrenn:events") if client.exists("wrenn:events") else None
        group = stream and client.xinfo_groups("wrenn:events")[0]
        if group and (group["pending"], group["last-delivered-id"]) != (0, stream["last-generated-id"]):
            return False
    with contextlib.closing(sqlite3.connect(f"{folder}/var/wrenn-events.db", timeout=30)) as store:
        return store.execute(DUE).fetchall() == []


@pytest.fixture
def newcomer(folder):
    """A folder like a clone that was built; what is started in it ends with the test."""
    os.mkdir(f"{folder}/build")
    os.symlink(os.path.dirname(PROGRAM), f"{folder}/build/release")
    os.symlink(ROOT / "tests", f"{folder}/tests")
    with contextlib.ExitStack() as started:
        yield folder, started


@pytest.mark.long
def test_the_tours_of_the_readme_show_what_happens(newcomer):
    folder, started = newcomer
    ports = {port: free_port() for port in ("9730", "9999", "9900")}

    def start(process):
        started.callback(process.wait)
        started.callback(process.terminate)
        return process

    def make_run(**settings):
        run = Run(folder, ports["9730"], **settings)
        start(run.process)
        until(run.is_up, "make run")
        return run

    def walk(terminal, some):
        for command, shown in some:
            until(lambda: is_at_rest(folder), "the service to be at rest")
            terminal.step(command, shown)
            if command.endswith("serve_forever()' &"):
                until(lambda: listens(ports["9999"]), "the receiver")

    service = make_run()
    terminal = Terminal(folder, ports)
    started.callback(terminal.end)
    tour = steps(section("A tour"))
    walk(terminal, tour)
    assert "follow_up" in "".join(shown for _, shown in tour)

    # What has to be stopped before the second one is in its first paragraph.
    second = section("Tour: connect a channel")
    first_words = second.split("```")[0]
    stopping = re.search(r"`(kill [^`]*)`", first_words)
    assert "Ctrl-C in the terminal of `make run`" in first_words and stopping, first_words
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(timeout=DEADLINE_S) == 0
    terminal.run(stopping[1])
    until(lambda: terminal.run("jobs -r") == "", "the jobs of the first tour to end")
    terminal.end()

    vendors, slack, *rest = steps(second)
    with open(f"{folder}/vendors", "wb") as said:
        start(subprocess.Popen([sys.executable, *shlex.split(terminal.with_ports(vendors[0]))[1:]], cwd=folder, stdout=said))
    until(lambda: "fake providers on" in pathlib.Path(f"{folder}/vendors").read_text(), "the fake providers")
    make_run(**dict(word.split("=", 1) for word in shlex.split(terminal.with_ports(slack[0])) if "=" in word))
    another = Terminal(folder, ports)
    started.callback(another.end)
    for command, _ in tour[:2]:  # WRENN_API_KEY, REDIS_URL, PATH; team
        another.run(command)
    walk(another, rest)
