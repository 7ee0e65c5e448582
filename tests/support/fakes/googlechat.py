# SPDX-License-Identifier: Apache-2.0
"""Google Chat's webhooks."""
import json
import re
import secrets

from .protocol import Protocol, Reply, is_web_link, refuse_unless
from .telegram import visible_text


class GoogleChat(Protocol):
    name = "googlechat"
    pattern = re.compile(r"/v1/spaces/([^/]+)/messages")
    MEMBERS = {"text", "fallbackText", "cardsV2", "thread", "accessoryWidgets"}

    def destination(self, request, match):
        return f"googlechat/{match[1]}"

    def limits(self, destination, request):
        return [(destination, 2, 1.0)]

    def too_fast(self, wait_s):
        return self.error(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."), None

    @staticmethod
    def error(code, status, message):
        return Reply.of(code, {"error": {"code": code, "message": message, "status": status}})

    def invalid(self, message):
        return self.error(400, "INVALID_ARGUMENT", message)

    def key_not_valid(self):
        """Not a 401, as one might expect."""
        info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
        reply = self.invalid("API key not valid. Please pass a valid API key.")
        body = json.loads(reply.body)
        body["error"]["details"] = [info]
        return Reply.of(400, body)

    def answer(self, request, match):
        refuse_unless(request.query.get("key") and request.query.get("token"),
                      self.error(401, "UNAUTHENTICATED", "Request is missing required authentication credential."))
        refuse_unless(request.query["key"] != ["expired"], self.key_not_valid())
        refuse_unless(request.method == "POST", self.error(404, "NOT_FOUND", "Requested entity was not found."))
        message = request.json()
        refuse_unless(message is not None, self.invalid("Invalid JSON payload received."))
        unknown = set(message) - self.MEMBERS
        refuse_unless(not unknown, self.invalid(f'Invalid JSON payload received. Unknown name "{min(unknown, default="")}"'))
        refuse_unless(message.get("text") or message.get("cardsV2"), self.invalid("Message cannot be empty."))
        refuse_unless(len(request.body) <= 32000, self.invalid("Message is too long."))
        lines = [message.get("text", "")]
        for card in message.get("cardsV2") or []:
            lines += self.check_card(card.get("card") or {})
        name = f"spaces/{match[1]}/messages/{secrets.token_hex(8)}"
        return Reply.of(200, {"name": name, "thread": {"name": f"spaces/{match[1]}/threads/fake"}},
                        shown="\n".join(filter(None, lines)),
                        pings=re.findall(r"<users/[^>]+>", message.get("text", "")))

    def check_card(self, card):
        header = card.get("header") or {}
        lines = [header.get("title", ""), header.get("subtitle", "")]
        for section in card.get("sections") or []:
            widgets = section.get("widgets") or []
            refuse_unless(1 <= len(widgets) <= 100, self.invalid("A section needs a widget."))
            for widget in widgets:
                refuse_unless(len(widget) == 1, self.invalid("A widget holds one element."))
                lines.append(self.check_widget(*next(iter(widget.items()))))
        return lines

    def check_widget(self, kind, value):
        if kind == "textParagraph":
            refuse_unless(value.get("text"), self.invalid("textParagraph.text must not be empty."))
            return visible_text(value["text"])
        if kind == "decoratedText":
            refuse_unless(value.get("text"), self.invalid("decoratedText.text must not be empty."))
            return f"{value.get('topLabel', '')}: {visible_text(value['text'])}"
        if kind == "buttonList":
            for button in value.get("buttons") or []:
                refuse_unless(is_web_link(button["onClick"]["openLink"]["url"]), self.invalid("Invalid URL."))
            return ""
        refuse_unless(kind == "divider", self.invalid(f'Unknown name "{kind}"'))
        return ""
