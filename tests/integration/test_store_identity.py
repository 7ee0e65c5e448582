# SPDX-License-Identifier: Apache-2.0
"""The service works with the store and the key it knows, and with no others."""
import os

import pytest
from support import KEY, make_event, until
from test_outage import ready

OTHER_KEY = KEY[::-1]


def test_a_start_with_another_key_is_refused_and_fails_nothing(make_service, redis, receiver, store):
    service = make_service().start()
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)
    receiver.answer = lambda request: 503
    redis.publish(make_event(team))
    until(lambda: store.query("SELECT attempts FROM deliveries") == [(1,)], "the first attempt")
    service.stop()

    wrong = {"WRENN_ENCRYPTION_KEY": OTHER_KEY}
    for arguments in (("serve", "--check"), ("serve",)):
        result = service.run(*arguments, environment=wrong)
        assert result.returncode == 1, result
        assert "WRENN_ENCRYPTION_KEY" in result.stderr and "0 of 1 channels" in result.stderr
    assert service.run("serve", "--check").returncode == 0
    assert store.query("SELECT state FROM deliveries") == [("pending",)]

    receiver.answer = lambda request: 204
    service.start()
    until(lambda: store.query("SELECT state FROM deliveries") == [("delivered",)], "the delivery")


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_sqlite_file_that_vanishes_is_waited_for(service, redis, receiver, store):
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)
    redis.publish(make_event(team))
    until(lambda: len(receiver.requests) == 1, "the first webhook")

    away = [name for name in (store.path, store.path + "-wal", store.path + "-shm") if os.path.exists(name)]
    for name in away:
        os.rename(name, name + ".away")
    ids = [redis.publish(make_event(team)) for _ in range(3)]
    until(lambda: ready(service)[0] == 503, "readiness to go down")
    assert service.get("/v1/channels", key=key).status == 503
    assert not os.path.exists(store.path)
    for name in away:
        if os.path.exists(name + ".away"):
            os.rename(name + ".away", name)
    until(lambda: len(receiver.requests) == 4, "the other webhooks")
    assert {row[0] for row in store.query("SELECT stream_id FROM deliveries")} >= set(ids)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_start_may_be_forbidden_to_make_a_store(make_service, store):
    service = make_service(WRENN_EVENTS_CREATE_STORE="off")
    result = service.run("serve")
    assert result.returncode == 2 and "the SQLite file does not exist" in result.stderr
    assert not os.path.exists(store.path)
