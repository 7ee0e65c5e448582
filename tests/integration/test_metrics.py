# SPDX-License-Identifier: Apache-2.0
"""The metrics as Prometheus reads them: names, the document, the alert rules and the board."""
import json
import pathlib
import re
import subprocess
import time
import urllib.parse
import urllib.request

import pytest
from support import Stream, free_port, make_event, until

pytestmark = [pytest.mark.parametrize("store", ["sqlite"], indirect=True),
              pytest.mark.plain_only("reads what other tests produce under the sanitizers")]
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def types_of(text):
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))


def promtool(*arguments):
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, cwd=ROOT / "config")


def test_every_metric_is_named_as_prometheus_wants_and_has_its_row_and_its_use(make_service):
    service = make_service(WRENN_EVENTS_WORKERS="2").start()
    until(lambda: re.search(r"^process_open_fds [1-9]", service.get("/metrics").body.decode(), re.M), "the first turn")
    text = service.get("/metrics").body.decode()
    types = types_of(text)
    assert len(types) > 50
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0 and not checked.stdout and not checked.stderr, checked
    assert re.search(r'^wrenn_events_build_info\{version="[0-9.]+"\} 1$', text, re.M)
    assert abs(int(re.search(r"^wrenn_events_clock_seconds (\d+)$", text, re.M)[1]) - time.time()) < 60
    assert int(re.search(r"^process_resident_memory_bytes (\d+)$", text, re.M)[1]) > 1000000
    document = (ROOT / "docs/metrics.md").read_text()
    rows = {name: (meaning, use) for name, meaning, use in re.findall(r"^\| `(\S+?)(?:\{\S*\})?` \| (.+) \| (.+) \|$", document, re.M)}
    assert set(types) - set(rows) == set() and set(rows) - set(types) == set()
    used = (ROOT / "config/alerts.yaml").read_text() + (ROOT / "config/grafana.json").read_text()
    unknown = {re.sub("_(bucket|sum|count)$", "", name) if name not in types else name
               for name in re.findall(r"\b(?:wrenn_events|process)_[a-z_]+\b", used)} - set(types)
    assert unknown == set()


def test_no_series_grows_with_teams_channels_or_clients(service, redis, receiver):
    team, key = service.new_team()
    channel = service.add_webhook(key, receiver.url)
    stream = Stream(service, key)
    stream.connected()
    event = redis.publish(make_event(team))
    until(lambda: receiver.requests and stream.events(), "the event everywhere")
    series = [line for line in service.get("/metrics").body.decode().splitlines() if line.startswith(("wrenn_events", "process"))]
    stream.close()
    values = [value for line in series for value in re.findall(r'="([^"]*)"', line)]
    ours = (team, channel["id"], channel["name"], event, "127.0.0.1", receiver.url.rsplit(":", 1)[1].removesuffix("/hook"))
    assert len(values) > 100 and [value for value in values if any(word in value for word in ours)] == []


def test_each_alert_fires_on_its_trouble_and_not_without_it(store):
    assert promtool("check", "rules", "alerts.yaml").returncode == 0
    tried = promtool("test", "rules", "alerts.test.yaml")
    assert tried.returncode == 0, tried
    alerts = re.findall(r"alert: (\S+)", (ROOT / "config/alerts.yaml").read_text())
    tests = (ROOT / "config/alerts.test.yaml").read_text()
    assert len(alerts) > 10
    for alert in alerts:
        assert f'alertname="{alert}"' in tests and f"alertname: {alert}," in tests, alert


def test_the_board_has_a_query_in_every_panel(store):
    board = json.loads((ROOT / "config/grafana.json").read_text())
    rows = [panel["title"] for panel in board["panels"] if panel["type"] == "row"]
    assert rows == ["Live", "Delivery", "Ledger", "Audit", "Health"]
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"]) and len(panels) >= 15
    for panel in panels:
        assert panel["targets"] and all(target["expr"] for target in panel["targets"]), panel["title"]


class Prometheus:
    """A real one that scrapes the service, with our alert rules."""

    def __init__(self, folder, service):
        self.url = f"http://127.0.0.1:{free_port()}"
        config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}, "rule_files": [str(ROOT / "config/alerts.yaml")],
                  "scrape_configs": [{"job_name": "wrenn-events", "static_configs": [{"targets": [f"127.0.0.1:{service.port}"]}]}]}
        pathlib.Path(folder, "prometheus.yml").write_text(json.dumps(config))
        self.log = open(f"{folder}/prometheus.log", "wb")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/prometheus",
             f"--web.listen-address={self.url.removeprefix('http://')}"], stdout=self.log, stderr=self.log)

    def ask(self, path, **parameters):
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=60) as answer:
                return json.load(answer)["data"]
        except OSError as error:
            if hasattr(error, "code") and error.code == 400:
                raise  # it does not understand the query
            return {}

    def values(self, query):
        return [float(sample["value"][1]) for sample in self.ask("query", query=query).get("result", [])]

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


@pytest.fixture
def prometheus(folder, service):
    server = Prometheus(folder, service)
    yield server
    server.stop()


def test_a_real_prometheus_answers_each_query_of_the_board_and_each_rule(service, redis, receiver, prometheus):
    team, key = service.new_team()
    service.add_webhook(key, receiver.url)
    Stream(service, key).connected()
    until(lambda: prometheus.values("wrenn_events_build_info") == [1], "the first scrape")
    redis.publish(make_event(team))
    counters = ("wrenn_events_sse_frames_total", "wrenn_events_delivery_attempts_total", "wrenn_events_ledger_events_total", "wrenn_events_audit_rows_total")
    for counter in counters:
        until(lambda: sum(prometheus.values(counter)) > 0, counter)
    redis.publish(make_event(team))
    for query in [f"rate({counter}[5m])" for counter in counters] + ["wrenn_events_sse_subscribers", "process_resident_memory_bytes"]:
        until(lambda: sum(prometheus.values(query)) > 0, query)
    board = json.loads((ROOT / "config/grafana.json").read_text())
    queries = {target["expr"] for panel in board["panels"] for target in panel.get("targets", [])}
    assert len(queries) >= 15
    for query in queries:
        until(lambda: prometheus.values(query), query)
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert len(rules) > 10
    until(lambda: {rule["health"] for group in prometheus.ask("rules")["groups"] for rule in group["rules"]} == {"ok"}, "each rule")
