# SPDX-License-Identifier: Apache-2.0
"""`make run` and what it leaves, in a folder whose name is no help."""
import os
import pathlib
import re
import signal
import subprocess
import urllib.request

import pytest
from newcomer import TOOL, Run, newcomers_environment
from support import DEADLINE_S, PROGRAM, free_port, until

def pids_of(folder):
    service = int(pathlib.Path(folder, "var/service.pid").read_text())
    redis = subprocess.run(["redis-cli", "-s", f"{folder}/var/redis.sock", "info", "server"], capture_output=True, text=True, timeout=DEADLINE_S)
    return service, int(re.search(r"process_id:(\d+)", redis.stdout)[1])


def runs(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def odd_folder(folder):
    path = f"{folder}/a b%20c'd"
    os.mkdir(path)
    return path


def test_make_run_leaves_nothing_and_repairs_what_is_left(odd_folder):
    port = free_port()
    first = Run(odd_folder, port)
    until(first.is_up, "the first run")
    link = re.search(r"^  (http://127\.0\.0\.1:(\d+)/console/)#key=(wrn_[0-9a-f]{32})$", first.said(), re.M)
    assert "cannot" not in first.said(), "an alarm although nothing is wrong"
    assert link and int(link[2]) == port and link[3] == pathlib.Path(odd_folder, "var/api-key").read_text().strip(), first.said()
    assert urllib.request.urlopen(link[1], timeout=60).status == 200
    published = first.paste(odd_folder, PROGRAM)
    assert re.fullmatch(r"\d+-\d+", published.stdout.strip()), published
    streamed = first.paste(odd_folder, "curl", more=" --max-time 2 || true")
    assert "event: connected" in streamed.stdout, streamed
    service, redis = pids_of(odd_folder)
    os.kill(service, signal.SIGHUP)
    until(lambda: "SIGHUP: no setting has changed" in first.said(), "the word about SIGHUP")
    second = subprocess.run([TOOL, PROGRAM], cwd=odd_folder, env=first.environment, capture_output=True, text=True, timeout=DEADLINE_S)
    assert second.returncode == 1 and f"(pid {first.process.pid})" in second.stderr, second
    first.process.kill()
    first.process.wait()
    until(lambda: not runs(service) and not runs(redis), "both to end with the script")

    left = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", "var/redis.sock", "--save", ""], cwd=odd_folder,
                            stdout=subprocess.DEVNULL)
    until(lambda: subprocess.run(["redis-cli", "-s", f"{odd_folder}/var/redis.sock", "ping"], capture_output=True, timeout=DEADLINE_S).stdout == b"PONG\n",
          "the Redis that was left")
    third = Run(odd_folder, port)
    assert left.wait(timeout=DEADLINE_S) is not None
    until(third.is_up, "the third run")
    assert f"ending redis-server (pid {left.pid})" in third.said()
    service, redis = pids_of(odd_folder)
    third.process.terminate()
    assert third.process.wait(timeout=DEADLINE_S) == 0
    assert not runs(service) and not runs(redis)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_make_run_says_who_has_its_port(odd_folder, service):
    other = subprocess.run([TOOL, PROGRAM], cwd=odd_folder, capture_output=True, text=True, timeout=DEADLINE_S,
                           env=newcomers_environment(service.port))
    assert other.returncode == 1
    assert f"127.0.0.1:{service.port} is in use by wrenn-events (pid {service.process.pid})" in other.stderr, other.stderr
    assert "wrenn-events runs" not in other.stdout
