# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: what changes without a restart, what the log says of the rest, and that faults change nothing."""
import signal

import pytest
from support import Stream, until

pytestmark = [pytest.mark.parametrize("store", ["sqlite"], indirect=True),
              pytest.mark.plain_only("signals and a settings file; the unit tests have the memory")]


class Settings:
    """A settings file that the test rewrites."""

    def __init__(self, folder):
        self.path = f"{folder}/settings.env"
        self.write()

    def write(self, **values):
        with open(self.path, "w") as file:
            file.writelines(f"{name}={value}\n" for name, value in values.items())


def reload(service, said, times=1):
    before = service.log_text().count(said)
    service.process.send_signal(signal.SIGHUP)
    until(lambda: service.log_text().count(said) >= before + times, said)


def allowed_origin(service):
    return service.get("/v1/channels", headers={"Origin": "https://app.example"}).headers["Access-Control-Allow-Origin"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sighup_changes_what_it_can_and_names_the_rest(make_service, folder, workers):
    settings = Settings(folder)
    service = make_service(WRENN_EVENTS_WORKERS=workers)
    service.arguments = ["--config", settings.path]
    service.start()
    until(lambda: service.log_text().count("ready for connections") == int(workers), "every worker")
    processes = 1 if workers == "1" else 3  # the supervisor reads them, too
    reload(service, "SIGHUP: no setting has changed", processes)
    team, key = service.new_team()
    assert allowed_origin(service) is None
    settings.write(WRENN_EVENTS_CORS_ORIGINS="https://app.example", WRENN_EVENTS_MAX_STREAMS_PER_TEAM="1",
                   WRENN_EVENTS_KEEPALIVE_S="7", WRENN_EVENTS_LOG_LEVEL="warn")
    reload(service, "a changed setting waits for a restart", processes)
    service.wait_for_line('"setting":"WRENN_EVENTS_KEEPALIVE_S"')
    until(lambda: service.log_text().count('"setting":"WRENN_EVENTS_CORS_ORIGINS"') == processes, "the names")
    until(lambda: [allowed_origin(service) for _ in range(8)] == ["https://app.example"] * 8, "the new origin")
    settings.write(WRENN_EVENTS_LOG_LEVEL="loud")
    reload(service, "the settings have faults; no setting has changed", processes)
    service.wait_for_line("WRENN_EVENTS_LOG_LEVEL: expected one of info, warn, error")
    assert allowed_origin(service) == "https://app.example"
    settings.write(WRENN_EVENTS_LOG_LEVEL="error")
    service.process.send_signal(signal.SIGHUP)
    until(lambda: allowed_origin(service) is None, "the origin to be gone")
    if workers == "1":
        service.stop()
        assert '"message":"stopping"' not in service.log_text()


def test_sighup_changes_the_limit_of_streams(make_service, folder):
    settings = Settings(folder)
    service = make_service()
    service.arguments = ["--config", settings.path]
    service.start()
    team, key = service.new_team()
    first = Stream(service, key)
    first.connected()
    settings.write(WRENN_EVENTS_MAX_STREAMS_PER_TEAM="1")
    reload(service, "a setting has changed")
    second = Stream(service, key)
    until(lambda: second.ended.is_set(), "the end of the stream that is over the limit")
    assert not [f for f in second.frames if f.event == "connected"] and not first.ended.is_set()
    first.close()
    second.close()
