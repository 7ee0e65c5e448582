# SPDX-License-Identifier: Apache-2.0
"""What each provider accepts and answers, a file each. A protocol takes a request and returns a reply. It refuses what
the real provider refuses, with the same words."""
import re

from .discord import Discord
from .googlechat import GoogleChat
from .matrix import Matrix
from .protocol import Protocol, Reply, refuse_unless
from .slack import Mattermost, Slack
from .teams import TeamsLegacy, TeamsWorkflow
from .telegram import Telegram


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
