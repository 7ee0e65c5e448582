# SPDX-License-Identifier: Apache-2.0
"""A Server-Sent-Events client for many connections at once: asyncio, and no JSON but in the greeting."""
import asyncio
import json


class Refused(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body[:300]!r}")
        self.status = status


class Connection:
    """One stream from its request to its end. `frames` are (id, data) of events, in order."""

    def __init__(self, port, key, query="", last_id=None, path="/v1/events/stream"):
        self.port = port
        lines = [f"GET {path}{query} HTTP/1.1", "Host: localhost", f"X-API-Key: {key}"]
        if last_id:
            lines.append(f"Last-Event-ID: {last_id}")
        self.request = ("\r\n".join(lines) + "\r\n\r\n").encode()
        self.greeting = None
        self.frames = []
        self.bookmarks = []  # (frames before it, id)
        self.comments = []
        self.gap_after = None  # frames before the word that entries were lost
        self.retry = None
        self.writer = None
        self.asked = False

    async def connect(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    def ask(self):
        self.writer.write(self.request)
        self.asked = True

    async def open(self):
        """Up to the greeting. OSError or EOFError when there is nobody, Refused for another status."""
        if not self.writer:
            await self.connect()
        if not self.asked:
            self.ask()
        status = (await self.reader.readuntil(b"\r\n")).split()[1]
        length = 0
        while (line := await self.reader.readuntil(b"\r\n")) != b"\r\n":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if status != b"200":
            raise Refused(int(status), await self.reader.readexactly(length))
        self.rest = b""
        while self.greeting is None:
            await self.read_chunk()

    async def read_chunk(self):
        """EOFError (IncompleteReadError is one) at the end."""
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        chunk = await self.reader.readexactly(size + 2)
        if size == 0:
            raise EOFError
        self.rest += chunk[:-2]
        *blocks, self.rest = self.rest.split(b"\n\n")
        for block in blocks:
            self.take(block)

    def take(self, block):
        fields = {}
        for line in block.split(b"\n"):
            if line.startswith(b":"):
                self.comments.append(line[1:].strip().decode())
            else:
                name, _, value = line.partition(b": ")
                fields[name] = value
        if b"retry" in fields:
            self.retry = int(fields[b"retry"])
        if fields.get(b"event") == b"connected" and self.greeting:
            self.gap_after = len(self.frames)
            assert b"id" not in fields and json.loads(fields[b"data"])["gap"] is True
        elif fields.get(b"event") == b"connected":
            self.greeting = json.loads(fields[b"data"])["metadata"]
            assert self.greeting["cursor"] == fields[b"id"].decode()
        elif b"data" in fields:
            self.frames.append((fields[b"id"].decode() if b"id" in fields else None, fields[b"data"]))
        elif b"id" in fields:
            self.bookmarks.append((len(self.frames), fields[b"id"].decode()))

    def last_id(self):
        last = self.greeting["cursor"]
        if self.frames:
            last = self.frames[-1][0]
        if self.bookmarks and self.bookmarks[-1][0] == len(self.frames):
            last = self.bookmarks[-1][1]
        return last

    def close(self):
        if self.writer:
            self.writer.close()


async def pause(seconds=0.05):
    """Waits between two looks at something that sends no notice."""
    await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=seconds)


def id_pair(text):
    ms, seq = text.split("-")
    return int(ms), int(seq)
