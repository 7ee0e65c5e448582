# SPDX-License-Identifier: Apache-2.0
"""What each provider accepts and answers. A protocol takes a request and returns a reply. It refuses what
the real provider refuses, with the same words."""
import datetime
import html.parser
import itertools
import json
import math
import re
import secrets
import urllib.parse
from dataclasses import dataclass, field


@dataclass
class Request:
    method: str
    path: str
    query: dict
    headers: dict  # names in lower case
    body: bytes

    def json(self):
        """The body as an object, or None if it is not a JSON object."""
        if not self.headers.get("content-type", "").startswith("application/json"):
            return None
        try:
            value = json.loads(self.body.decode("utf-8"))
        except ValueError:
            return None
        return value if isinstance(value, dict) else None


@dataclass
class Reply:
    status: int
    body: str = ""
    headers: dict = field(default_factory=dict)
    shown: str = ""      # a posted message as people would see it
    pings: list = field(default_factory=list)  # people that the message would have pinged
    hidden: str = ""     # accepted, but never shown
    message: str = ""    # the id of the message that was posted or edited
    is_edit: bool = False

    @staticmethod
    def of(status, value, **more):
        reply = Reply(status, json.dumps(value), **more)
        reply.headers.setdefault("Content-Type", "application/json")
        return reply


class Refusal(Exception):
    """A failed validation. The argument is the provider's answer."""


def refuse_unless(condition, reply):
    if not condition:
        raise Refusal(reply)


def is_web_link(text):
    parts = urllib.parse.urlsplit(text) if isinstance(text, str) else None
    return bool(parts and parts.scheme in ("http", "https") and parts.netloc)


def time_in_words(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


class Protocol:
    name = ""
    pattern = None

    def __init__(self):
        self.messages = {}  # (destination, id) -> what was sent last, where messages can be edited
        self.frozen = set() # ids of those that cannot be edited any more

    def match(self, path):
        return self.pattern.fullmatch(path)

    def limits(self, destination, request):
        """The documented pace as (key, burst, seconds per message after it)."""
        return []

    def too_fast(self, wait_s):
        """The documented 429 and the seconds it asks to wait (None: it does not say)."""
        seconds = math.ceil(wait_s)
        return Reply(429, "", {"Retry-After": str(seconds)}), seconds


class Discord(Protocol):
    name = "discord"
    pattern = re.compile(r"/api(?:/v(\d+))?/webhooks/([^/]+)/([^/]+)(?:/messages/([^/]+))?")

    def destination(self, request, match):
        return f"discord/{match[2]}"

    def limits(self, destination, request):
        return [(destination + " webhook", 5, 0.4), (destination + " channel", 30, 2.0)]

    def too_fast(self, wait_s):
        body = {"message": "You are being rate limited.", "retry_after": round(wait_s, 3), "global": False}
        fields = {"Retry-After": str(math.ceil(wait_s)), "X-RateLimit-Scope": "user",
                  "X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Bucket": "fake",
                  "X-RateLimit-Reset-After": f"{wait_s:.3f}"}
        return Reply.of(429, body, headers=fields), round(wait_s, 3)

    @staticmethod
    def error(status, code, message, **more):
        return Reply.of(status, {"message": message, "code": code, **more})

    def form(self, where, what):
        errors = {where: {"_errors": [{"code": what, "message": "Must be shorter, non-empty or well-formed."}]}}
        return self.error(400, 50035, "Invalid Form Body", errors=errors)

    def answer(self, request, match):
        agent = request.headers.get("user-agent", "")
        refuse_unless(re.match(r"DiscordBot \(https?://\S+, [^)]+\)", agent),
                      self.error(403, 40333, "internal network error"))
        refuse_unless(re.fullmatch(r"\d{17,20}", match[2]), self.error(404, 10015, "Unknown Webhook"))
        if request.method == "GET":
            return Reply.of(200, {"id": match[2], "type": 1, "name": "fake", "token": match[3]})
        refuse_unless(request.method == ("PATCH" if match[4] else "POST"), self.error(405, 0, "405: Method Not Allowed"))
        refuse_unless(match[1] == "10", self.error(400, 50041, "Invalid API version"))
        message = request.json()
        refuse_unless(message is not None, self.error(400, 50109, "The request body contains invalid JSON."))
        if match[4]:
            message = self.edited(match, message)
        content = (message.get("content") or "").strip()
        embeds = message.get("embeds") or []
        refuse_unless(content or embeds, self.error(400, 50006, "Cannot send an empty message"))
        refuse_unless(len(content) <= 2000, self.form("content", "BASE_TYPE_BAD_LENGTH"))
        refuse_unless(isinstance(embeds, list) and len(embeds) <= 10, self.form("embeds", "BASE_TYPE_MAX_LENGTH"))
        total = sum(self.check_embed(embed) for embed in embeds)
        refuse_unless(total <= 6000, self.form("embeds", "MAX_EMBED_SIZE_EXCEEDED"))
        text = self.show(content, embeds)
        pings = self.pings(message, content)
        if request.query.get("wait") != ["true"] and not match[4]:
            return Reply(204, shown=text, pings=pings)
        number = match[4] or str(10**18 + secrets.randbelow(10**17))
        self.messages[match[2], number] = {"content": content, "embeds": embeds}
        return Reply.of(200, {"id": number, "type": 0, "content": content, "embeds": embeds, "webhook_id": match[2]},
                        shown=text, pings=pings, message=number, is_edit=bool(match[4]))

    def edited(self, match, message):
        """What is left out stays as it was. Everything but the texts comes from the edit."""
        before = self.messages.get((match[2], match[4]))
        refuse_unless(before is not None, self.error(404, 10008, "Unknown Message"))
        refuse_unless(match[4] not in self.frozen,
                      self.error(429, 30046, "Maximum number of edits to messages older than 1 hour reached. Try again later"))
        return {**before, **message}

    def check_embed(self, embed):
        """The number of characters, as this provider counts them."""
        refuse_unless(isinstance(embed, dict), self.form("embeds", "MODEL_TYPE_CONVERT"))
        texts = [(embed, "title", 256), (embed, "description", 4096),
                 (embed.get("footer") or {}, "text", 2048), (embed.get("author") or {}, "name", 256)]
        fields = embed.get("fields") or []
        refuse_unless(len(fields) <= 25, self.form("embeds.fields", "BASE_TYPE_MAX_LENGTH"))
        for one in fields:
            refuse_unless((one.get("name") or "").strip() and (one.get("value") or "").strip(),
                          self.form("embeds.fields", "BASE_TYPE_REQUIRED"))
            texts += [(one, "name", 256), (one, "value", 1024)]
        total = 0
        for owner, key, limit in texts:
            text = owner.get(key) or ""
            refuse_unless(isinstance(text, str) and len(text.strip()) <= limit, self.form(f"embeds.{key}", "BASE_TYPE_MAX_LENGTH"))
            total += len(text.strip())
        color = embed.get("color", 0)
        refuse_unless(isinstance(color, int) and 0 <= color <= 0xFFFFFF, self.form("embeds.color", "NUMBER_TYPE_MAX"))
        refuse_unless("url" not in embed or is_web_link(embed["url"]), self.form("embeds.url", "URL_TYPE_INVALID_URL"))
        if "timestamp" in embed:
            try:
                datetime.datetime.fromisoformat(embed["timestamp"].replace("Z", "+00:00"))
            except (ValueError, AttributeError):
                raise Refusal(self.form("embeds.timestamp", "DATE_TIME_TYPE_PARSE")) from None
        return total

    @staticmethod
    def pings(message, content):
        allowed = (message.get("allowed_mentions") or {}).get("parse", ["users"])
        found = re.findall(r"(?<!\\)<@!?\d+>", content) if "users" in allowed else []
        return found + (re.findall("@everyone|@here", content) if "everyone" in allowed else [])

    @staticmethod
    def show(content, embeds):
        lines = [content] if content else []
        for embed in embeds:
            lines += [embed.get("title", ""), embed.get("description", "")]
            lines += [f"{one['name']}: {one['value']}" for one in embed.get("fields") or []]
            lines.append((embed.get("footer") or {}).get("text", ""))
        # As on the screen: a time is in the reader's zone, and a backslash before a mark is invisible.
        text = re.sub(r"(?<!\\)<t:(\d+):[fR]>", lambda found: time_in_words(int(found[1])), "\n".join(filter(None, lines)))
        return re.sub(r"\\([^A-Za-z0-9\s])", r"\1", text)


class Slack(Protocol):
    name = "slack"
    pattern = re.compile(r"/services/([^/]+)/([^/]+)/([^/]+)")

    def destination(self, request, match):
        return f"slack/{match[1]}/{match[2]}"

    def limits(self, destination, request):
        return [(destination, 2, 1.0)]

    def too_fast(self, wait_s):
        seconds = math.ceil(wait_s)
        return Reply.of(429, {"retry_after": seconds, "ok": False, "error": "rate_limited"},
                        headers={"Retry-After": str(seconds)}), seconds

    def answer(self, request, match):
        refuse_unless(request.method == "POST", Reply(405, "method_not_allowed"))
        message = request.json()
        refuse_unless(message is not None, Reply(400, "invalid_payload"))
        text, attachments = message.get("text") or "", message.get("attachments") or []
        refuse_unless(text or attachments or message.get("blocks"), Reply(400, "missing_text_or_fallback_or_attachments"))
        refuse_unless(isinstance(attachments, list) and all(isinstance(one, dict) for one in attachments), Reply(400, "invalid_attachments"))
        refuse_unless(isinstance(text, str) and text, Reply(400, "no_text"))
        refuse_unless(len(text) <= 40000, Reply(400, "msg_too_long"))
        refuse_unless(len(attachments) <= 100, Reply(400, "too_many_attachments"))
        lines = [text]
        for blocks in [message.get("blocks") or [], *(a.get("blocks") or [] for a in attachments)]:
            refuse_unless(isinstance(blocks, list), Reply(400, "invalid_blocks_format"))
            refuse_unless(len(blocks) <= 50, Reply(400, "invalid_blocks"))
            refuse_unless(len(json.dumps(blocks, ensure_ascii=False)) <= 13200, Reply(400, "msg_blocks_too_long"))
            for block in blocks:
                lines += self.check_block(block)
        spoken = "\n".join(lines)
        pings = re.findall(r"<!(?:channel|here|everyone|subteam\^\w+)[^>]*>|<@[UW]\w*>", spoken)
        if message.get("link_names") or message.get("parse") == "full":
            pings += re.findall(r"@\w+", spoken)
        spoken = re.sub(r"<!date\^(\d+)\^[^|>]*\|[^>]*>", lambda found: time_in_words(int(found[1])), spoken)
        shown = spoken.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        return Reply(200, "ok", {"Content-Type": "text/html"}, shown=shown, pings=pings)

    def check_text(self, part, limit):
        refuse_unless(isinstance(part, dict) and part.get("type") in ("plain_text", "mrkdwn"), Reply(400, "invalid_blocks"))
        text = part.get("text")
        refuse_unless(isinstance(text, str) and 1 <= len(text) <= limit, Reply(400, "invalid_blocks"))
        refuse_unless(not set(part) - {"type", "text", "emoji", "verbatim"}, Reply(400, "invalid_blocks"))
        return text

    def check_block(self, block):
        kind = block.get("type")
        if kind == "header":
            refuse_unless(block.get("text", {}).get("type") == "plain_text", Reply(400, "invalid_blocks"))
            return [self.check_text(block["text"], 150)]
        if kind == "section":
            fields = block.get("fields") or []
            refuse_unless(("text" in block or fields) and len(fields) <= 10, Reply(400, "invalid_blocks"))
            texts = [self.check_text(block["text"], 3000)] if "text" in block else []
            return texts + [self.check_text(one, 2000) for one in fields]
        if kind == "context":
            elements = block.get("elements") or []
            refuse_unless(1 <= len(elements) <= 10, Reply(400, "invalid_blocks"))
            return [self.check_text(one, 3000) for one in elements]
        refuse_unless(kind == "divider", Reply(400, "invalid_blocks"))
        return []


class Mattermost(Protocol):
    """Takes Slack's webhooks, but knows no blocks."""
    name = "mattermost"
    pattern = re.compile(r"/hooks/([a-z0-9]{26})")

    def destination(self, request, match):
        return f"mattermost/{match[1]}"

    def answer(self, request, match):
        message = request.json()
        refuse_unless(message is not None and (message.get("text") or message.get("attachments")),
                      Reply.of(400, {"id": "web.incoming_webhook.parse.app_error", "message": "no text", "status_code": 400}))
        lines = [message.get("text", "")]
        for one in message.get("attachments") or []:
            lines += [one.get("text", ""), *(f"{field['title']}: {field['value']}" for field in one.get("fields") or []), one.get("footer", "")]
        text = "\n".join(filter(None, lines))
        return Reply(200, "ok", {"Content-Type": "text/plain"}, shown=text, pings=re.findall(r"@(?:all|channel|here)\b|<!\w+>", text))


class TeamsWorkflow(Protocol):
    name = "teams"
    pattern = re.compile(r"(?:/powerautomate/automations/direct(?:/cu/\d+)?)?/workflows/([0-9a-f]{32})/triggers/manual/paths/invoke")

    def destination(self, request, match):
        return f"teams/{match[1]}"

    def limits(self, destination, request):
        return [(destination, 25, 12.0)]

    def too_fast(self, wait_s):
        # The trigger accepts it. The flow's post action then fails without an answer.
        return Reply(202, hidden="the flow bot's post action was throttled"), None

    @staticmethod
    def error(status, code):
        return Reply.of(status, {"error": {"code": code, "message": f"{code}: the request was refused."}})

    def answer(self, request, match):
        refuse_unless("authorization" not in request.headers and request.query.get("sig", [""])[0],
                      self.error(401, "DirectApiAuthorizationRequired"))
        refuse_unless(request.method == "POST", self.error(404, "WorkflowNotFound"))
        message = request.json()
        refuse_unless(message is not None and isinstance(message.get("attachments"), list),
                      self.error(400, "TriggerInputSchemaMismatch"))
        hidden, lines = "", []
        if len(json.dumps(message, indent=2).encode()) > 28672:
            hidden = "larger than 28 KB after Microsoft's own serialisation"
        for attachment in message["attachments"]:
            card = attachment.get("content") or {}
            if attachment.get("contentType") != "application/vnd.microsoft.card.adaptive" or \
                    card.get("type") != "AdaptiveCard" or not card.get("body"):
                hidden = hidden or "no adaptive card"
            if (card.get("msteams") or {}).get("entities"):
                hidden = hidden or "entities could mention somebody"
            for element in card.get("body") or []:
                lines.append(self.element(element))
        if not lines or None in lines:
            hidden = hidden or "an element no client knows"
        return Reply(202, hidden=hidden, shown="\n".join(filter(None, lines)))

    @staticmethod
    def element(element):
        kind = element.get("type")
        if kind == "RichTextBlock":
            return "".join(run if isinstance(run, str) else run.get("text", "") for run in element.get("inlines") or [])
        if kind == "TextBlock":
            return element.get("text", "")
        if kind == "FactSet":
            return "\n".join(f"{fact['title']}: {fact['value']}" for fact in element.get("facts") or [])
        return "" if kind in ("Container", "ColumnSet") else None


class TeamsLegacy(Protocol):
    name = "teams-legacy"
    pattern = re.compile(r"/webhook(?:b2)?/([^/]+)@([^/]+)/IncomingWebhook/.+")

    def destination(self, request, match):
        return f"teams-legacy/{match[1]}"

    def limits(self, destination, request):
        return [(destination, 4, 1.0)]

    def too_fast(self, wait_s):
        text = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId fake"
        return Reply(200, text), None

    def answer(self, request, match):
        refuse_unless(request.method == "POST", Reply(404, ""))
        message = request.json()
        refuse_unless(message is not None, Reply(400, "Bad payload received by generic incoming webhook."))
        refuse_unless(len(request.body) <= 28672, Reply(413, "Message is too large"))
        if message.get("@type") == "MessageCard":
            refuse_unless(message.get("text") or message.get("summary"), Reply(400, "Summary or Text is required."))
            return Reply(200, "1", shown=message.get("text", message.get("summary", "")))
        reply = TeamsWorkflow().answer(Request("POST", "", {"sig": ["-"]}, {"content-type": "application/json"}, request.body), match)
        refuse_unless(reply.status == 202 and not reply.hidden, Reply(400, "Bad payload received by generic incoming webhook."))
        return Reply(200, "1", shown=reply.shown)


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


class Webhook(Protocol):
    name = "webhook"
    pattern = re.compile(r"/.*")

    def destination(self, request, match):
        return "webhook" + request.path

    def answer(self, request, match):
        refuse_unless(request.method == "POST", Reply(405, ""))
        return Reply(204, shown=request.body.decode("utf-8", "replace"))


def all_protocols():
    """In the order they are tried. The webhook takes the rest."""
    return [Discord(), Slack(), Mattermost(), TeamsWorkflow(), TeamsLegacy(), GoogleChat(), Telegram(), Matrix(), Webhook()]
