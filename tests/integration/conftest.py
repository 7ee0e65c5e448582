# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import resource
import shutil
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from clients import Client  # noqa: E402
from fakes import FakeProviders, make_certificate  # noqa: E402
from leaks import collector
from support import Clock, Postgres, PostgresStore, Receiver, Redis, Service, SqliteStore, need_open_files

TEST_DEADLINE_S = int(os.environ.get("WRENN_TEST_DEADLINE_S", "600"))
TEARDOWN_S = 60


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """Every wait of a test has this deadline, whatever it waits for."""

    def give_up(*_):
        raise AssertionError(f"the test was not over after {TEST_DEADLINE_S} s")

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, TEST_DEADLINE_S, TEARDOWN_S)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Without its service a test fails with whatever it missed first. The loss is the cause, so it is reported first."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and call.when != "teardown":
        losses = [loss for loss in (service.loss() for service in Service.launched) if loss]
        report.longrepr = "\n".join([*losses, report.longreprtext])


def pytest_terminal_summary(terminalreporter):
    """What tests measured. Machines differ, so no test fails for it."""
    measured = [value for report in terminalreporter.getreports("passed") for name, value in report.user_properties if name == "measured"]
    for line in sorted(measured):
        terminalreporter.write_line(line)


def long_ones_first(items, workers):
    """Puts the tests marked `long` where xdist begins: each worker first gets a chunk of neighbours.
    A long test that starts last would leave the other workers with nothing to do."""
    chunk = max(len(items) // workers // 4, 2)
    first = [item for item in items if item.get_closest_marker("long")]
    others = iter([item for item in items if not item.get_closest_marker("long")])
    places = [worker * chunk + turn for turn in range(chunk) for worker in range(workers)]
    placed = dict(zip(places, first))
    if len(placed) < len(first) or max(placed, default=0) >= len(items):
        return items
    return [placed[place] if place in placed else next(others) for place in range(len(items))]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items[:] = long_ones_first(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


@pytest.fixture(scope="session", autouse=True)
def no_secret_is_told():
    """When all tests of this process are over: nothing the service said in them holds a secret of theirs."""
    yield
    assert collector.leaks() == []


@pytest.fixture(autouse=True)
def no_service_yet():
    Service.launched.clear()


@pytest.fixture
def open_files():
    """A function that lets the test open so many files."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield need_open_files
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def folder():
    # Short, because the paths of Unix sockets are.
    path = tempfile.mkdtemp(prefix="wrenn-")
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster():
    path = tempfile.mkdtemp(prefix="wrenn-pg-")
    postgres = Postgres(path)
    yield postgres
    postgres.stop()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def redis(folder):
    server = Redis(folder)
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgres"])
def store(request, folder):
    if request.param == "sqlite":
        return SqliteStore(folder)
    return PostgresStore(request.getfixturevalue("cluster"))


@pytest.fixture
def make_service(folder, redis, store):
    """Starts services on the test's Redis and store; stops them in order, which must be clean."""
    services = []

    def make(**settings):
        service = Service(folder, redis.url, store.url, **settings)
        services.append(service)
        return service

    yield make
    for service in services:
        service.stop()


@pytest.fixture
def service(make_service):
    return make_service().start()


@pytest.fixture
def clock(folder):
    return Clock(folder)


@pytest.fixture
def receiver():
    server = Receiver()
    yield server
    server.close()


@pytest.fixture
def speed(request):
    """How many seconds pass in one real second, on the clock that the fake and a test's services share."""
    return getattr(request, "param", 1)


@pytest.fixture
def fake(speed):
    server = FakeProviders(speed=speed)
    yield server
    server.close()
    assert server.violations == [], "sent before a provider's hint was over"


@pytest.fixture
def badly_certified(folder):
    server = FakeProviders(certificate=make_certificate(folder))
    yield server
    server.close()


@pytest.fixture
def origins(fake):
    """Settings with which all seven providers are the fake."""
    return dict.fromkeys(("WRENN_EVENTS_ORIGIN_DISCORD", "WRENN_EVENTS_ORIGIN_SLACK", "WRENN_EVENTS_ORIGIN_TEAMS", "WRENN_EVENTS_ORIGIN_GOOGLECHAT",
                          "WRENN_EVENTS_ORIGIN_TELEGRAM", "WRENN_EVENTS_ORIGIN_MATRIX"), fake.origin)


@pytest.fixture
def chat_service(make_service, origins):
    return make_service(WRENN_EVENTS_HOSTS_SLACK="chat.example.org", **origins).start()


@pytest.fixture
def run_client(folder):
    clients = []

    def run(script, **wishes):
        clients.append(Client(script, folder, **wishes))
        return clients[-1]

    yield run
    for client in clients:
        client.close()
