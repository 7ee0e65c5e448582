# SPDX-License-Identifier: Apache-2.0
"""A night of channels with every rule: what each lets through at once, what each holds, and what comes at the end. The service is killed
while rows are held, and its clock is set forth and back."""
import datetime
import json
import zoneinfo

import destinations
import pytest
from support import id_to_uuid, make_event, new_id, until

pytestmark = pytest.mark.plain_only(reason="its clock is libfaketime's, which does not go with the sanitizers")

ZONE = "Asia/Kolkata"  # half an hour from full hours, and no daylight saving: the end of the night is the same on every day
KINDS = ["capsule.create", "host.down"]
NIGHT = ["created", "failed", "created-dead", "failed-dead", "lost", "created-late"]  # in the order in which they happen
FAILURES = ["failed", "failed-dead", "lost"]
QUIET = {"zone": ZONE}  # `from` and `to` are the night's

# (name, provider, options, what arrives at once, the messages at the end)
RULES = [
    ("all", "webhook", {}, NIGHT, []),
    ("failures", "webhook", {"filter": {"outcome": ["error"]}}, FAILURES, []),
    ("some", "webhook", {"filter": {"outcome": ["error"], "resource": ["failed", "lo*"]}}, ["failed", "lost"], []),
    ("quiet", "discord", {"quiet": QUIET}, [], [NIGHT]),
    ("alarms", "discord", {"quiet": {**QUIET, "let_through": ["failures"]}}, FAILURES, [["created", "created-dead", "created-late"]]),
    ("in-order", "webhook", {"quiet": QUIET}, [], [[name] for name in NIGHT]),
    ("none-tonight", "webhook", {"quiet": {**QUIET, "days": ["sun"]}}, NIGHT, []),  # replaced by a day that is not today's
    ("snoozed", "discord", {}, [], [NIGHT]),
    ("snoozed-one", "webhook", {}, [name for name in NIGHT if name != "failed-dead"], [["failed-dead"]]),
    ("spare", "webhook", {"events": ["host.up"]}, NIGHT, []),  # takes over
    ("sick", "webhook", {}, [], [[name] for name in NIGHT]),
]
HELD = sum(len(group) for _, _, _, _, groups in RULES[:-1] for group in groups)


class Night:
    """Quiet hours from an hour ago to two hours ahead."""

    def __init__(self):
        self.now = datetime.datetime.now(zoneinfo.ZoneInfo(ZONE)).replace(second=0, microsecond=0)
        self.begin, self.end = self.now - datetime.timedelta(hours=1), self.now + datetime.timedelta(hours=2)

    @property
    def end_text(self):
        return self.end.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

    def hours(self, quiet):
        other_day = (self.begin + datetime.timedelta(days=3)).strftime("%a").lower()
        return {**quiet, "from": f"{self.begin:%H:%M}", "to": f"{self.end:%H:%M}", **({"days": [other_day]} if "days" in quiet else {})}


class Story:
    def __init__(self, service, redis, store, fake, clock):
        self.service, self.redis, self.store, self.fake, self.clock = service, redis, store, fake, clock
        self.night, self.jumps = Night(), 0
        self.team, self.key = service.new_team()
        self.places, self.channels, self.ids = {}, {}, {}
        self.names = {name: f"{name}-{new_id('')}" for name in NIGHT}

    def add_channels(self):
        for name, provider, options, _, _ in RULES:
            place = destinations.webhook(self.fake) if provider == "webhook" else destinations.discord()
            options = {**options, **({"quiet": self.night.hours(options["quiet"])} if "quiet" in options else {}),
                       **({"fallback": {"channel_id": self.channels["spare"]["id"], "after_minutes": 1}} if name == "sick" else {})}
            if "resource" in options.get("filter", {}):
                options["filter"] = {**options["filter"], "resource": [self.names.get(word, word) for word in options["filter"]["resource"]]}
            answer = self.service.request("POST", "/v1/channels", key=self.key, body={
                "name": name, "provider": provider, "config": place.config, "events": KINDS, **options})
            assert answer.status == 201, answer.body
            self.places[name], self.channels[name] = place, answer.json()
        self.fake.script({"destination": self.places["sick"].name, "status": 503, "times": 0})

    def snooze(self):
        said = self.service.run("channels", "snooze", "snoozed", "--until", self.night.end_text, environment={"WRENN_API_KEY": self.key})
        assert said.returncode == 0, said
        answer = self.service.request("POST", f"/v1/channels/{self.channels['snoozed-one']['id']}/snooze", key=self.key,
                                      body={"until": self.night.end_text, "resource": self.names["failed-dead"]})
        assert answer.status == 200, answer.body

    def publish(self, *names):
        for name in names:
            kind = "host.down" if name == "lost" else "capsule.create"
            outcome = None if name == "lost" else "error" if name.startswith("failed") else "success"
            event = make_event(self.team, kind, self.names[name], {"type": "system"} if name == "lost" else None, outcome,
                               error="no room" if outcome == "error" else None)
            self.ids[name] = self.redis.publish(event)

    def shown(self, channel):
        """The names in each message that people see there."""
        return [[name for name in NIGHT if self.names[name] in entry["shown"]] for entry in self.fake.posted(self.places[channel].name)]

    def wait_for_all_that_may_go(self, *happened):
        for name, _, _, at_once, _ in RULES:
            expected = [[event] for event in at_once if event in happened]
            until(lambda: self.shown(name) == expected, f"{expected} at {name}")

    def wait_for_held(self, happened):
        count = sum(event in happened for _, _, _, _, groups in RULES[:-1] for group in groups for event in group)
        until(lambda: self.store.query("SELECT count(*) FROM deliveries WHERE state = 'pending' AND held_until = next_attempt_at") == [(count,)],
              f"{count} held rows")

    def wait_until_stored(self):
        """What nothing holds: a kill before its result is stored would let it arrive a second time, which is allowed."""
        sick = id_to_uuid(self.channels["sick"]["id"])
        until(lambda: self.store.query("SELECT count(*) FROM deliveries WHERE state = 'pending' AND held_until IS NULL AND channel_id <> %s",
                                       sick) == [(0,)], "the results of what may go")

    def set_clock(self, ahead_s):
        self.clock.set(ahead_s)
        self.jumps += 1
        until(lambda: self.service.log_text().count('"by_seconds":') == self.jumps, f"jump {self.jumps}")

    def verdicts(self, event):
        answer = self.service.get(f"/v1/events/{self.ids[event]}/explain", key=self.key)
        return {each["name"]: (each["verdict"], each.get("detail", "")) for each in answer.json()["channels"]}

    def what_is_held_says_so(self):
        found = self.verdicts("created")
        assert found["quiet"] == found["alarms"] == ("held", f"held until {self.night.end:%H:%M} ({ZONE})")
        utc = self.night.end.astimezone(datetime.timezone.utc)
        assert found["snoozed"] == ("held", f"held until {utc:%H:%M} (UTC)")
        assert found["failures"][0] == found["some"][0] == "filtered" and "outcome" in found["failures"][1]
        listed = self.service.get(f"/v1/channels/{self.channels['quiet']['id']}/deliveries", key=self.key).json()["items"]
        assert {row["held_until"][:19] + "Z" for row in listed} == {self.night.end_text}

    def wait_for_the_end(self, name, expected):
        in_order = sorted if name == "sick" else list  # what has failed twice is tried again beside the others
        until(lambda: len(self.shown(name)) >= len(expected) and self.channel_ended(name), f"{len(expected)} messages at {name}")
        assert in_order(self.shown(name)) == in_order(expected), name

    def channel_ended(self, name):
        states = self.store.query("SELECT DISTINCT state FROM deliveries WHERE channel_id = %s", id_to_uuid(self.channels[name]["id"]))
        return {row[0] for row in states} <= {"delivered", "folded"}


@pytest.mark.long
def test_each_rule_lets_through_and_holds_what_it_says_over_a_kill_and_set_clocks(make_service, origins, redis, store, fake, clock):
    service = make_service(**origins, **clock.settings).start()
    story = Story(service, redis, store, fake, clock)
    story.add_channels()
    story.snooze()
    story.publish("created", "failed")
    story.wait_for_held(["created", "failed"])
    story.what_is_held_says_so()
    story.wait_until_stored()

    service.kill()
    story.publish("created-dead", "failed-dead")
    service.start()
    story.wait_for_held(NIGHT[:4])
    story.set_clock(180)  # by now `sick` has failed for more than its minute
    story.publish("lost", "created-late")
    story.wait_for_held(NIGHT)
    story.wait_for_all_that_may_go(*NIGHT)
    story.set_clock(120)
    story.wait_for_held(NIGHT)

    fake.heal()
    story.set_clock(int((story.night.end - story.night.now).total_seconds()) + 1)
    for name, _, _, at_once, at_end in RULES:
        story.wait_for_the_end(name, [[event] for event in at_once] + at_end)
    instead = [json.loads(entry["body"])["resource"]["id"] for entry in fake.posted(story.places["spare"].name)
               if entry["headers"].get("X-Wrenn-Instead-Of") == story.channels["sick"]["id"]]
    assert instead == [story.names[name] for name in NIGHT]
