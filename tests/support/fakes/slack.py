# SPDX-License-Identifier: Apache-2.0
"""Slack's incoming webhooks, and Mattermost, which takes the same."""
import json
import math
import re

from .protocol import Protocol, Reply, refuse_unless, time_in_words


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
