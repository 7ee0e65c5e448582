# SPDX-License-Identifier: Apache-2.0
"""Discord's webhooks."""
import datetime
import math
import re
import secrets

from .protocol import Protocol, Refusal, Reply, is_web_link, refuse_unless, time_in_words


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
