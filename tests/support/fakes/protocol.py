# SPDX-License-Identifier: Apache-2.0
"""What the protocols of the fake providers share: a request, a reply, and how one is refused."""
import datetime
import json
import math
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
        self.frozen = set() # ids of those that can no longer be edited

    def match(self, path):
        return self.pattern.fullmatch(path)

    def limits(self, destination, request):
        """The documented pace as (key, burst, seconds per message after it)."""
        return []

    def too_fast(self, wait_s):
        """The documented 429 and the seconds it asks to wait (None: it does not say)."""
        seconds = math.ceil(wait_s)
        return Reply(429, "", {"Retry-After": str(seconds)}), seconds
