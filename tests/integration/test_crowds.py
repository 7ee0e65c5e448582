# SPDX-License-Identifier: Apache-2.0
"""Two thousand readers come back in the same moment, each with a cursor. The service is held while they knock, so that they
really are all there when it goes on."""
import asyncio
import re
import resource
import signal

import pytest
from live_client import Connection
from support import DEADLINE_S, Stream, make_event, until

READERS = 2000
TEAMS = 50
MISSED = 20  # events of each team


@pytest.mark.parametrize("connections, allowed, warns", ((400, 400 + 6 * 16 + 256, False), (1000, 800, True)))
def test_room_for_open_files_is_asked_for_by_the_service(make_service, connections, allowed, warns):
    service = make_service(WRENN_EVENTS_MAX_CONNECTIONS=str(connections), WRENN_EVENTS_MAX_INFLIGHT="16")
    service.prefix = ["prlimit", "--nofile=300:800"]
    service.start()
    assert resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE) == (allowed, 800)
    warning = '"the limit of open files is too low for the settings; raise it or serve fewer connections","allowed":800,"wanted":1352,"connections":448,"requests":16'
    if warns:
        service.wait_for_line(warning)
    else:
        service.stop()  # with the last line written
        assert warning not in service.log_text()


def metric(service, name):
    return int(re.search(rf"^{re.escape(name)} (\d+)$", service.get("/metrics").body.decode(), re.M)[1])


async def come_back(service, readers, in_the_crowd):
    """They connect while the service is held, and the kernel keeps them. A running service would close them after ten seconds
    without a request, and a loaded machine takes longer to connect so many."""
    service.process.send_signal(signal.SIGSTOP)
    try:
        await asyncio.gather(*(reader.connect() for reader in readers))
        for reader in readers:
            reader.ask()
        in_the_crowd()
    finally:
        service.process.send_signal(signal.SIGCONT)
    await asyncio.gather(*(reader.open() for reader in readers))


async def read_until(readers, count):
    async def read(reader):
        while len(reader.frames) < count:
            await reader.read_chunk()

    await asyncio.gather(*(read(reader) for reader in readers))


@pytest.mark.long
def test_a_crowd_that_comes_back_is_replayed_and_shares_look_ups(make_service, redis, open_files, store):
    open_files(2 * READERS + 500)
    service = make_service().start()
    credentials = [service.new_team() for _ in range(TEAMS)]
    live = Stream(service, credentials[0][1])
    live.connected()
    start = redis.publish(make_event(credentials[0][0], "host.up"))
    ids = {team: [] for team, _ in credentials}
    for _ in range(MISSED):
        for team, _ in credentials:
            ids[team].append(redis.publish(make_event(team, "host.up")))
    until(lambda: live.last_id() == ids[credentials[0][0]][-1], "the service to have read them all")
    readers = [Connection(service.port, credentials[n % TEAMS][1], last_id=start) for n in range(READERS)]
    before = metric(service, "wrenn_events_auth_lookups_total")
    replays = metric(service, 'wrenn_events_sse_replays_total{source="memory"}')

    def publish_among_them():
        for team, _ in credentials:
            ids[team].append(redis.publish(make_event(team, "host.down")))

    async def crowd():
        await come_back(service, readers, publish_among_them)
        await read_until(readers, MISSED + 1)
        teams_by_size = metric(service, 'wrenn_events_sse_teams{listeners="10-99"}')
        for reader in readers:
            reader.close()
        return teams_by_size

    assert asyncio.run(asyncio.wait_for(crowd(), DEADLINE_S)) == TEAMS
    for number, reader in enumerate(readers):
        assert reader.greeting["cursor"] == start and "gap" not in reader.greeting
        assert [stream_id for stream_id, _ in reader.frames] == ids[credentials[number % TEAMS][0]]
    # How many depends on how fast they are read; the unit test of crowds has its clock in hand and counts them.
    assert 0 < metric(service, "wrenn_events_auth_lookups_total") - before < READERS
    assert metric(service, 'wrenn_events_sse_replays_total{source="memory"}') - replays == READERS
    until(lambda: live.last_id() == ids[credentials[0][0]][-1], "the live listener to have the last one")
    live.close()
