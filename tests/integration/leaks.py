# SPDX-License-Identifier: Apache-2.0
"""Collects every secret the run uses and every byte the service says, and looks for the one in the other.
What the service answers, logs, measures and stores is kept in files until the last test."""
import base64
import os
import re
import subprocess
import tempfile
import urllib.parse

SHORTEST = 12  # bytes; a shorter value cannot be told from ordinary text
SECRET_NAMES = {"secret", "bot_token", "access_token"}
URL_NAMES = {"url", "webhook_url"}


def spellings(value):
    """The ways a value could get into JSON, a URL or a header."""
    quoted = urllib.parse.quote(value, safe="")
    found = {value, quoted, quoted.lower(), value.replace("/", "\\/"),
             base64.b64encode(value.encode()).decode().rstrip("=")}
    return {one for one in found if len(one) >= SHORTEST}


class Collector:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="wrenn-said-")
        self.secrets = {}  # spelling -> what it is
        self.count = 0

    def learn(self, what, value):
        if isinstance(value, str) and len(value) >= SHORTEST:
            for spelling in spellings(value):
                self.secrets[spelling] = what

    def learn_config(self, config):
        if not isinstance(config, dict):
            return
        for name, value in config.items():
            if not isinstance(value, str):
                continue
            if name in SECRET_NAMES:
                self.learn(name, value)
            elif name in URL_NAMES:
                self.learn_url(name, value)

    def learn_url(self, name, url):
        """The whole of it, and each piece that looks like a credential."""
        behind_host = re.match(r"https?://[^/?#]+(/[^/].*)", url)
        if not behind_host:
            return
        self.learn(name, url)
        for piece in re.split(r"[/?&=]", behind_host[1]):
            if re.fullmatch(r"[A-Za-z0-9_%-]{20,}", piece) and re.search(r"\d", piece):
                self.learn(f"a piece of {name}", piece)

    def hear(self, source, data):
        """Keeps what the service said."""
        if not data:
            return
        self.count += 1
        name = f"{self.count:06}-" + re.sub(r"[^A-Za-z0-9.]+", "-", source)[:80]
        with open(os.path.join(self.folder.name, name), "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)

    def hear_file(self, source, path):
        if os.path.exists(path):
            with open(path, "rb") as file:
                self.hear(source, file.read())

    def leaks(self):
        """(what, where) of every secret found; never the secret itself."""
        if not self.secrets:
            return []
        wanted = "\n".join(sorted(self.secrets)) + "\n"
        # grep looks for thousands of texts in one pass, which Python's own search does not.
        result = subprocess.run(["grep", "-aoHF", "-Z", "-f", "-", "-r", "."], input=wanted.encode(), cwd=self.folder.name,
                                capture_output=True, env={**os.environ, "LC_ALL": "C"}, check=False)
        assert result.returncode in (0, 1), result.stderr
        found = set()
        for line in result.stdout.splitlines():
            name, _, spelling = line.partition(b"\0")
            found.add((self.secrets[spelling.decode()], name.decode().removeprefix("./")))
        return sorted(found)


collector = Collector()
