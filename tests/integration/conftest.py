# SPDX-License-Identifier: Apache-2.0
import shutil
import tempfile

import pytest
from support import Postgres, PostgresStore, Receiver, Redis, Service, SqliteStore


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
def receiver():
    server = Receiver()
    yield server
    server.close()
