# SPDX-License-Identifier: Apache-2.0
"""The fake providers refuse what the real ones refuse; without that, a green test would say nothing."""
import http.client
import json

import pytest
from fakes import FakeProviders
from support import DEADLINE_S

pytestmark = pytest.mark.plain_only(reason="it does not run the program")

DISCORD = "/api/v10/webhooks/123456789012345678/abc?wait=true"
SLACK = "/services/T1/B1/abc"
TEAMS = "/workflows/" + "a" * 32 + "/triggers/manual/paths/invoke?sig=x"
GOOGLE = "/v1/spaces/AAAA/messages?key=k&token=t"
TELEGRAM = "/bot1:abc/sendMessage"
MATRIX = "/_matrix/client/v3/rooms/%21r%3Ax/send/m.room.message/"
AGENT = {"User-Agent": "DiscordBot (https://example.com, 1.0)"}
BEARER = {"Authorization": "Bearer abc"}


@pytest.fixture
def unpaced():
    server = FakeProviders(is_paced=False)
    yield server
    server.close()


def send(fake, path, body, headers=None, method="POST"):
    connection = http.client.HTTPConnection("127.0.0.1", fake.port, timeout=DEADLINE_S)
    text = body if isinstance(body, str) else json.dumps(body)
    connection.request(method, path, text, {"Content-Type": "application/json", **(headers or {})})
    response = connection.getresponse()
    answer = response.status, response.read().decode()
    connection.close()
    return answer


REFUSED = [
    (DISCORD, "{", AGENT, 400, "50109"), (DISCORD, {}, AGENT, 400, "50006"), (DISCORD, {"content": "x"}, {"User-Agent": "x"}, 403, "40333"),
    (DISCORD, {"content": "x" * 2001}, AGENT, 400, "50035"), (DISCORD, {"embeds": [{"title": "x" * 257}]}, AGENT, 400, "50035"),
    (DISCORD, {"embeds": [{"fields": [{"name": "a", "value": ""}]}]}, AGENT, 400, "50035"),
    (DISCORD, {"embeds": [{"description": "x" * 4000}, {"description": "x" * 2001}]}, AGENT, 400, "50035"),
    (DISCORD, {"embeds": [{"title": "x", "timestamp": "yesterday"}]}, AGENT, 400, "50035"),
    (SLACK, "{", {}, 400, "invalid_payload"), (SLACK, {"text": ""}, {}, 400, "missing_text_or_fallback_or_attachments"),
    (SLACK, {"attachments": [{}]}, {}, 400, "no_text"), (SLACK, {"text": "x", "attachments": "x"}, {}, 400, "invalid_attachments"),
    (SLACK, {"text": "x", "blocks": {"type": "x"}}, {}, 400, "invalid_blocks_format"),
    (GOOGLE.replace("key=k", "key=expired"), {"text": "x"}, {}, 400, "API_KEY_INVALID"),
    (SLACK, {"text": "x", "attachments": [{"blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]}]}, {}, 400, "invalid_blocks"),
    (SLACK, {"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]}, {}, 400, "invalid_blocks"),
    (SLACK, {"text": "x", "attachments": [{}] * 101}, {}, 400, "too_many_attachments"),
    (TEAMS, {"text": "x"}, {}, 400, "TriggerInputSchemaMismatch"), (TEAMS, {"attachments": []}, BEARER, 401, "DirectApiAuthorizationRequired"),
    (GOOGLE, {}, {}, 400, "INVALID_ARGUMENT"), (GOOGLE, {"text": "x", "colour": 1}, {}, 400, "Unknown name"),
    (GOOGLE, {"text": "x" * 32001}, {}, 400, "too long"), (GOOGLE.replace("token=t", ""), {"text": "x"}, {}, 401, "UNAUTHENTICATED"),
    (GOOGLE, {"cardsV2": [{"card": {"sections": [{"widgets": []}]}}]}, {}, 400, "needs a widget"),
    (TELEGRAM, {"chat_id": 1, "text": ""}, {}, 400, "text is empty"), (TELEGRAM, {"text": "x"}, {}, 400, "chat_id is empty"),
    (TELEGRAM, {"chat_id": 1, "text": "x" * 4097}, {}, 400, "too long"), ("/botabc/sendMessage", {}, {}, 401, "Unauthorized"),
    (TELEGRAM, {"chat_id": 1, "text": "<x>y</x>", "parse_mode": "HTML"}, {}, 400, "Unsupported start tag"),
    (TELEGRAM, {"chat_id": 1, "text": "<b>y", "parse_mode": "HTML"}, {}, 400, "Can't find end tag"),
]


@pytest.mark.parametrize("path, body, headers, status, word", REFUSED)
def test_a_message_the_real_one_refuses_is_refused(unpaced, path, body, headers, status, word):
    answer = send(unpaced, path, body, headers)
    assert answer[0] == status and word in answer[1], answer
    assert unpaced.posted() == []


@pytest.mark.parametrize("body, headers, status, word", [
    ({"msgtype": "m.text", "body": "x"}, {}, 401, "M_MISSING_TOKEN"), ("{", BEARER, 400, "M_NOT_JSON"), ({"body": "x"}, BEARER, 400, "M_BAD_JSON"),
    ({"msgtype": "m.text", "body": "x" * 65000}, BEARER, 413, "M_TOO_LARGE"),
    ({"msgtype": "m.text", "body": "x", "m.new_content": {"msgtype": "m.text", "body": "x"},
      "m.relates_to": {"rel_type": "m.replace", "event_id": "$unknown"}}, BEARER, 400, "Can't send relation to unknown event")])
def test_matrix_refuses_what_synapse_refuses(unpaced, body, headers, status, word):
    answer = send(unpaced, MATRIX + "t", body, headers, "PUT")
    assert answer[0] == status and word in answer[1], answer


def test_matrix_refuses_who_is_not_in_the_room_and_who_is_too_fast(unpaced):
    body = {"msgtype": "m.text", "body": "x"}
    assert "M_FORBIDDEN" in send(unpaced, MATRIX.replace("%21r", "%21unknown") + "t", body, BEARER, "PUT")[1]
    server = FakeProviders()
    answers = [send(server, MATRIX + str(number), body, BEARER, "PUT") for number in range(11)]
    assert [answer[0] for answer in answers] == [200] * 10 + [429]
    assert json.loads(answers[-1][1])["errcode"] == "M_LIMIT_EXCEEDED" and 4000 < json.loads(answers[-1][1])["retry_after_ms"] <= 5000
    server.close()


def test_a_repeated_matrix_transaction_is_one_message(unpaced):
    body = {"msgtype": "m.text", "body": "x"}
    first, again, other = (send(unpaced, MATRIX + name, body, BEARER, "PUT") for name in ("t1", "t1", "t2"))
    assert first == again != other


def post_and_edit(fake, name):
    """Posts a message and returns its id and a function that edits it."""
    if name == "discord":
        answer = send(fake, DISCORD, {"content": "one"}, AGENT)
        number = json.loads(answer[1])["id"]
        path = DISCORD.replace("?wait=true", "/messages/")
        return number, lambda text, number=number: send(fake, path + number, {"content": text}, AGENT, "PATCH")
    if name == "telegram":
        answer = send(fake, TELEGRAM, {"chat_id": 1, "text": "one"})
        number = str(json.loads(answer[1])["result"]["message_id"])
        path = TELEGRAM.replace("sendMessage", "editMessageText")
        return number, lambda text, number=number: send(fake, path, {"chat_id": 1, "message_id": int(number), "text": text})
    answer = send(fake, MATRIX + "t1", {"msgtype": "m.text", "body": "one"}, BEARER, "PUT")
    number = json.loads(answer[1])["event_id"]
    return number, lambda text, number=number: send(fake, MATRIX + "edit-" + text, {
        "msgtype": "m.text", "body": text, "m.new_content": {"msgtype": "m.text", "body": text},
        "m.relates_to": {"rel_type": "m.replace", "event_id": number}}, BEARER, "PUT")


@pytest.mark.parametrize("name", ["discord", "telegram", "matrix"])
def test_an_edit_replaces_what_people_see(unpaced, name):
    number, edit = post_and_edit(unpaced, name)
    assert edit("two")[0] == 200
    assert [(m["message"], m["posted"], m["shown"], m["edits"]) for m in unpaced.screen()] == [(number, "one", "two", 1)]
    assert [entry["shown"] for entry in unpaced.posted()] == ["one"]


@pytest.mark.parametrize("name, deleted, frozen", [("discord", "10008", "30046"), ("telegram", "to edit not found", "can't be edited")])
def test_an_edit_the_real_one_refuses_is_refused(unpaced, name, deleted, frozen):
    number, edit = post_and_edit(unpaced, name)
    unpaced.freeze_message(number)
    answer = edit("two")
    assert answer[0] >= 400 and frozen in answer[1]
    unpaced.delete_message(number)
    answer = edit("two")
    assert answer[0] >= 400 and deleted in answer[1]
    assert [m["shown"] for m in unpaced.screen()] == ["one"]


def test_telegram_refuses_an_edit_that_changes_nothing(unpaced):
    _, edit = post_and_edit(unpaced, "telegram")
    answer = edit("one")
    assert answer[0] == 400 and "message is not modified" in answer[1]


def test_matrix_takes_an_edit_of_a_deleted_message_and_shows_nothing(unpaced):
    number, edit = post_and_edit(unpaced, "matrix")
    unpaced.delete_message(number)
    assert edit("two")[0] == 200
    assert [m["shown"] for m in unpaced.screen()] == ["one"] and unpaced.arrived()[-1]["hidden"]


def test_matrix_shows_who_asks_that_a_message_is_there_deleted_or_unknown(unpaced):
    number, _ = post_and_edit(unpaced, "matrix")

    def ask(event):
        status, answer = send(unpaced, MATRIX.split("/send")[0] + "/event/" + event.replace("$", "%24"), "", BEARER, "GET")
        return status, json.loads(answer)
    status, event = ask(number)
    assert status == 200 and event["content"]["body"] == "one" and not event["unsigned"]
    unpaced.delete_message(number)
    status, event = ask(number)
    assert status == 200 and event["content"] == {} and event["unsigned"]["redacted_because"]
    assert ask("$unknown") == (404, {"errcode": "M_NOT_FOUND", "error": "Event not found."})


def test_discord_keeps_what_an_edit_leaves_out(unpaced):
    number, edit = post_and_edit(unpaced, "discord")
    path = DISCORD.replace("?wait=true", "/messages/") + number
    assert send(unpaced, path, {"embeds": [{"title": "card"}]}, AGENT, "PATCH")[0] == 200
    assert unpaced.screen()[0]["shown"] == "one\ncard"
    assert send(unpaced, path, {"content": None}, AGENT, "PATCH")[0] == 200
    assert unpaced.screen()[0]["shown"] == "card"


def test_a_sender_past_the_pace_is_refused_and_noticed_when_it_does_not_wait():
    server = FakeProviders()
    answers = [send(server, SLACK, {"text": "x"})[0] for _ in range(4)]
    assert answers[:2] == [200, 200] and answers[2:] == [429, 429]
    assert [entry["status"] for entry in server.violations] == [429]
    server.close()


@pytest.mark.parametrize("text, who", [("<!channel> hi", ["<!channel>"]), ("<@U012> hi", ["<@U012>"]), ("&lt;!channel&gt;", [])])
def test_a_mention_is_noticed(unpaced, text, who):
    send(unpaced, SLACK, {"text": text})
    assert unpaced.posted()[0]["pings"] == who


@pytest.mark.parametrize("kind", ["reset", "half"])
def test_a_broken_answer_is_really_broken(unpaced, kind):
    unpaced.script({"destination": "slack", "kind": kind})
    with pytest.raises((OSError, http.client.HTTPException)):
        send(unpaced, SLACK, {"text": "x"})
    assert send(unpaced, SLACK, {"text": "x"}) == (200, "ok")
