# SPDX-License-Identifier: Apache-2.0
"""Every way in which a provider says "too fast". The fake notes each request that comes before its hint is over, and
the fixture fails the test for it: here only that everything arrives in the end."""
import json

import destinations
import pytest
from destinations import webhook
from support import fast_clock, id_to_uuid, make_event, until

SPEED = 10
TEAMS_429 = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId tcid=0"
GOOGLE_429 = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "no"}}
DISCORD_429 = {"message": "You are being rate limited.", "global": False}
SLACK_429 = {"ok": False, "error": "rate_limited"}
TELEGRAM_429 = {"ok": False, "error_code": 429, "description": "Too Many Requests"}
MATRIX_429 = {"errcode": "M_LIMIT_EXCEEDED", "error": "no"}


def hints(s):
    """{case: (destination, status, headers, body, seconds nothing may arrive)}, each asking for about so many seconds."""
    after, date = {"Retry-After": str(s)}, {"Retry-After": f"in {s}"}
    discord_headers = {**after, "X-RateLimit-Scope": "shared", "X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0",
                       "X-RateLimit-Bucket": "b", "X-RateLimit-Reset-After": f"{s}.250"}
    return {
        "discord-body": ("discord", 429, {}, {**DISCORD_429, "retry_after": s - 0.5}, s - 0.5),
        "discord-header": ("discord", 429, after, DISCORD_429, s),
        "discord-reset-after": ("discord", 429, {"X-RateLimit-Reset-After": f"{s}.5"}, DISCORD_429, s + 0.5),
        "discord-all": ("discord", 429, discord_headers, {**DISCORD_429, "retry_after": s + 0.2}, s + 0.25),
        "discord-used-up": ("discord", 200, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": f"{s}"}, {"id": "1"}, s),
        "slack-header": ("slack", 429, after, "", s),
        "slack-body": ("slack", 429, {}, {**SLACK_429, "retry_after": s}, s),
        "slack-both": ("slack", 429, after, {**SLACK_429, "retry_after": s}, s),
        "teams-header": ("teams", 429, after, {"error": {"code": "TooManyRequests", "message": "no"}}, s),
        "googlechat-header": ("googlechat", 429, after, GOOGLE_429, s),
        "telegram-body": ("telegram", 429, {}, {**TELEGRAM_429, "parameters": {"retry_after": s}}, s),
        "telegram-header": ("telegram", 429, after, TELEGRAM_429, s),
        "telegram-both": ("telegram", 429, {"Retry-After": "1"}, {**TELEGRAM_429, "parameters": {"retry_after": s}}, s),
        "matrix-body": ("matrix", 429, {}, {**MATRIX_429, "retry_after_ms": s * 1000 - 500}, s - 0.5),
        "matrix-header": ("matrix", 429, after, MATRIX_429, s),
        "matrix-both": ("matrix", 429, {"Retry-After": "1"}, {**MATRIX_429, "retry_after_ms": s * 1000}, s),
        "webhook-seconds": ("webhook", 429, after, "", s),
        "webhook-unavailable": ("webhook", 503, after, "", s),
        "discord-date": ("discord", 429, date, DISCORD_429, s),
        **{f"{name}-date": (name, 429, date, "", s) for name in ("slack", "telegram", "matrix", "webhook")},
    }


# Without a hint it is our own schedule and each provider's documented pace.
UNHINTED = {"teams-legacy": ("teams_legacy", 200, {}, TEAMS_429, 48), "googlechat": ("googlechat", 429, {}, GOOGLE_429, 1),
            "teams": ("teams", 429, {}, "", 1)}
# For all of Discord, whatever the channel: a minute at least.
ALL_OF_DISCORD = {
    "global-body": (429, {}, json.dumps({**DISCORD_429, "global": True, "retry_after": 75.5}), 75.5),
    "global-header": (429, {"X-RateLimit-Global": "true", "Retry-After": "75"}, "", 75),
    "global-scope": (429, {"X-RateLimit-Scope": "global", "X-RateLimit-Reset-After": "1.5"}, json.dumps(DISCORD_429), 60),
    "ban-text": (429, {}, "error code: 1015", 60),
    "ban-html": (429, {}, "<html>You are being rate limited</html>", 60),
    "ban-code": (403, {}, '{"message":"blocked","code":0}', 60),
    "ban-403": (403, {}, "<html>Access denied</html>", 60),
}


def verdicts_of(store, channel):
    return [row[0] for row in store.query("SELECT a.verdict FROM attempts a JOIN deliveries d ON d.id = a.delivery_id "
                                          "WHERE d.channel_id = %s ORDER BY a.started_at, a.number", id_to_uuid(channel["id"]))]


def states_of(store, channel):
    return [row[0] for row in store.query("SELECT state FROM deliveries WHERE channel_id = %s", id_to_uuid(channel["id"]))]


def obeys(service, redis, fake, store, cases):
    """All at once, because each waits."""
    team, key = service.new_team()
    channels = {}
    for case, (kind, status, headers, body, hint_s) in cases.items():
        destination = webhook(fake) if kind == "webhook" else getattr(destinations, kind)()
        channels[case] = service.add_channel(key, destination.provider, destination.config, name=case)
        fake.script({"destination": destination.name, "status": status, "headers": headers, "hint_s": hint_s,
                     "body": body if isinstance(body, str) else json.dumps(body)})
    for _ in range(3):
        redis.publish(make_event(team))
    for case, channel in channels.items():
        # A slow one may be part of a digest.
        until(lambda: len(found := states_of(store, channel)) >= 3 and set(found) <= {"delivered", "folded"}, case)
    return {case: verdicts_of(store, channel)[0] for case, channel in channels.items()}


@pytest.mark.long
def test_too_fast_is_heard_in_every_documented_way(chat_service, redis, fake, store):
    verdicts = obeys(chat_service, redis, fake, store, hints(3))
    assert verdicts.pop("discord-used-up") == "delivered"
    assert set(verdicts.values()) == {"wait"}, verdicts


@pytest.mark.plain_only(reason="its clock is libfaketime's, which does not go with the sanitizers")
@pytest.mark.parametrize("speed", [SPEED], indirect=True)
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_hint_of_more_than_a_minute_holds_for_all_that_waits_behind(make_service, origins, redis, fake, store):
    service = make_service(**origins, **fast_clock(SPEED)).start()
    # A date would be one of the machine's own clock.
    cases = {case: more for case, more in hints(100).items() if not case.endswith("-date")}
    verdicts = obeys(service, redis, fake, store, {**cases, **UNHINTED})
    assert {case for case, verdict in verdicts.items() if verdict != "wait"} == {"discord-used-up", *UNHINTED}


@pytest.mark.plain_only(reason="its clock is libfaketime's, which does not go with the sanitizers")
@pytest.mark.parametrize("speed", [SPEED], indirect=True)
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("case", ALL_OF_DISCORD)
def test_what_discord_says_to_everybody_holds_for_every_channel(make_service, origins, redis, fake, store, case):
    service = make_service(**origins, **fast_clock(SPEED)).start()
    team, key = service.new_team()
    told, other = destinations.discord(), destinations.discord()
    of_told = service.add_channel(key, "discord", told.config, events=("capsule.create",))
    of_other = service.add_channel(key, "discord", other.config, events=("capsule.pause",))
    status, headers, body, hint_s = ALL_OF_DISCORD[case]
    fake.script({"destination": told.name, "status": status, "headers": headers, "body": body, "hint_s": hint_s, "hint_for": "discord"})
    redis.publish(make_event(team))
    until(lambda: verdicts_of(store, of_told) == ["wait"], "the first answer's result")
    redis.publish(make_event(team, "capsule.pause"))
    for channel in (of_told, of_other):
        until(lambda: states_of(store, channel) == ["delivered"], "the delivery after the pause")
    assert len(fake.arrived(told.name)) == 2 and len(fake.arrived(other.name)) == 1
