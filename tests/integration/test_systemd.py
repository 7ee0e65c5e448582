# SPDX-License-Identifier: Apache-2.0
"""What the service tells systemd, and the socket it takes from it. The test is systemd: it holds the socket
of NOTIFY_SOCKET, and passes a listening one."""
import http.client
import os
import signal
import socket
import sys
import threading

import pytest
from support import until

pytestmark = [pytest.mark.parametrize("store", ["sqlite"], indirect=True),
              pytest.mark.plain_only("signals, sockets and timers between processes")]


# Moves the descriptors that it inherits to 3 and up, and becomes the program.
PASS_ON = """
import os, sys
count = int(sys.argv[1])
high = [os.dup2(int(fd), 100 + i) for i, fd in enumerate(sys.argv[2:2 + count])]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
    os.close(fd)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count))
os.execvp(sys.argv[2 + count], sys.argv[2 + count:])
"""


def pass_sockets(service, *sockets):
    service.descriptors = [s.fileno() for s in sockets]
    service.prefix = [sys.executable, "-c", PASS_ON, str(len(sockets)), *map(str, service.descriptors)]


class Manager:
    """The far end of NOTIFY_SOCKET."""

    def __init__(self, folder):
        self.path = f"{folder}/notify.sock"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.lines = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        while data := self.socket.recv(4096):
            self.lines += data.decode().split("\n")

    def wait_for(self, line, after=0):
        until(lambda: line in self.lines[after:], f"{line} in {self.lines}")


@pytest.fixture
def manager(folder):
    return Manager(folder)


def test_systemd_is_told_ready_the_state_in_words_and_the_end(make_service, redis, manager):
    redis.stop()
    service = make_service(NOTIFY_SOCKET=manager.path)
    service.launch()
    manager.wait_for("STATUS=waiting for Redis")
    redis.start()
    manager.wait_for("READY=1")
    manager.wait_for("STATUS=following")
    assert manager.lines.count("READY=1") == 1 and "WATCHDOG=1" not in manager.lines
    service.stop()
    manager.wait_for("STOPPING=1")


def test_the_loop_feeds_the_watchdog(make_service, manager):
    service = make_service(NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="1000000").start()
    until(lambda: manager.lines.count("WATCHDOG=1") > 2, "the loop to feed the watchdog")
    assert service.process.poll() is None


def worker_pids(service):
    with open(f"/proc/{service.process.pid}/task/{service.process.pid}/children") as children:
        return [int(pid) for pid in children.read().split()]


def test_a_worker_whose_loop_is_blocked_is_replaced(make_service, manager):
    service = make_service(NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="3000000", WRENN_EVENTS_WORKERS="2").start()
    manager.wait_for("READY=1")
    blocked = worker_pids(service)[0]
    os.kill(blocked, signal.SIGSTOP)
    until(lambda: blocked not in worker_pids(service) and len(worker_pids(service)) == 2, "another worker in its place")
    service.wait_for_line("the loop of a worker is blocked")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_restart_refuses_no_connection_with_a_socket_of_systemd(make_service, workers):
    """Between the two processes nobody listens except the kernel."""
    listener = socket.create_server(("127.0.0.1", 0))
    service = make_service(WRENN_EVENTS_WORKERS=workers)
    own_port, service.port = service.port, listener.getsockname()[1]
    pass_sockets(service, listener)
    service.start()
    until(lambda: service.log_text().count("ready for connections") == int(workers), "every worker")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", own_port))
    service.stop()
    waiting = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    waiting.request("GET", "/healthz")
    service.start()
    assert waiting.getresponse().status == 200
    waiting.close()
    listener.close()


def test_two_sockets_of_systemd_are_refused(make_service):
    service = make_service()
    first, second = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
    pass_sockets(service, first, second)
    service.launch()
    service.must_run = False
    assert service.process.wait(timeout=60) == 1
    assert "expected one listening TCP socket from systemd" in service.log_text()
