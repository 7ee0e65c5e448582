# SPDX-License-Identifier: Apache-2.0
"""Telegram's Bot API."""
import html.parser
import itertools
import math
import re

from .protocol import Protocol, Reply, refuse_unless


class TelegramHtml(html.parser.HTMLParser):
    """Refuses what Telegram's parser refuses, and collects what it would show."""
    TAGS = set("a b strong i em u ins s strike del code pre blockquote span tg-spoiler tg-emoji tg-time".split())

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.text, self.fault = [], "", ""

    def handle_starttag(self, tag, attrs):
        if tag not in self.TAGS:
            self.fault = self.fault or f'Unsupported start tag "{tag}"'
        self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.fault = self.fault or f'Unexpected end tag "{tag}"'

    def handle_data(self, data):
        self.text += data


def visible_text(markup):
    parser = TelegramHtml()
    parser.feed(markup)
    parser.close()
    return parser.text


class Telegram(Protocol):
    name = "telegram"
    pattern = re.compile(r"/bot([^/]*)/(\w+)")

    def __init__(self):
        super().__init__()
        self.numbers = itertools.count(1)  # of messages; one that is deleted leaves a gap

    def destination(self, request, match):
        body = request.json() or {}
        return f"telegram/{body.get('chat_id', '')}"

    def limits(self, destination, request):
        if not request.path.endswith(("/sendMessage", "/editMessageText")):
            return []
        found = [(destination, 2, 1.0), ("telegram bot " + request.path, 30, 1 / 30)]
        return found + ([(destination + " group", 20, 3.0)] if destination.startswith("telegram/-") else [])

    def too_fast(self, wait_s):
        seconds = math.ceil(wait_s)
        reply = self.error(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
        reply.headers["Retry-After"] = str(seconds)
        return reply, seconds

    @staticmethod
    def error(code, description, **parameters):
        body = {"ok": False, "error_code": code, "description": description}
        return Reply.of(code, {**body, "parameters": parameters} if parameters else body)

    def answer(self, request, match):
        token = match[1]
        refuse_unless(re.fullmatch(r"[1-9]\d*:[A-Za-z0-9_-]+", token) and len(token) <= 80, self.error(401, "Unauthorized"))
        if match[2] == "getMe":
            return Reply.of(200, {"ok": True, "result": {"id": int(token.split(":")[0]), "is_bot": True, "first_name": "fake"}})
        refuse_unless(match[2] in ("sendMessage", "editMessageText", "getChat"), self.error(404, "Not Found"))
        message = request.json()
        refuse_unless(message is not None, self.error(400, "Bad Request: can't parse JSON object"))
        chat = message.get("chat_id")
        refuse_unless(chat not in (None, ""), self.error(400, "Bad Request: chat_id is empty"))
        refuse_unless(isinstance(chat, int) and not isinstance(chat, bool) or isinstance(chat, str) and re.fullmatch(r"@\w{4,}|-?\d+", chat),
                      self.error(400, "Bad Request: chat not found"))
        if match[2] == "getChat":
            return Reply.of(200, {"ok": True, "result": {"id": chat, "type": "group"}})
        text = message.get("text") or ""
        if message.get("parse_mode") == "HTML":
            parser = TelegramHtml()
            parser.feed(text)
            parser.close()
            fault = parser.fault or (f'Can\'t find end tag corresponding to start tag "{parser.open[-1]}"' if parser.open else "")
            refuse_unless(not fault, self.error(400, f"Bad Request: can't parse entities: {fault}"))
            text = parser.text
        else:
            refuse_unless("parse_mode" not in message, self.error(400, "Bad Request: unsupported parse_mode"))
        refuse_unless(text.strip(), self.error(400, "Bad Request: message text is empty"))
        refuse_unless(len(text) <= 4096, self.error(400, "Bad Request: message is too long"))
        number = self.edited(chat, message) if match[2] == "editMessageText" else next(self.numbers)
        self.messages[chat, number] = message["text"]
        result = {"message_id": number, "chat": {"id": chat}, "date": 0, "text": text}
        return Reply.of(200, {"ok": True, "result": result}, shown=text, message=str(number), is_edit=match[2] == "editMessageText")

    def edited(self, chat, message):
        number = message.get("message_id")
        refuse_unless(number, self.error(400, "Bad Request: message identifier is not specified"))
        before = self.messages.get((chat, number))
        refuse_unless(before is not None, self.error(400, "Bad Request: message to edit not found"))
        refuse_unless(str(number) not in self.frozen, self.error(400, "Bad Request: message can't be edited"))
        refuse_unless(before != message["text"], self.error(
            400, "Bad Request: message is not modified: specified new message content and reply markup are exactly the same "
                 "as a current content and reply markup of the message"))
        return number
