# SPDX-License-Identifier: Apache-2.0
"""The server: finds the protocol of a path, counts its pace, plays the requested faults, and keeps a log
of everything that arrived.

    GET  /_log      what arrived, as JSON lines      POST /_script   a fault (or a list of them), see Fault
    GET  /_violations   requests before a hint was over            POST /_reset    clear log and faults
"""
import email.utils
import http.server
import json
import socket
import ssl
import struct
import threading
import time
import urllib.parse
from dataclasses import asdict, dataclass, field

from .buckets import Paces
from .protocol import Refusal, Reply, Request
from .protocols import all_protocols

MAX_BODY = 4 * 1024 * 1024


@dataclass
class Fault:
    """What the next `times` requests to `destination` (a prefix; "" matches all) get instead of an answer."""
    destination: str = ""
    kind: str = "answer"     # answer, hold (until release()), hang, drip, reset, half, huge, redirect
    status: int = 500
    body: str = ""
    headers: dict = field(default_factory=dict)
    times: int = 1           # 0: for ever
    hint_s: float = 0        # after this answer nothing may arrive for so long at
    hint_for: str = ""       # these destinations (a prefix), or only its own
    location: str = ""       # of a redirect


class FakeProviders:
    """Runs in its own thread. With `certificate` (path, key path) it uses TLS. `speed` makes its clock faster."""

    def __init__(self, port=0, certificate=None, show=None, is_paced=True, speed=1):
        self.lock = threading.Lock()
        self.stopping, self.released = threading.Event(), threading.Event()
        self.entries, self.violations, self.faults = [], [], []
        self.paces, self.protocols = Paces(speed), all_protocols()
        self.show, self.is_paced = show, is_paced
        self.hanging = 0
        fake = self

        class BoundHandler(Handler):
            owner = fake

        self.server = Server(("127.0.0.1", port), BoundHandler)
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
            self.scheme = "https"
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def origin(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def script(self, *faults):
        with self.lock:
            self.faults += [fault if isinstance(fault, Fault) else Fault(**fault) for fault in faults]

    def heal(self, destination=""):
        with self.lock:
            self.faults = [fault for fault in self.faults if not fault.destination.startswith(destination)]

    def release(self):
        """Answers the held requests. Later ones wait for the next call."""
        held, self.released = self.released, threading.Event()
        held.set()

    def fault_for(self, destination):
        with self.lock:
            for fault in self.faults:
                if destination.startswith(fault.destination):
                    if fault.times == 1:
                        self.faults.remove(fault)
                    elif fault.times > 1:
                        fault.times -= 1
                    return fault
        return None

    def arrived(self, destination="", posted_only=False):
        """The log entries of a destination (a prefix), oldest first."""
        with self.lock:
            return [entry for entry in self.entries
                    if entry["destination"].startswith(destination) and (entry["posted"] or not posted_only)]

    def posted(self, destination=""):
        """What people would see there."""
        return self.arrived(destination, posted_only=True)

    def screen(self, destination=""):
        """The messages people see there now, in the order of posting: {"message", "shown", "posted" (its first text), "edits"}.
        What was edited shows its last text."""
        seen = {}
        for entry in self.arrived(destination):
            if entry["posted"]:
                seen[entry["message"] or entry["number"]] = {**entry, "posted": entry["shown"], "edits": 0}
            elif entry["edits"] and entry["message"] in seen:
                message = seen[entry["message"]]
                message.update(shown=entry["shown"], edits=message["edits"] + 1)
        return list(seen.values())

    def limits(self, entry):
        """The documented pace for what arrived, as (key, burst, seconds per message after it)."""
        protocol = next(protocol for protocol in self.protocols if protocol.name == entry["provider"])
        path, _, query = entry["path"].partition("?")
        return protocol.limits(entry["destination"], Request(entry["method"], path, urllib.parse.parse_qs(query),
                                                             {name.lower(): value for name, value in entry["headers"].items()}, b""))

    def delete_message(self, number):
        """As if a person had deleted it."""
        with self.lock:
            for protocol in self.protocols:
                for key in [key for key in protocol.messages if str(key[1]) == str(number)]:
                    del protocol.messages[key]

    def freeze_message(self, number):
        """As if it were too old to be edited."""
        with self.lock:
            for protocol in self.protocols:
                protocol.frozen.add(str(number))

    def record(self, entry):
        with self.lock:
            entry["number"] = len(self.entries) + 1
            self.entries.append(entry)
            if entry["is_early"]:
                self.violations.append(entry)
        if self.show:
            self.show(entry)

    def reset(self):
        with self.lock:
            self.entries, self.violations, self.faults = [], [], []
            self.paces = Paces(self.paces.speed)

    def close(self):
        self.stopping.set()
        self.release()
        self.server.shutdown()
        self.server.server_close()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request, client_address):
        pass  # a peer may close in the middle of a request


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    owner = None

    def do_any(self):
        at = self.owner.paces.now()
        body = self.read_body()
        path, _, query = self.path.partition("?")
        if path.startswith("/_") and not path.startswith("/_matrix"):
            return self.control(path, body)
        request = Request(self.command, path, urllib.parse.parse_qs(query, keep_blank_values=True),
                          {name.lower(): value for name, value in self.headers.items()}, body)
        protocol, match = next((p, m) for p in self.owner.protocols if (m := p.match(path)))
        destination = protocol.destination(request, match)
        entry = {"provider": protocol.name, "destination": destination, "method": self.command, "path": self.path,
                 "headers": dict(self.headers.items()), "body": body.decode("utf-8", "replace"), "at": at, "fault": "",
                 "is_early": self.owner.paces.is_early(destination, at), "status": 0, "posted": False, "shown": "", "pings": [], "hidden": "",
                 "message": "", "edits": False}
        fault = self.owner.fault_for(destination)
        if fault:
            return self.play(fault, entry)
        reply = self.judge(protocol, match, request, destination)
        is_shown = reply.status < 300 and bool(reply.shown) and not reply.hidden
        entry.update(status=reply.status, shown=reply.shown, pings=reply.pings, hidden=reply.hidden, message=reply.message,
                     posted=is_shown and not reply.is_edit, edits=is_shown and reply.is_edit,
                     answer="" if is_shown else reply.body[:500])
        self.owner.record(entry)
        return self.reply(reply.status, reply.body, reply.headers)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_any

    def judge(self, protocol, match, request, destination):
        if self.owner.is_paced:
            wait_s = self.owner.paces.take(protocol.limits(destination, request))
            if wait_s > 0:
                reply, hint_s = protocol.too_fast(wait_s)
                if hint_s:
                    self.owner.paces.hint(destination, hint_s)
                return reply
        try:
            return protocol.answer(request, match)
        except Refusal as refusal:
            return refusal.args[0]
        except (AttributeError, KeyError, TypeError) as error:  # such as an object in place of a text
            return Reply.of(400, {"error": f"malformed message: {error!r}"})

    def read_body(self):
        length = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(min(length, MAX_BODY))

    def reply(self, status, body, headers=None):
        data = body.encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if status not in (204, 304):
            self.wfile.write(data)

    def play(self, fault, entry):
        entry.update(fault=fault.kind, status=fault.status if fault.kind in ("answer", "hold", "redirect") else 0)
        released = self.owner.released
        if fault.hint_s:
            self.owner.paces.hint(fault.hint_for or entry["destination"], fault.hint_s)
        self.owner.record(entry)
        if fault.kind == "hold":
            released.wait()
        return getattr(self, "play_" + fault.kind)(fault)

    def play_answer(self, fault):
        headers = dict(fault.headers)
        if headers.get("Retry-After", "").startswith("in "):  # as an HTTP date
            headers["Retry-After"] = email.utils.formatdate(time.time() + float(headers["Retry-After"][3:]) + 1, usegmt=True)
        self.reply(fault.status, fault.body, headers)

    def play_hold(self, fault):
        self.reply(fault.status, fault.body, fault.headers)

    def play_redirect(self, fault):
        self.reply(fault.status if fault.status in (301, 302, 303, 307, 308) else 302, "", {"Location": fault.location})

    def play_hang(self, fault):
        self.owner.hanging += 1
        self.owner.stopping.wait()
        self.close_connection = True

    def play_drip(self, fault):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not self.owner.stopping.wait(0.2):
            self.wfile.write(b".")
        self.close_connection = True

    def play_reset(self, fault):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def play_half(self, fault):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf an ans")
        self.close_connection = True

    def play_huge(self, fault):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(1000):
            self.wfile.write(b"x" * 100000)
        self.close_connection = True

    def control(self, path, body):
        owner = self.owner
        if path == "/_log":
            return self.reply(200, "".join(json.dumps(e) + "\n" for e in owner.arrived()))
        if path == "/_violations":
            return self.reply(200, json.dumps(owner.violations) + "\n")
        if path == "/_faults":
            return self.reply(200, json.dumps([asdict(fault) for fault in owner.faults]) + "\n")
        if path == "/_script" and self.command == "POST":
            try:
                told = json.loads(body)
                owner.script(*(told if isinstance(told, list) else [told]))
            except (ValueError, TypeError) as error:
                return self.reply(400, f"no fault: {error}\n")
            return self.reply(200, "ok\n")
        if path == "/_reset" and self.command == "POST":
            owner.reset()
            return self.reply(200, "ok\n")
        return self.reply(404, "_log, _violations, _faults, _script, _reset\n")

    def log_message(self, *_):
        pass
