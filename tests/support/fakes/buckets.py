# SPDX-License-Identifier: Apache-2.0
"""Counts messages as the providers document it. A sender above its pace gets the time to wait. One that
comes back too early is recorded."""
import threading
import time


class Bucket:
    """Holds `burst` messages and regains one every `interval_s`."""

    def __init__(self, burst, interval_s, now):
        self.burst, self.interval_s = burst, interval_s
        self.level, self.at = float(burst), now

    def wait_s(self, now):
        """0 if a message may pass. The caller then takes it."""
        self.level = min(self.burst, self.level + (now - self.at) / self.interval_s)
        self.at = now
        return 0 if self.level >= 1 else (1 - self.level) * self.interval_s


class Paces:
    """Its clock runs `speed` times as fast as the machine's clock."""

    def __init__(self, speed=1):
        self.lock = threading.Lock()
        self.speed = speed
        self.buckets = {}
        self.not_before = {}  # destination, or a prefix of several -> end of the requested wait

    def now(self):
        return time.monotonic() * self.speed

    def take(self, limits):
        """Takes a message from every (key, burst, interval_s) and returns 0, or takes none and returns the seconds to wait."""
        with self.lock:
            now = self.now()
            mine = [self.buckets.setdefault(key, Bucket(burst, interval_s, now)) for key, burst, interval_s in limits]
            wait = max((bucket.wait_s(now) for bucket in mine), default=0)
            if wait == 0:
                for bucket in mine:
                    bucket.level -= 1
            return wait

    def remaining(self, key):
        with self.lock:
            bucket = self.buckets.get(key)
            return int(bucket.level) if bucket else 0

    def hint(self, destination, seconds):
        """For so long from now, every request is a violation."""
        with self.lock:
            self.not_before[destination] = self.now() + seconds

    def is_early(self, destination, at):
        with self.lock:
            return any(at < until for hinted, until in self.not_before.items() if destination.startswith(hinted))
