# SPDX-License-Identifier: Apache-2.0
"""Microsoft Teams: workflows, and the older connectors."""
import json
import re

from .protocol import Protocol, Reply, Request, refuse_unless


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
