# SPDX-License-Identifier: Apache-2.0
"""A fresh destination at each of the fake's providers: what its owner would configure, and the name the fake gives it."""
import collections
import secrets

Destination = collections.namedtuple("Destination", "provider config name")


def token(size=34):
    return secrets.token_hex(size)[:size]


def discord():
    webhook = str(10**17 + secrets.randbelow(10**17))
    return Destination("discord", {"webhook_url": f"https://discord.com/api/webhooks/{webhook}/{token(68)}"}, f"discord/{webhook}")


def slack():
    team, hook = "T" + token(9).upper(), "B" + token(9).upper()
    return Destination("slack", {"webhook_url": f"https://hooks.slack.com/services/{team}/{hook}/{token(24)}"}, f"slack/{team}/{hook}")


def mattermost():
    hook = token(26)
    return Destination("slack", {"webhook_url": f"https://chat.example.org/hooks/{hook}"}, f"mattermost/{hook}")


def teams():
    flow = token(32)
    url = (f"https://prod-12.westeurope.logic.azure.com:443/workflows/{flow}/triggers/manual/paths/invoke"
           f"?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={token(43)}")
    return Destination("teams", {"webhook_url": url}, f"teams/{flow}")


def teams_legacy():
    group, tenant = ("-".join(token(n) for n in (8, 4, 4, 4, 12)) for _ in range(2))
    url = f"https://acme.webhook.office.com/webhookb2/{group}@{tenant}/IncomingWebhook/{token(32)}/{group}"
    return Destination("teams", {"webhook_url": url}, f"teams-legacy/{group}")


def googlechat():
    space = "AAAA" + token(7)
    url = f"https://chat.googleapis.com/v1/spaces/{space}/messages?key={token(39)}&token={token(43)}%3D"
    return Destination("googlechat", {"webhook_url": url}, f"googlechat/{space}")


def telegram(is_group=True):
    person = secrets.randbelow(10**9) + 10**9
    chat = str(-10**12 - person if is_group else person)
    return Destination("telegram", {"bot_token": f"{secrets.randbelow(10**9) + 10**8}:{token(35)}", "chat_id": chat}, f"telegram/{chat}")


def matrix(room=None):
    room = room or f"!{token(18)}:example.org"
    config = {"homeserver_url": "https://matrix.example.org", "access_token": f"syt_{token(40)}", "room_id": room}
    return Destination("matrix", config, f"matrix/{room}")


def webhook(fake):
    name = token(24)
    return Destination("webhook", {"url": f"{fake.origin}/hooks/{name}"}, f"webhook/hooks/{name}")


CHAT = {"discord": discord, "slack": slack, "teams": teams, "googlechat": googlechat, "telegram": telegram, "matrix": matrix}
