# SPDX-License-Identifier: Apache-2.0
"""Machines that share Redis and a database. The way of one of them to either can be cut, while the others keep theirs."""
import os
import socket
import threading

from clients import Listener
from support import Service


class Relay(Listener):
    """A Unix socket at `path` that leads to the one at `target`."""

    def __init__(self, path, target):
        self.path, self.target = path, target
        self.open = threading.Event()
        self.open.set()
        self.holds = threading.Event()  # something waits for the way to be open
        self.sockets = []
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        os.chmod(path, 0o777)
        listener.listen(64)
        self.start(listener)

    def serve(self, client):
        self.sockets.append(client)
        self.open.wait()
        with socket.socket(socket.AF_UNIX) as server:
            self.sockets.append(server)
            server.connect(self.target)
            back = threading.Thread(target=self.carry, args=(client, server), daemon=True)
            back.start()
            self.carry(server, client)
            back.join()

    def carry(self, source, sink):
        try:
            while data := source.recv(65536):
                self.hear(source, data)
                if not self.open.is_set():
                    self.holds.set()
                self.open.wait()
                sink.sendall(data)
        except OSError:
            pass
        self.end(source, sink)

    def hear(self, source, data):
        """What `source` said."""

    @staticmethod
    def end(*ends):
        for one in ends:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self, is_silent=True):
        """Nothing passes from now on. Silent: connections stay and say nothing, as after a pulled plug; else they end."""
        self.holds.clear()
        self.open.clear()
        if not is_silent:
            self.end(*self.sockets)

    def go_on(self):
        """What waited passes now, as after a pause of the network or of the machine."""
        self.open.set()

    def mend(self):
        """What was on its way is lost with its connection."""
        self.end(*self.sockets)
        self.sockets.clear()
        self.open.set()

    def close(self):
        super().close()
        self.mend()


class Switch(Relay):
    """The address of a database, to which another server moves in: writers are sent away, and readers notice nothing."""

    def __init__(self, path, target):
        self.clients, self.readers = [], []
        super().__init__(path, target)

    def serve(self, client):
        self.clients.append(client)
        super().serve(client)

    def hear(self, source, data):
        if b"default_transaction_read_only = on" in data:
            self.readers.append(source)

    def stop(self):
        """New connections wait until go_on()."""
        self.open.clear()
        self.end(*[client for client in self.clients if client not in self.readers])


class Machine:
    """A service with its own ways to Redis and the database."""

    def __init__(self, place, redis, store):
        os.makedirs(place)
        self.redis = Relay(f"{place}/redis.sock", redis.socket)
        self.database = Relay(f"{place}/.s.PGSQL.5432", f"{store.cluster.folder}/.s.PGSQL.5432")
        self.name = os.path.basename(place)
        url = store.url.replace(store.cluster.folder, place)
        self.service = Service(place, f"unix://{place}/redis.sock", f"{url}&application_name={self.name}")

    def readiness(self):
        answer = self.service.get("/readyz")
        return "ready" if answer.status == 200 else answer.body.decode()

    def close(self):
        self.redis.mend()
        self.database.mend()
        self.service.stop()
        self.redis.close()
        self.database.close()
