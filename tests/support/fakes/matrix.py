# SPDX-License-Identifier: Apache-2.0
"""Matrix' client-server API."""
import math
import re
import secrets
import urllib.parse

from .protocol import Protocol, Reply, refuse_unless


class Matrix(Protocol):
    name = "matrix"
    pattern = re.compile(r"/_matrix/client/(.*)")

    def __init__(self):
        super().__init__()
        self.answered = {}  # (token, room, transaction) -> event id
        self.known = set()  # (room, event id), deleted ones included

    def destination(self, request, match):
        found = re.match(r"v3/(?:rooms|directory/room)/([^/]+)", match[1])
        return "matrix/" + urllib.parse.unquote(found[1] if found else "")

    def limits(self, destination, request):
        return [("matrix " + request.headers.get("authorization", ""), 10, 5.0)] if "/send/" in request.path else []

    def too_fast(self, wait_s):
        wait_ms = math.ceil(wait_s * 1000)
        reply = self.error(429, "M_LIMIT_EXCEEDED", "Too Many Requests", retry_after_ms=wait_ms)
        reply.headers["Retry-After"] = str(math.ceil(wait_s))
        return reply, wait_ms / 1000

    @staticmethod
    def error(status, code, text, **more):
        return Reply.of(status, {"errcode": code, "error": text, **more})

    def answer(self, request, match):
        if match[1] == "versions":
            return Reply.of(200, {"versions": ["v1.1", "v1.10"]})
        bearer = request.headers.get("authorization", "")
        refuse_unless(bearer.startswith("Bearer ") and len(bearer) > 7 and "access_token" not in request.query,
                      self.error(401, "M_MISSING_TOKEN", "Missing access token"))
        alias = re.fullmatch(r"v3/directory/room/([^/]+)", match[1])
        if alias:
            return self.resolve(request, urllib.parse.unquote(alias[1]))
        asked = re.fullmatch(r"v3/rooms/([^/]+)/event/([^/]+)", match[1])
        if asked and request.method == "GET":
            return self.find(*map(urllib.parse.unquote, asked.groups()))
        send = re.fullmatch(r"v3/rooms/([^/]+)/send/m\.room\.message/([^/]+)", match[1])
        refuse_unless(send, self.error(404, "M_UNRECOGNIZED", "Unrecognized request"))
        refuse_unless(request.method == "PUT", self.error(405, "M_UNRECOGNIZED", "Unrecognized request"))
        room = urllib.parse.unquote(send[1])
        refuse_unless(room.startswith("!") and len(room.encode()) <= 255, self.error(400, "M_INVALID_PARAM", "Invalid room id"))
        self.check_member(room)
        key = (bearer, room, send[2])
        if key in self.answered:
            return Reply.of(200, {"event_id": self.answered[key]})
        content = self.check_content(request.json(), len(request.body))
        relation = content.get("m.relates_to") or {}
        refuse_unless(not relation or (room, relation.get("event_id")) in self.known,
                      self.error(400, "M_UNKNOWN", "Can't send relation to unknown event"))
        self.answered[key] = "$" + secrets.token_urlsafe(32)
        self.known.add((room, self.answered[key]))
        pings = [] if "m.mentions" in content else re.findall("@room", content["body"])
        answer = {"event_id": self.answered[key]}
        if relation.get("rel_type") != "m.replace":
            self.messages[room, answer["event_id"]] = content
            return Reply.of(200, answer, shown=content["body"], pings=pings, message=answer["event_id"])
        content = self.check_content(content.get("m.new_content"), 0)
        # A homeserver takes it although the message was deleted. Clients then show nothing.
        hidden = "" if (room, relation.get("event_id")) in self.messages else "it replaces no message of the room"
        return Reply.of(200, answer, shown=content["body"], pings=pings, message=str(relation.get("event_id")), is_edit=True, hidden=hidden)

    def check_member(self, room):
        refuse_unless(not room.startswith("!unknown"), self.error(403, "M_FORBIDDEN", f"User @bot:fake not in room {room}"))

    def find(self, room, event_id):
        self.check_member(room)
        refuse_unless((room, event_id) in self.known, self.error(404, "M_NOT_FOUND", "Event not found."))
        content = self.messages.get((room, event_id), {})
        unsigned = {} if content else {"redacted_because": {"type": "m.room.redaction", "redacts": event_id}}
        return Reply.of(200, {"type": "m.room.message", "event_id": event_id, "room_id": room, "sender": "@bot:fake", "content": content,
                              "unsigned": unsigned})

    def resolve(self, request, alias):
        refuse_unless(request.method == "GET", self.error(405, "M_UNRECOGNIZED", "Unrecognized request"))
        found = re.fullmatch(r"#([^:]+):(.+)", alias)
        refuse_unless(found, self.error(400, "M_INVALID_PARAM", "Room alias invalid"))
        refuse_unless(found[1] != "missing", self.error(404, "M_NOT_FOUND", f"Room alias {alias} not found"))
        return Reply.of(200, {"room_id": f"!room-of-{found[1]}:{found[2]}", "servers": [found[2]]})

    def check_content(self, content, size):
        refuse_unless(isinstance(content, dict), self.error(400, "M_NOT_JSON", "Content not JSON."))
        refuse_unless(size <= 64000, self.error(413, "M_TOO_LARGE", "event too large"))
        refuse_unless(isinstance(content.get("msgtype"), str) and isinstance(content.get("body"), str) and content["body"],
                      self.error(400, "M_BAD_JSON", "'body' or 'msgtype' not in content"))
        if "formatted_body" in content or "format" in content:
            refuse_unless(content.get("format") == "org.matrix.custom.html" and isinstance(content.get("formatted_body"), str),
                          self.error(400, "M_BAD_JSON", "bad formatted_body"))
        return content
