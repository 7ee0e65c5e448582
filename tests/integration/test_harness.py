# SPDX-License-Identifier: Apache-2.0
"""What the tests themselves promise to whoever reads their failures."""
import os
import pathlib
import subprocess
import sys

from support import DEADLINE_S

HERE = pathlib.Path(__file__).resolve().parent

FAILING = """
import os, threading
import pytest

@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_loses_its_service(service):
    os.kill(service.process.pid, 9)
    service.process.wait()
    service.get("/healthz")

def test_needs_more_files_than_there_are(open_files):
    open_files(600)

def test_raises_the_soft_limit(open_files):
    open_files(500)
    with open("/dev/null") as null:
        copies = [os.dup(null.fileno()) for _ in range(400)]
    for copy in copies:
        os.close(copy)

def test_waits_for_ever():
    threading.Event().wait()
"""


def test_a_failing_test_says_first_what_was_in_its_way(folder):
    path = pathlib.Path(folder) / "test_failing.py"
    path.write_text(FAILING)
    environment = {**os.environ, "PYTHONPATH": f"{HERE}:{HERE.parent}/support", "WRENN_TEST_DEADLINE_S": "10"}
    environment.pop("PYTEST_XDIST_WORKER", None)
    result = subprocess.run(["prlimit", "--nofile=256:512", sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "conftest",
                             str(path)], env=environment, cwd=folder, capture_output=True, text=True, timeout=DEADLINE_S)
    said = result.stdout
    assert "3 failed, 1 passed" in said, said + result.stderr
    assert 0 < said.find("ended by itself by signal 9; the end of its log:") < said.find("ConnectionRefusedError"), said
    assert "ready for connections" in said
    assert "this test needs 600 open files, and the hard limit is 512" in said
    assert "the test was not over after 10 s" in said
