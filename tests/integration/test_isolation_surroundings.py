# SPDX-License-Identifier: Apache-2.0
"""A healthy team while something breaks that the service depends on, or that other installations left behind: keys, database servers,
files, clocks, the process itself. It gets all its events, at the first attempt and in order; how long they take afterwards is printed
beside how long they took before."""
import contextlib
import itertools
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time

import pytest
from attackers import Attackers, add_teams
from healthy import CHANNELS, EVENTS, TEAMS, WEBHOOKS, World, show
from machines import Switch
from support import KEY, Postgres, PostgresStore, id_to_uuid, make_event, until
from test_doctor import pooler
from test_outage import ready

pytestmark = pytest.mark.plain_only("what breaks here, breaks with sanitizers in other tests")
on_sqlite, on_postgres = (pytest.mark.parametrize("store", [name], indirect=True) for name in ("sqlite", "postgres"))
OTHER_KEY = KEY[::-1]
DAYS_AHEAD = 40
DAY_S = 24 * 3600


def since(world, began, capsules):
    """How old these events got, in milliseconds, counted from then."""
    return [age for capsule in capsules for age in world.age(capsule, began)]


def expect_nothing_written(world, keys):
    """Whoever wants to change something is told when to come back."""
    for key in keys:
        answer = world.service.request("POST", "/v1/channels", key=key, body={
            "name": "late", "provider": "webhook", "config": {"url": f"{world.fake.origin}/bad"}, "events": ["capsule.create"]})
        assert answer.status == 503 and int(answer.headers["Retry-After"]) > 0, answer.body


@on_sqlite
def test_a_healthy_team_waits_for_no_settings_that_another_key_sealed(make_service, redis, store, fake, record_property):
    service = make_service(WRENN_ENCRYPTION_KEY=OTHER_KEY).start()
    others = add_teams(store, TEAMS)
    channels = [(key, service.add_webhook(key, f"{fake.origin}/bad")["id"]) for _, key in others for _ in range(CHANNELS)]
    service.stop()
    service.environment["WRENN_ENCRYPTION_KEY"] = KEY
    service.arguments = ["--accept-key"]
    world = World(service.start(), redis, store, fake)
    alone = world.rounds()
    for team, _ in others:
        redis.publish(make_event(team))
    ended = lambda: sum(state != "pending" for state, in world.of_others("state"))
    until(lambda: service.log_text().count("a channel's settings cannot be decrypted") + ended() == len(channels), "all channels")
    beside = world.rounds()
    world.check()
    assert world.of_others("state, attempts") == [("pending", 0)] * len(channels)
    key, channel = channels[0]
    assert "cannot decrypt the settings" in service.get(f"/v1/channels/{channel}/health", key=key).json()["last_error"]
    show(record_property, "settings that another key sealed", beside, alone)


class Standby(Postgres):
    """A copy of a server, which follows it until it is promoted."""

    def __init__(self, folder, primary):
        self.folder, self.primary, self.bin, self.as_user = folder, primary, primary.bin, primary.as_user
        if self.as_user:
            shutil.chown(folder, "postgres")
        subprocess.run([*self.as_user, f"{self.bin}/pg_basebackup", "-h", primary.folder, "-U", "postgres", "-D", f"{folder}/data", "-R", "-N",
                        "-c", "fast"], check=True, cwd=folder)
        self.start()

    def promote(self):
        self._ctl("-w", "promote")


@contextlib.contextmanager
def own_server(make):
    """make(folder), stopped and removed in the end."""
    folder = tempfile.mkdtemp(prefix="wrenn-pg-")
    server = make(folder)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def switch_over(address, store, standby):
    """Readers keep their connections to the server of before, which goes on answering them."""
    behind = PostgresStore(standby, store.database)
    address.stop()
    written = store.query("SELECT pg_current_wal_lsn()")[0][0]
    until(lambda: behind.query("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", written) == [(True,)], "the standby to have all")
    standby.promote()
    address.target = f"{standby.folder}/.s.PGSQL.5432"
    address.go_on()
    return behind


@pytest.mark.long
@on_sqlite
def test_a_healthy_team_waits_for_no_switchover_of_the_database(make_service, redis, store, fake, folder, record_property):
    with contextlib.ExitStack() as opened:
        primary = opened.enter_context(own_server(Postgres))
        store = PostgresStore(primary)
        address = Switch(f"{folder}/.s.PGSQL.5432", f"{primary.folder}/.s.PGSQL.5432")
        opened.callback(address.close)
        service = make_service(DATABASE_URL=f"postgres:///{store.database}?host={folder}&user=postgres").start()
        opened.callback(service.stop)
        world = World(service, redis, store, fake)
        alone = world.rounds()
        world.check()
        of_team = lambda: service.get(f"/v1/channels/{channel}/deliveries", key=world.key).json()["items"]
        channel = service.get("/v1/channels", key=world.key).json()[0]["id"]
        until(lambda: len(of_team()) == len(world.capsules), "a reader")
        standby = opened.enter_context(own_server(lambda place: Standby(place, primary)))
        world.store = switch_over(address, store, standby)
        assert address.readers, "no reader kept its connection"
        held = since(world, time.monotonic(), [world.publish() for _ in range(EVENTS)])
        beside = world.rounds()
        assert len(of_team()) == len(world.capsules), "a reader stayed with the server of before"
        world.check()
        assert store.query("SELECT count(*) FROM deliveries") == [(len(alone),)]
        show(record_property, f"a switchover of the database ({max(held):.0f} ms at most right after it)", beside, alone)


@on_postgres
def test_a_healthy_team_waits_for_no_worker_that_is_refused(make_service, redis, store, fake, folder, cluster, record_property):
    """Somebody starts more of them, behind a pooler in transaction mode and as a user without rights."""
    world = World(make_service().start(), redis, store, fake)
    alone = world.rounds()
    user = store.database + "_user"
    store.query(f"CREATE ROLE {user} LOGIN")
    with pooler(folder, cluster, "transaction") as path:
        kinds = itertools.cycle([(1, "pool_mode=session", f"postgres:///{store.database}?host={path}&port=6432&user=postgres"),
                                 (3, "GRANT ", f"postgres:///{store.database}?host={cluster.folder}&user={user}")])

        def start():
            code, words, url = next(kinds)
            refused = world.service.run("serve", environment={"DATABASE_URL": url}, timeout=60)
            assert refused.returncode == code and words in refused.stderr, refused
        with Attackers(start, threads=2) as attackers:
            attackers.wait_for_acts(2)
            beside = world.rounds()
    world.check()
    show(record_property, "workers that are refused", beside, alone)


@on_sqlite
def test_a_healthy_team_loses_nothing_to_a_file_that_vanishes(make_service, redis, store, fake, record_property):
    service = make_service().start()
    world = World(service, redis, store, fake)
    others = add_teams(store, TEAMS)
    alone = world.rounds()
    world.check()
    away = [name for name in (store.path, store.path + "-wal", store.path + "-shm") if os.path.exists(name)]
    for name in away:
        os.rename(name, name + ".away")
    capsules = [world.publish() for _ in range(EVENTS)]
    until(lambda: ready(service)[0] == 503 or os.path.exists(store.path), "readiness to go down")
    expect_nothing_written(world, [key for _, key in others])
    assert not os.path.exists(store.path), "another file was made"
    for name in away:
        if os.path.exists(name + ".away"):
            os.rename(name + ".away", name)
    held = since(world, time.monotonic(), capsules)
    beside = world.rounds()
    world.check()
    show(record_property, f"a file that was away (then {max(held):.0f} ms for the first events)", beside, alone)


@on_sqlite
def test_a_healthy_team_loses_nothing_to_a_store_that_takes_no_writes(make_service, redis, store, fake, record_property):
    """Other teams' events were the last that it had room for."""
    service = make_service()
    service.prefix = ["env", "--ignore-signal=XFSZ", *service.prefix]  # a write past the limit is an error, not the end
    world = World(service.start(), redis, store, fake)
    others = add_teams(store, TEAMS)
    alone = world.rounds()
    world.check()
    limit = lambda size: resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    limit(8192)
    try:
        for team, _ in others:
            redis.publish(make_event(team))
        capsules = [world.publish() for _ in range(EVENTS)]
        until(lambda: ready(service)[0] == 503 or redis.client.xlen("wrenn:events:dead"), "readiness to go down")
        assert redis.client.xlen("wrenn:events:dead") == 0, "events were given up"
        expect_nothing_written(world, [key for _, key in others])
    finally:
        limit(resource.RLIM_INFINITY)
    held = since(world, time.monotonic(), capsules)
    beside = world.rounds()
    world.check()
    show(record_property, f"a full disk (then {max(held):.0f} ms for the first events)", beside, alone)


@on_sqlite
def test_a_healthy_team_loses_nothing_to_a_wrong_clock(make_service, redis, store, fake, clock, record_property):
    """Another team's channels are disabled, and their backlog is not old: the clock is ahead."""
    service = make_service(**clock.settings)
    world = World(service.start(), redis, store, fake)
    alone = world.rounds()
    fake.script({"destination": "webhook/bad", "times": 0, "status": 410})
    (team, key), = add_teams(store, 1)
    for _ in range(CHANNELS):
        service.add_webhook(key, f"{fake.origin}/bad")
    redis.publish(make_event(team))
    until(lambda: store.query("SELECT count(*) FROM channel_state WHERE disabled_at IS NOT NULL") == [(CHANNELS,)], "channels to be disabled")
    redis.publish(make_event(team))
    until(lambda: len(world.of_others("id")) == 2 * CHANNELS, "their backlog")
    world.check()
    backlog = world.of_others("id, state, attempts")
    service.stop()
    clock.set(DAYS_AHEAD * DAY_S)
    service.start()
    until(lambda: f"\nwrenn_events_channels_disabled {CHANNELS}\n" in service.get("/metrics").body.decode(), "housekeeping")
    beside = world.rounds()
    clock.set(0)
    beside += world.rounds()
    world.check()
    assert world.of_others("id, state, attempts") == backlog
    assert store.query("SELECT count(*) FROM deliveries WHERE team_id = %s", id_to_uuid(world.team)) == [(WEBHOOKS * len(world.capsules),)]
    show(record_property, "a clock that is 40 days ahead", beside, alone)


@on_sqlite
def test_a_healthy_team_loses_nothing_to_a_crash(make_service, redis, store, fake, folder, record_property):
    """While other teams' requests are under way. No file with the memory of the process is left."""
    service = make_service()
    service.prefix = ["env", f"--chdir={folder}", "prlimit", "--core=unlimited", *service.prefix]
    world = World(service.start(), redis, store, fake)
    alone = world.rounds()
    world.check()
    fake.script({"destination": "webhook/bad", "times": 0, "kind": "hold", "status": 204})
    held, beside = [], []
    for _ in range(EVENTS):
        (team, key), = add_teams(store, 1)
        service.add_webhook(key, f"{fake.origin}/bad")
        before = len(fake.arrived("webhook/bad"))
        redis.publish(make_event(team))
        until(lambda: len(fake.arrived("webhook/bad")) > before, "a request under way")
        service.must_run = False
        os.kill(service.process.pid, signal.SIGSEGV)
        _, status = os.waitpid(service.process.pid, 0)
        service.process.returncode = -os.WTERMSIG(status)
        assert service.process.returncode == -signal.SIGSEGV and not os.WCOREDUMP(status), "memory with keys was written to a file"
        capsules = [world.publish() for _ in range(EVENTS)]
        service.start()
        held += since(world, time.monotonic(), capsules)
        beside += world.rounds()
        world.check()  # a result that is not stored yet would be sent again after the next crash
    fake.heal()
    fake.release()
    show(record_property, f"a crash (then {max(held):.0f} ms for the first events)", beside, alone)
